#include "engine/tokenizer/thinking_splitter.h"

#include <algorithm>
#include <array>

namespace engine {
namespace {

constexpr std::array<std::string_view, 2> kOpening = {"<think>", "<thinking>"};
constexpr std::array<std::string_view, 2> kClosing = {"</think>", "</thinking>"};

struct Found {
  std::size_t begin = std::string::npos;
  std::size_t size = 0;
};

Found find_first(std::string_view text, const std::array<std::string_view, 2>& tags) {
  Found first;
  for (const std::string_view tag : tags) {
    const std::size_t begin = text.find(tag);
    if (begin < first.begin) first = {begin, tag.size()};
  }
  return first;
}

/// Length of the longest end of `text` that a tag begins with.
std::size_t partial_tag(std::string_view text, const std::array<std::string_view, 2>& tags) {
  std::size_t longest = 0;
  for (const std::string_view tag : tags) {
    for (std::size_t size = std::min(tag.size() - 1, text.size()); size > longest; --size) {
      if (tag.starts_with(text.substr(text.size() - size))) longest = size;
    }
  }
  return longest;
}

}  // namespace

void ThinkingSplitter::drop(std::size_t n_bytes) {
  held_.erase(0, n_bytes);
  held_begin_ += n_bytes;
}

void ThinkingSplitter::emit(Channel channel, std::size_t n_bytes, std::vector<Piece>& pieces) {
  if (n_bytes > 0) pieces.push_back({channel, held_.substr(0, n_bytes), held_begin_});
  drop(n_bytes);
}

/// Looks for an opening tag after white space. True when the start is decided.
bool ThinkingSplitter::open_at_start(bool at_end, std::vector<Piece>& pieces) {
  const bool in_thinking = state_ == State::kThinkingStart;
  const std::size_t first = held_.find_first_not_of(" \t\r\n");
  const std::string_view rest =
      first == std::string::npos ? std::string_view() : std::string_view(held_).substr(first);
  for (const std::string_view tag : kOpening) {
    if (rest.starts_with(tag)) {
      drop(first + tag.size());
      state_ = State::kThinking;
      return true;
    }
  }
  const bool may_come = rest.empty() || std::any_of(kOpening.begin(), kOpening.end(),
                                                    [&](std::string_view tag) { return tag.starts_with(rest); });
  if (may_come && !at_end) return false;
  state_ = in_thinking ? State::kThinking : State::kAnswer;
  if (at_end && may_come) emit(in_thinking ? Channel::kThinking : Channel::kAnswer, held_.size(), pieces);
  return true;
}

void ThinkingSplitter::run(bool at_end, std::vector<Piece>& pieces) {
  if (state_ == State::kThinkingStart || state_ == State::kAnswerStart) {
    if (!open_at_start(at_end, pieces)) return;
  }
  if (state_ == State::kThinking) {
    const Found end = find_first(held_, kClosing);
    if (end.begin == std::string::npos) {
      emit(Channel::kThinking, held_.size() - (at_end ? 0 : partial_tag(held_, kClosing)), pieces);
      return;
    }
    emit(Channel::kThinking, end.begin, pieces);
    drop(end.size);
    state_ = State::kAnswer;
  }
  emit(Channel::kAnswer, held_.size(), pieces);
}

std::vector<ThinkingSplitter::Piece> ThinkingSplitter::push(std::string_view text) {
  held_ += text;
  std::vector<Piece> pieces;
  if (!held_.empty()) run(false, pieces);
  return pieces;
}

std::vector<ThinkingSplitter::Piece> ThinkingSplitter::finish() {
  std::vector<Piece> pieces;
  if (!held_.empty()) run(true, pieces);
  return pieces;
}

}  // namespace engine
