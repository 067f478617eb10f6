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

QuoteConstraint::QuoteConstraint(std::shared_ptr<const QuotableText> text, QuoteStyle style, std::vector<TokenId> end_ids)
    : text_(std::move(text)),
      style_(style),
      end_ids_(std::move(end_ids)),
      new_line_(text_->tokenizer().encode("\n").front()),
      state_(style == QuoteStyle::kLines ? State::kLineStart : State::kFree) {
  if (style_ == QuoteStyle::kMarks) find_first_tokens();
}

void QuoteConstraint::hold_to(std::vector<std::uint32_t> blocks) {
  is_held_ = style_ == QuoteStyle::kLines && !blocks.empty();
  held_ = std::move(blocks);
}

void QuoteConstraint::find_first_tokens() {
  // A quotation begins with a word, which a text writes with the space before it: the same letters
  // without that space may be other tokens.
  std::unordered_set<std::string_view> words;
  const std::string_view text = text_->text();
  const Tokenizer& tokenizer = text_->tokenizer();
  for (const QuotableText::Token& token : text_->tokens()) {
    first_tokens_.push_back(token.id);
    const std::uint32_t begin = token.begin + (text[token.begin] == ' ' ? 1 : 0);
    std::uint32_t end = begin;
    while (end < text_->blocks()[token.block].end && end - begin < kMaxWord && !is_space(text[end])) ++end;
    if (end > begin) words.insert(text.substr(begin, end - begin));
  }
  for (const std::string_view word : words) first_tokens_.push_back(tokenizer.encode(word).front());
  sort_unique(first_tokens_);
  closing_.resize(kMarks.size());
  for (TokenId id = 0; id < tokenizer.vocabulary_size(); ++id) {
    if (tokenizer.is_control(id)) continue;
    for (std::size_t mark = 0; mark < kMarks.size(); ++mark) {
      if (tokenizer.bytes(id).starts_with(kMarks[mark].close)) closing_[mark].push_back(id);
    }
  }
  // A vocabulary may have no token for a mark; its first byte begins it then.
  for (std::size_t mark = 0; mark < kMarks.size(); ++mark) {
    if (closing_[mark].empty()) closing_[mark].push_back(tokenizer.encode(kMarks[mark].close).front());
  }
}

std::span<const TokenId> QuoteConstraint::allowed() {
  allowed_.clear();
  if (state_ == State::kOpened) return first_tokens_;
  if (state_ == State::kQuoting) {
    collect_next();
  } else if (state_ == State::kLineStart && is_held_) {
    for (const std::uint32_t block : held_) text_->add_next({text_->blocks()[block].begin, block}, QuotableText::LineEnd::kEither, allowed_);
  }
  sort_unique(allowed_);
  return allowed_;
}

void QuoteConstraint::collect_next() {
  using LineEnd = QuotableText::LineEnd;
  if (style_ == QuoteStyle::kMarks) {
    for (const auto& place : places_) text_->add_next(place, LineEnd::kEither, allowed_);
    allowed_.insert(allowed_.end(), closing_[mark_].begin(), closing_[mark_].end());
    return;
  }
  bool may_end = false;
  const LineEnd line_end = !is_held_ ? LineEnd::kEither : held_.size() > 1 ? LineEnd::kWith : LineEnd::kWithout;
  for (const auto& place : places_) {
    may_end = may_end || text_->is_whole(place);
    text_->add_next(place, line_end, allowed_);
  }
  if (!may_end) return;
  if (line_end != LineEnd::kWithout) allowed_.push_back(new_line_);
  if (line_end != LineEnd::kWith) {
    if (is_held_) allowed_.clear();  // the line break that follows in the prompt goes on to nothing
    allowed_.insert(allowed_.end(), end_ids_.begin(), end_ids_.end());
  }
}

void QuoteConstraint::push(TokenId id) {
  const std::string_view bytes = text_->tokenizer().bytes(id);
  if (text_->tokenizer().is_control(id) || bytes.empty()) return;
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
  const bool inside = std::ranges::any_of(places_, [&](const auto& place) { return !text_->is_whole(place); });
  if (state_ == State::kQuoting && !inside && is_held_) std::erase(held_, places_.front().block);
  if (state_ == State::kFree || (state_ == State::kQuoting && !inside)) state_ = State::kLineStart;
}

void QuoteConstraint::begin_at_blocks(std::string_view bytes) {
  places_.clear();
  for (std::uint32_t block = 0; block < text_->blocks().size(); ++block) {
    if (is_held_ && std::ranges::find(held_, block) == held_.end()) continue;
    if (!text_->text_of(block).starts_with(bytes)) continue;
    places_.push_back({text_->blocks()[block].begin + static_cast<std::uint32_t>(bytes.size()), block});
  }
  state_ = places_.empty() ? State::kFree : State::kQuoting;
}

void QuoteConstraint::begin_anywhere(std::string_view bytes) {
  places_.clear();
  const char* const begin = text_->text().data();
  const char* const end = begin + text_->text().size();
  for (const char* at = begin; at < end; ++at) {
    at = static_cast<const char*>(memmem(at, static_cast<std::size_t>(end - at), bytes.data(), bytes.size()));
    if (at == nullptr) break;
    const auto first = static_cast<std::uint32_t>(at - begin);
    const auto place = static_cast<std::uint32_t>(first + bytes.size());
    const std::uint32_t block = text_->block_of_byte(first);
    if (text_->blocks()[block].end >= place) places_.push_back({place, block});
  }
  state_ = places_.empty() ? State::kFree : State::kQuoting;
}

void QuoteConstraint::go_on(std::string_view bytes) {
  text_->go_on(bytes, places_);
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
