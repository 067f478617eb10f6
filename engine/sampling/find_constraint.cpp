#include "engine/sampling/find_constraint.h"

#include <algorithm>
#include <utility>

namespace engine {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }

bool joins(char c) { return c == '-' || c == '.' || c == '\''; }

/// Whether a word goes on before `at`, as in "is|_leap" and "core.|date".
bool goes_on_before(std::string_view text, std::size_t at) {
  if (at == 0) return false;
  return is_word(text[at - 1]) || (at > 1 && joins(text[at - 1]) && is_word(text[at - 2]));
}

bool goes_on_behind(std::string_view text, std::size_t at) {
  if (at >= text.size()) return false;
  return is_word(text[at]) || (at + 1 < text.size() && joins(text[at]) && is_word(text[at + 1]));
}

/// Where `words` stand in `text` as whole words; npos: nowhere. Both in lower case.
std::size_t find_words(std::string_view text, std::string_view words) {
  for (std::size_t at = text.find(words); at != std::string_view::npos; at = text.find(words, at + 1)) {
    const bool begins = !is_word(words.front()) || !goes_on_before(text, at);
    const bool ends = !is_word(words.back()) || !goes_on_behind(text, at + words.size());
    if (begins && ends) return at;
  }
  return std::string_view::npos;
}

std::vector<std::string> items_of(std::string_view list) {
  std::vector<std::string> items;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(", "), list.size());
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\n')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\n')) item.remove_suffix(1);
    if (!item.empty()) items.push_back(lowered(item));
    list.remove_prefix(std::min(comma + 2, list.size()));
  }
  return items;
}

}  // namespace

FindConstraint::FindConstraint(std::shared_ptr<const QuotableText> text, ThinkingLines lines, std::vector<TokenId> end_of_thinking)
    : text_(std::move(text)),
      lines_(std::move(lines)),
      end_of_thinking_(std::move(end_of_thinking)),
      found_ids_(text_->tokenizer().encode(lines_.found)),
      nothing_ids_(text_->tokenizer().encode(lines_.nothing)) {
  if (found_ids_.empty() || nothing_ids_.empty() || lines_.list.empty()) state_ = State::kFree;
}

std::span<const TokenId> FindConstraint::allowed() {
  allowed_.clear();
  if (state_ == State::kLineStart) {
    const auto& ids = starts_.empty() ? nothing_ids_ : found_ids_;
    if (n_line_tokens_ < ids.size()) allowed_.push_back(ids[n_line_tokens_]);
  } else if (state_ == State::kFinding) {
    using LineEnd = QuotableText::LineEnd;
    bool is_whole = false;
    for (const auto& place : places_) {
      const bool more = wants_more(place.block);
      if (text_->is_whole(place) && !more) {
        is_whole = true;
      } else {
        text_->add_next(place, more ? LineEnd::kWith : LineEnd::kWithout, allowed_);
      }
    }
    if (is_whole) allowed_.insert(allowed_.end(), end_of_thinking_.begin(), end_of_thinking_.end());
  }
  std::ranges::sort(allowed_);
  const auto same = std::ranges::unique(allowed_);
  allowed_.erase(same.begin(), same.end());
  return allowed_;
}

void FindConstraint::push(TokenId id) {
  const std::string_view bytes = text_->tokenizer().bytes(id);
  if (state_ == State::kFree || text_->tokenizer().is_control(id)) return;
  ++n_line_tokens_;
  if (state_ == State::kFinding) {
    text_->go_on(bytes, places_);
    if (places_.empty()) state_ = State::kFree;  // somebody sampled what was not allowed
    end_passage();
    return;
  }
  line_ += bytes;
  if (state_ == State::kList) {
    if (line_.ends_with('\n')) read_list();
  } else if (line_ == lines_.found) {
    begin_passage();
  } else if (!std::string_view(lines_.found).starts_with(line_)) {
    state_ = State::kFree;
  }
}

/// The list is whole: where its words stand.
void FindConstraint::read_list() {
  const bool is_list = line_.starts_with(lines_.list);
  const auto items = is_list ? items_of(std::string_view(line_).substr(lines_.list.size())) : std::vector<std::string>();
  state_ = items.empty() ? State::kFree : State::kLineStart;
  line_.clear();
  n_line_tokens_ = 0;
  if (items.empty()) return;
  std::vector<QuotableText::Place> complete;
  for (std::uint32_t block = 0; block < text_->blocks().size(); ++block) {
    const std::string text = lowered(text_->text_of(block));
    std::size_t at = find_words(text, items.front());
    if (at == std::string_view::npos) continue;
    if (at > 0 && text[at - 1] == ' ') --at;  // a word's token begins with the space before it
    const QuotableText::Place start{text_->blocks()[block].begin + static_cast<std::uint32_t>(at), block};
    starts_.push_back(start);
    const bool has_all = std::ranges::all_of(items, [&](const std::string& item) { return find_words(text, item) != std::string_view::npos; });
    if (has_all) complete.push_back(start);
  }
  are_complete_ = !complete.empty();
  if (are_complete_) starts_ = std::move(complete);
}

void FindConstraint::begin_passage() {
  places_.clear();
  for (const auto& start : starts_) {
    if (std::ranges::find(found_, start.block) == found_.end()) places_.push_back(start);
  }
  state_ = places_.empty() ? State::kFree : State::kFinding;
}

void FindConstraint::end_passage() {
  if (state_ != State::kFinding || places_.size() != 1 || !text_->is_whole(places_.front())) return;
  const std::uint32_t block = places_.front().block;
  const bool more = wants_more(block);
  if (std::ranges::find(found_, block) == found_.end()) found_.push_back(block);
  if (!more || places_.front().at < text_->blocks()[block].end) return;
  state_ = State::kLineStart;
  line_.clear();
  n_line_tokens_ = 0;
}

/// Whether another passage is to be found behind `current`.
bool FindConstraint::wants_more(std::uint32_t current) const {
  if (!are_complete_) return false;
  const bool is_counted = std::ranges::find(found_, current) != found_.end();
  const std::size_t n_found = found_.size() + (is_counted ? 0 : 1);
  return n_found < std::min(kMaxFound, starts_.size());
}

}  // namespace engine
