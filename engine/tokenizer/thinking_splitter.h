#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace engine {

/// Splits what a model writes into thinking and answer while it streams. Tags (<think>, <thinking>
/// and their ends) are taken out; what could still become one is held back. There is one thinking
/// part at most: tags inside the answer are text.
class ThinkingSplitter {
 public:
  /// `starts_in_thinking`: the prompt's tail has opened the thinking part (see ends_in_thinking).
  explicit ThinkingSplitter(bool starts_in_thinking)
      : state_(starts_in_thinking ? State::kThinkingStart : State::kAnswerStart) {}

  struct Piece {
    Channel channel = Channel::kAnswer;
    std::string text;
    std::uint64_t source_begin = 0;  // where `text` stood in all that was pushed, in bytes
  };

  std::vector<Piece> push(std::string_view text);
  /// What was held back: the stream has ended.
  std::vector<Piece> finish();

  /// Whether what comes next belongs to the answer, as far as is known now.
  bool in_answer() const { return state_ == State::kAnswer || state_ == State::kAnswerStart; }

 private:
  // The starts: only white space so far; an opening tag may still come.
  enum class State { kThinkingStart, kThinking, kAnswerStart, kAnswer };

  void run(bool at_end, std::vector<Piece>& pieces);
  bool open_at_start(bool at_end, std::vector<Piece>& pieces);
  void emit(Channel channel, std::size_t n_bytes, std::vector<Piece>& pieces);
  void drop(std::size_t n_bytes);

  State state_;
  std::string held_;
  std::uint64_t held_begin_ = 0;
};

}  // namespace engine
