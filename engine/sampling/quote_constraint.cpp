#include "engine/sampling/quote_constraint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <unordered_set>
#include <utility>

namespace engine {
namespace {

struct Marks {
  std::string_view open;
  std::string_view close;
};

constexpr std::array<Marks, 7> kMarks = {{
    {"\"", "\""}, {"“", "”"}, {"„", "“"}, {"«", "»"}, {"»", "«"}, {"「", "」"}, {"『", "』"},
}};
constexpr std::uint32_t kMaxWord = 32;  // bytes
constexpr std::size_t kTail = 3;  // the longest mark, and one byte before a shorter one

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

bool is_empty_line(std::string_view bytes) {
  return bytes.ends_with('\n') && std::all_of(bytes.begin(), bytes.end(), is_space);
}

/// The straight mark opens only where a word can begin: 5" is a length.
bool may_open(char before) { return is_space(before) || std::strchr("([{-:>*_/=", before) != nullptr; }

void sort_unique(std::vector<TokenId>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace

QuoteConstraint::QuoteConstraint(std::shared_ptr<const Tokenizer> tokenizer, std::span<const TokenId> prompt,
                                 std::span<const TokenRange> quotable, QuoteStyle style, std::vector<TokenId> end_ids)
    : tokenizer_(std::move(tokenizer)),
      style_(style),
      line_ends_(std::move(end_ids)),
      state_(style == QuoteStyle::kLines ? State::kLineStart : State::kFree) {
  line_ends_.push_back(tokenizer_->encode("\n").front());
  read_blocks(prompt, quotable);
  if (style_ == QuoteStyle::kMarks) find_first_tokens();
}

void QuoteConstraint::read_blocks(std::span<const TokenId> prompt, std::span<const TokenRange> quotable) {
  std::int64_t done = 0;
  for (const TokenRange& range : quotable) {
    const std::int64_t begin = std::max(range.begin, done);
    const std::int64_t end = std::min<std::int64_t>(range.end, static_cast<std::int64_t>(prompt.size()));
    if (begin >= end) continue;
    Block block;
    block.begin = static_cast<std::uint32_t>(text_.size());
    for (const TokenId id : prompt.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin))) {
      if (tokenizer_->is_control(id)) continue;
      const std::string_view bytes = tokenizer_->bytes(id);
      token_of_byte_.insert(token_of_byte_.end(), bytes.size(), static_cast<std::uint32_t>(tokens_.size()));
      tokens_.push_back({id, static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(blocks_.size())});
      text_ += bytes;
    }
    block.end = static_cast<std::uint32_t>(text_.size());
    block.text_end = block.end;
    while (block.text_end > block.begin && is_space(text_[block.text_end - 1])) --block.text_end;
    if (block.end > block.begin) blocks_.push_back(block);
    done = end;
  }
}

void QuoteConstraint::find_first_tokens() {
  // A quotation begins with a word, which a text writes with the space before it: the same letters
  // without that space may be other tokens.
  std::unordered_set<std::string_view> words;
  const std::string_view text = text_;
  for (const Token& token : tokens_) {
    first_tokens_.push_back(token.id);
    const std::uint32_t begin = token.begin + (text[token.begin] == ' ' ? 1 : 0);
    std::uint32_t end = begin;
    while (end < blocks_[token.block].end && end - begin < kMaxWord && !is_space(text[end])) ++end;
    if (end > begin) words.insert(text.substr(begin, end - begin));
  }
  for (const std::string_view word : words) first_tokens_.push_back(tokenizer_->encode(word).front());
  sort_unique(first_tokens_);
  closing_.resize(kMarks.size());
  for (TokenId id = 0; id < tokenizer_->vocabulary_size(); ++id) {
    if (tokenizer_->is_control(id)) continue;
    for (std::size_t mark = 0; mark < kMarks.size(); ++mark) {
      if (tokenizer_->bytes(id).starts_with(kMarks[mark].close)) closing_[mark].push_back(id);
    }
  }
  // A vocabulary may have no token for a mark; its first byte begins it then.
  for (std::size_t mark = 0; mark < kMarks.size(); ++mark) {
    if (closing_[mark].empty()) closing_[mark].push_back(tokenizer_->encode(kMarks[mark].close).front());
  }
}

std::span<const TokenId> QuoteConstraint::allowed() {
  allowed_.clear();
  if (state_ == State::kOpened) return first_tokens_;
  if (state_ == State::kQuoting) collect_next();
  sort_unique(allowed_);
  return allowed_;
}

void QuoteConstraint::collect_next() {
  bool may_end = false;
  for (const std::uint32_t place : places_) {
    const Block& block = block_before(place);
    may_end = may_end || place >= block.text_end;
    if (place == block.end) continue;
    const std::uint32_t index = token_of_byte_[place];
    const std::uint32_t end = index + 1 < tokens_.size() ? tokens_[index + 1].begin : static_cast<std::uint32_t>(text_.size());
    if (tokens_[index].begin == place) {
      allowed_.push_back(tokens_[index].id);
      // "]" and a line break may be one token of the prompt: without this the answer could never end there.
      if (place < block.text_end && end > block.text_end) {
        allowed_.push_back(tokenizer_->encode(std::string_view(text_).substr(place, block.text_end - place)).front());
      }
      continue;
    }
    // Inside a token of the prompt: whatever writes the rest of it.
    allowed_.push_back(tokenizer_->encode(std::string_view(text_).substr(place, end - place)).front());
  }
  const std::vector<TokenId>& ends = style_ == QuoteStyle::kMarks ? closing_[mark_] : line_ends_;
  if (style_ == QuoteStyle::kMarks || may_end) allowed_.insert(allowed_.end(), ends.begin(), ends.end());
}

void QuoteConstraint::push(TokenId id) {
  const std::string_view bytes = tokenizer_->bytes(id);
  if (tokenizer_->is_control(id) || bytes.empty()) return;
  if (style_ == QuoteStyle::kLines) {
    push_line(bytes);
  } else {
    push_marks(bytes);
  }
}

void QuoteConstraint::push_line(std::string_view bytes) {
  if (state_ == State::kQuoting) {
    go_on(bytes);
  } else if (state_ == State::kLineStart && !is_empty_line(bytes)) {
    begin_at_blocks(bytes);
  }
  if (!bytes.ends_with('\n')) return;
  const bool inside = std::any_of(places_.begin(), places_.end(),
                                  [&](std::uint32_t place) { return place < block_before(place).text_end; });
  if (state_ == State::kFree || (state_ == State::kQuoting && !inside)) state_ = State::kLineStart;
}

void QuoteConstraint::begin_at_blocks(std::string_view bytes) {
  places_.clear();
  const std::string_view text = text_;
  for (const Block& block : blocks_) {
    if (!text.substr(block.begin, block.end - block.begin).starts_with(bytes)) continue;
    places_.push_back(block.begin + static_cast<std::uint32_t>(bytes.size()));
  }
  state_ = places_.empty() ? State::kFree : State::kQuoting;
}

void QuoteConstraint::begin_anywhere(std::string_view bytes) {
  places_.clear();
  const char* const begin = text_.data();
  const char* const end = begin + text_.size();
  for (const char* at = begin; at < end; ++at) {
    at = static_cast<const char*>(memmem(at, static_cast<std::size_t>(end - at), bytes.data(), bytes.size()));
    if (at == nullptr) break;
    const auto first = static_cast<std::uint32_t>(at - begin);
    const auto place = static_cast<std::uint32_t>(first + bytes.size());
    if (blocks_[tokens_[token_of_byte_[first]].block].end >= place) places_.push_back(place);
  }
  state_ = places_.empty() ? State::kFree : State::kQuoting;
}

void QuoteConstraint::go_on(std::string_view bytes) {
  const std::string_view text = text_;
  std::erase_if(places_, [&](std::uint32_t place) {
    return !text.substr(place, block_before(place).end - place).starts_with(bytes);
  });
  for (std::uint32_t& place : places_) place += static_cast<std::uint32_t>(bytes.size());
  // Nothing occurs any more: the line ended, or somebody sampled what was not allowed.
  if (places_.empty()) state_ = State::kFree;
}

/// Takes `bytes` up to an opening mark, if there is one, and gives what stands after it.
std::string_view QuoteConstraint::open_mark(std::string_view bytes) {
  const std::string seen = tail_ + std::string(bytes);
  std::size_t first = std::string::npos;
  for (std::size_t mark = 0; mark < kMarks.size(); ++mark) {
    const std::string_view open = kMarks[mark].open;
    for (std::size_t at = seen.find(open); at < first; at = seen.find(open, at + 1)) {
      if (at + open.size() <= tail_.size()) continue;  // looked at before
      if (open == "\"" && at > 0 && !may_open(seen[at - 1])) continue;
      first = at;
      mark_ = mark;
    }
  }
  if (first == std::string::npos) {
    tail_ = seen.substr(seen.size() - std::min(seen.size(), kTail));
    return {};
  }
  const std::size_t used = first + kMarks[mark_].open.size() - tail_.size();
  tail_.clear();
  state_ = State::kOpened;
  return bytes.substr(used);
}

void QuoteConstraint::push_marks(std::string_view bytes) {
  while (!bytes.empty()) {
    if (state_ == State::kFree) {
      bytes = open_mark(bytes);
      continue;
    }
    const std::string_view close = kMarks[mark_].close;
    const auto end = bytes.find(close);
    if (end == std::string_view::npos) {
      if (state_ == State::kOpened) {
        begin_anywhere(bytes);
      } else {
        go_on(bytes);
      }
      return;
    }
    state_ = State::kFree;
    tail_ = close;  // a straight mark right after another does not open
    bytes.remove_prefix(end + close.size());
  }
}

}  // namespace engine
