#include "app/question/part_blocks.h"

#include <algorithm>
#include <array>
#include <string>

namespace app {
namespace {

struct Bytes {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool is_heading = false;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }

Bytes trimmed(std::string_view text, Bytes range) {
  range.end = static_cast<std::uint32_t>(std::min<std::size_t>(range.end, text.size()));
  range.begin = std::min(range.begin, range.end);
  while (range.begin < range.end && is_blank(text[range.begin])) ++range.begin;
  while (range.end > range.begin && is_blank(text[range.end - 1])) --range.end;
  return range;
}

/// Does this line of code declare something that a reader of an outline looks for?
bool declares(std::string_view line) {
  constexpr std::array<std::string_view, 20> kDeclaring = {"class",  "struct", "enum",   "union",     "namespace", "interface", "trait",
                                                           "impl",   "fn",     "func",   "def",       "type",      "template",  "function",
                                                           "module", "async",  "export", "public", "private", "protected"};
  constexpr std::array<std::string_view, 9> kStatements = {"if", "for", "while", "switch", "return", "else", "catch", "do", "case"};
  const std::size_t n_word = std::min(line.find_first_of(" \t(<:{;"), line.size());
  const std::string_view word = line.substr(0, n_word);
  if (std::ranges::find(kDeclaring, word) != kDeclaring.end()) return true;
  if (std::ranges::find(kStatements, word) != kStatements.end() || line.find('(') == std::string_view::npos) return false;
  // A function's head ends where its body begins, and nothing is assigned before its parameters.
  const char last = line.back();
  return (last == '{' || last == ')') && line.find('=') > line.find('(') && n_word < line.find('(');
}

void add_declaring_lines(std::string_view text, Bytes span, std::vector<Bytes>& out) {
  for (std::uint32_t at = span.begin; at < span.end;) {
    const std::size_t newline = std::min<std::size_t>(text.find('\n', at), span.end);
    const Bytes line = trimmed(text, {at, static_cast<std::uint32_t>(newline), false});
    if (line.end > line.begin && declares(text.substr(line.begin, line.end - line.begin))) out.push_back(line);
    at = static_cast<std::uint32_t>(newline) + 1;
  }
}

std::vector<Bytes> choose(const PartText& part, Detail detail) {
  std::vector<Bytes> chosen;
  if (detail == Detail::kName) return chosen;
  if (part.spans.empty()) {
    chosen.push_back({0, static_cast<std::uint32_t>(part.text.size()), false});
    return chosen;
  }
  bool after_heading = true;  // the first sentence of a page stands under a heading of an earlier one
  for (const Span& span : part.spans) {
    const bool is_heading = span.kind == SpanKind::kHeading;
    if (detail == Detail::kOutline && span.kind == SpanKind::kCode) {
      add_declaring_lines(part.text, {span.begin, span.end, false}, chosen);
      continue;
    }
    if (detail == Detail::kFull || is_heading || span.kind == SpanKind::kCaption || after_heading) {
      chosen.push_back({span.begin, span.end, is_heading});
    }
    after_heading = is_heading;
  }
  return chosen;
}

/// Where a text of `tokens` is cut so that no piece has more than `max_tokens`: at blanks where there
/// are some, at the start of a character in any case.
std::vector<std::uint32_t> cuts(std::string_view text, const std::vector<engine::TokenSpan>& tokens, std::size_t max_tokens) {
  std::vector<std::uint32_t> places;
  const auto starts_character = [&](std::size_t token) {
    return (static_cast<unsigned char>(text[tokens[token].begin]) & 0xC0u) != 0x80u;
  };
  std::size_t from = 0;
  while (tokens.size() - from > max_tokens) {
    const std::size_t n_pieces = (tokens.size() - from + max_tokens - 1) / max_tokens;
    const std::size_t wanted = from + (tokens.size() - from + n_pieces - 1) / n_pieces;
    std::size_t cut = wanted;
    while (cut > from + 1 && !is_blank(text[tokens[cut].begin])) --cut;
    if (cut <= from + 1) {
      cut = wanted;
      while (cut > from + 1 && !starts_character(cut)) --cut;
    }
    places.push_back(tokens[cut].begin);
    from = cut;
  }
  return places;
}

}  // namespace

std::vector<BlockText> make_blocks(const PartText& part, Detail detail, const engine::Tokenizer& tokenizer, const BlockRules& rules) {
  std::vector<BlockText> blocks;
  const std::string_view text = part.text;
  const auto add = [&](Bytes range) {
    range = trimmed(text, range);
    if (range.begin == range.end) return;
    std::string piece(rules.lead);
    piece.append(text.substr(range.begin, range.end - range.begin));
    blocks.push_back({range.begin, range.end, range.is_heading, tokenizer.encode(piece)});
  };
  for (const Bytes& untrimmed : choose(part, detail)) {
    const Bytes range = trimmed(text, untrimmed);
    const std::string_view body = text.substr(range.begin, range.end - range.begin);
    // A token is at least one byte, so a short text needs no second look.
    if (rules.max_block_tokens <= 0 || body.size() <= static_cast<std::size_t>(rules.max_block_tokens)) {
      add(range);
      continue;
    }
    std::uint32_t from = range.begin;
    const auto tokens = tokenizer.encode_with_spans(body);
    for (const std::uint32_t cut : cuts(body, tokens, static_cast<std::size_t>(rules.max_block_tokens))) {
      add({from, range.begin + cut, range.is_heading});
      from = range.begin + cut;
    }
    add({from, range.end, range.is_heading});
  }
  return blocks;
}

}  // namespace app
