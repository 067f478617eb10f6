#include "app/question/quoted_words.h"

#include <algorithm>
#include <array>
#include <utility>

namespace app {
namespace {

constexpr std::size_t kMinStatement = 12;  // bytes: a shorter statement agrees with a source by chance
constexpr std::string_view kBlanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// Without the marks that Markdown puts before a list item or a quotation.
std::string_view without_markers(std::string_view line) {
  while (true) {
    line = trimmed(line);
    const std::size_t n_digits = std::min(line.find_first_not_of("0123456789"), line.size());
    if (n_digits > 0 && n_digits <= 3 && line.substr(n_digits).starts_with(". ")) {
      line.remove_prefix(n_digits + 2);
    } else if (line.starts_with("- ") || line.starts_with("* ") || line.starts_with("> ") || line.starts_with("+ ")) {
      line.remove_prefix(2);
    } else {
      return line;
    }
  }
}

std::string_view code_block(std::string_view text) {
  constexpr std::string_view kFence = "```";
  const std::size_t closing = text.rfind(kFence);
  if (closing == std::string_view::npos || closing == 0) return {};
  const std::size_t opening = text.rfind(kFence, closing - 1);
  if (opening == std::string_view::npos) return {};
  const std::size_t first_line = text.find('\n', opening);
  return first_line < closing ? trimmed(text.substr(first_line, closing - first_line)) : std::string_view{};
}

std::vector<std::string_view> in_quotation_marks(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kMarks = {{
      {"\"", "\""}, {"\u201C", "\u201D"}, {"\u201E", "\u201C"}, {"\u00AB", "\u00BB"}, {"`", "`"}, {"\u2018", "\u2019"},
  }};
  std::vector<std::string_view> quotes;
  for (const auto& [open, close] : kMarks) {
    for (std::size_t at = text.find(open); at != std::string_view::npos; at = text.find(open, at)) {
      const std::size_t begin = at + open.size();
      const std::size_t end = text.find(close, begin);
      if (end == std::string_view::npos) break;
      const std::string_view quote = trimmed(text.substr(begin, end - begin));
      if (!quote.empty()) quotes.push_back(quote);
      at = end + close.size();
    }
  }
  std::ranges::stable_sort(quotes, std::ranges::greater{}, &std::string_view::size);
  return quotes;
}

}  // namespace

QuotedWords words_between(std::string_view answer, std::size_t begin, std::size_t end) {
  const std::string_view words = trimmed(answer.substr(begin, end - begin));
  if (words.empty()) return {};
  return {{words}, true};
}

QuotedWords words_before(std::string_view answer, std::size_t begin, std::size_t end, bool quotes_only) {
  const std::string_view statement = trimmed(answer.substr(begin, end - begin));
  if (statement.empty()) return {};
  if (const std::string_view code = code_block(statement); !code.empty()) return {{code}, true};
  const std::size_t newline = statement.rfind('\n');
  const std::string_view line = without_markers(newline == std::string_view::npos ? statement : statement.substr(newline + 1));
  QuotedWords words;
  if (quotes_only) {
    words = {{statement}, true};
    if (line != statement) words.candidates.push_back(line);
    return words;
  }
  words.candidates = in_quotation_marks(statement);
  words.claimed = !words.candidates.empty();
  if (line.size() >= kMinStatement) words.candidates.push_back(line);
  return words;
}

}  // namespace app
