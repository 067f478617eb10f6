#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/tokenizer/thinking_splitter.h"
#include "engine/tokenizer/tokenizer.h"

namespace engine {

/// From generated token ids to the two texts, and back from each byte to its token: decodes,
/// splits thinking from answer, and knows where the text of each token lies.
class GenerationText {
 public:
  GenerationText(std::shared_ptr<const Tokenizer> tokenizer, bool starts_in_thinking)
      : decoder_(std::move(tokenizer)), splitter_(starts_in_thinking) {}

  /// Text that is certain now, in order; `first_token` is the token that its first byte came from.
  struct Piece {
    Channel channel = Channel::kAnswer;
    std::string text;
    std::int64_t first_token = 0;
  };
  std::vector<Piece> push(TokenId id);
  std::vector<Piece> finish();

  const std::string& thinking() const { return texts_[0]; }
  const std::string& answer() const { return texts_[1]; }

  /// Where the text of a token lies. Tokens that are tags, or the first part of a character, have
  /// an empty range where their text would stand. Complete after `finish`.
  struct Place {
    Channel channel = Channel::kAnswer;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  std::vector<Place> places() const;

  /// Whether the next token continues the answer, as far as is known now.
  bool in_answer() const { return splitter_.in_answer(); }

 private:
  struct Released {
    Channel channel;
    std::uint64_t source_begin;
    std::uint64_t source_end;
    std::uint32_t text_begin;
  };

  std::vector<Piece> take(std::vector<ThinkingSplitter::Piece> pieces);
  std::int64_t token_at(std::uint64_t source) const;

  StreamDecoder decoder_;
  ThinkingSplitter splitter_;
  std::vector<std::uint64_t> source_begins_;  // of each token, in the decoded text with tags
  std::uint64_t source_size_ = 0;
  std::vector<Released> released_;
  std::string texts_[2];
};

}  // namespace engine
