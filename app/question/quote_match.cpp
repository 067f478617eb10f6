#include "app/question/quote_match.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace app {
namespace {

constexpr std::size_t kMaxFuzzyBytes = 8000;
constexpr std::size_t kMinFuzzyBytes = 12;
constexpr std::size_t kBytesPerEdit = 16;

/// A text with typographic variants made equal, and where each of its bytes came from.
struct PlainText {
  std::string text;
  std::vector<std::uint32_t> from;  // size + 1: the last entry is the end of the original
};

/// What stands for the UTF-8 character at the start of `text`: its plain form and its length.
std::pair<std::string_view, std::size_t> plain(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 24> kForms = {{
      {"\u2018", "'"}, {"\u2019", "'"}, {"\u201A", "'"}, {"\u201B", "'"}, {"\u2032", "'"},  {"\u201C", "\""}, {"\u201D", "\""}, {"\u201E", "\""},
      {"\u00AB", "\""}, {"\u00BB", "\""}, {"\u2010", "-"}, {"\u2011", "-"}, {"\u2012", "-"}, {"\u2013", "-"},  {"\u2014", "-"},  {"\u2212", "-"},
      {"\u00AD", ""},  {"\u200B", ""},  {"\u00A0", " "}, {"\u2009", " "}, {"\u202F", " "}, {"\u2026", "..."}, {"\uFB01", "fi"}, {"\uFB02", "fl"},
  }};
  if (static_cast<unsigned char>(text.front()) >= 0xC2) {
    for (const auto& [form, stands_for] : kForms) {
      if (text.starts_with(form)) return {stands_for, form.size()};
    }
  }
  return {text.substr(0, 1), 1};
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

PlainText make_plain(std::string_view original) {
  PlainText out;
  for (std::size_t at = 0; at < original.size();) {
    const auto [form, n] = plain(original.substr(at));
    for (const char c : form) {
      if (is_blank(c) && (out.text.empty() || out.text.back() == ' ')) continue;
      out.text.push_back(is_blank(c) ? ' ' : c);
      out.from.push_back(static_cast<std::uint32_t>(at));
    }
    at += n;
  }
  out.from.push_back(static_cast<std::uint32_t>(original.size()));
  while (!out.text.empty() && out.text.back() == ' ') {
    out.text.pop_back();
    out.from.pop_back();
    out.from.back() = std::min(out.from.back(), static_cast<std::uint32_t>(original.size()));
  }
  return out;
}

std::string digits_of(std::string_view text) {
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits), [](char c) { return c >= '0' && c <= '9'; });
  return digits;
}

/// The part of `text` with the fewest edits to `pattern`, at most `max_edits` (Sellers' algorithm: a
/// row of edit distances in which a match may begin anywhere for free).
std::pair<std::size_t, std::size_t> closest(std::string_view pattern, std::string_view text, std::size_t max_edits) {
  struct Cell {
    std::size_t edits = 0;
    std::size_t start = 0;
  };
  std::vector<Cell> column(pattern.size() + 1);
  for (std::size_t i = 0; i <= pattern.size(); ++i) column[i] = {i, 0};
  std::size_t best_edits = max_edits + 1;
  std::pair<std::size_t, std::size_t> best{0, 0};
  for (std::size_t j = 0; j < text.size(); ++j) {
    Cell diagonal = column[0];
    column[0] = {0, j + 1};
    for (std::size_t i = 1; i <= pattern.size(); ++i) {
      const Cell above = column[i];
      Cell cell{diagonal.edits + (pattern[i - 1] == text[j] ? 0u : 1u), diagonal.start};
      if (above.edits + 1 < cell.edits) cell = {above.edits + 1, above.start};
      if (column[i - 1].edits + 1 < cell.edits) cell = {column[i - 1].edits + 1, column[i - 1].start};
      diagonal = above;
      column[i] = cell;
    }
    if (column.back().edits < best_edits) {
      best_edits = column.back().edits;
      best = {column.back().start, j + 1};
    }
  }
  return best_edits <= max_edits ? best : std::pair<std::size_t, std::size_t>{0, 0};
}

QuoteMatch near(const PlainText& source, std::size_t begin, std::size_t end, std::size_t n_source) {
  const std::uint32_t last = end < source.from.size() ? source.from[end] : static_cast<std::uint32_t>(n_source);
  return {QuoteCheck::kNear, source.from[begin], last};
}

}  // namespace

QuoteMatch match_quote(std::string_view quote, std::string_view source) {
  if (quote.empty()) return {};
  if (const std::size_t at = source.find(quote); at != std::string_view::npos) {
    return {QuoteCheck::kVerified, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + quote.size())};
  }
  const PlainText plain_quote = make_plain(quote);
  const PlainText plain_source = make_plain(source);
  if (plain_quote.text.empty()) return {};
  if (const std::size_t at = plain_source.text.find(plain_quote.text); at != std::string::npos) {
    return near(plain_source, at, at + plain_quote.text.size(), source.size());
  }
  const std::size_t n_quote = plain_quote.text.size();
  if (n_quote < kMinFuzzyBytes || n_quote > kMaxFuzzyBytes || plain_source.text.size() > kMaxFuzzyBytes) return {};
  const auto [begin, end] = closest(plain_quote.text, plain_source.text, std::max<std::size_t>(1, n_quote / kBytesPerEdit));
  if (end == begin) return {};
  const std::string_view found = std::string_view(plain_source.text).substr(begin, end - begin);
  if (digits_of(found) != digits_of(plain_quote.text)) return {};
  return near(plain_source, begin, end, source.size());
}

}  // namespace app
