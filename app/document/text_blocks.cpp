#include "app/document/text_blocks.h"

#include <algorithm>

#include "app/document/text_clean.h"
#include "app/document/text_file.h"

namespace app {

std::string collapsed(std::string_view text) {
  std::string line;
  const std::string clean = clean_text(text);
  for (std::size_t at = 0; at < clean.size();) {
    const auto [code, n] = code_point(clean, at);
    const bool space = code == ' ' || code == '\n' || code == '\t' || code == 0xA0 || code == 0x2007 || code == 0x202F;
    if (!space) line.append(clean, at, static_cast<std::size_t>(n));
    else if (!line.empty() && line.back() != ' ') line += ' ';
    at += static_cast<std::size_t>(n);
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

void TextBlocks::begin(Gap gap) {
  if (part_.text.empty()) return;
  const int n = gap == Gap::kLine ? 1 : 2;
  part_.text.append(static_cast<std::size_t>(n), '\n');
  line_ += n;
}

void TextBlocks::add(SpanKind kind, int level, std::string_view text) {
  Span span;
  span.kind = kind;
  span.level = static_cast<std::uint8_t>(std::clamp(level, 0, 9));
  span.begin = static_cast<std::uint32_t>(part_.text.size());
  part_.text += text;
  span.end = static_cast<std::uint32_t>(part_.text.size());
  span.first_line = line_;
  line_ += static_cast<std::int32_t>(std::count(text.begin(), text.end(), '\n'));
  span.last_line = line_;
  part_.spans.push_back(std::move(span));
}

void TextBlocks::block(SpanKind kind, std::string_view text) {
  const std::string line = collapsed(text);
  if (line.empty()) return;
  in_list_ = false;
  begin(Gap::kBlank);
  const auto begin_of_line = static_cast<std::uint32_t>(part_.text.size());
  part_.text += line;
  for (const auto& [first, last] : split_sentences(line)) {
    Span span;
    span.kind = kind;
    span.begin = begin_of_line + first;
    span.end = begin_of_line + last;
    span.first_line = span.last_line = line_;
    part_.spans.push_back(std::move(span));
  }
}

void TextBlocks::paragraph(std::string_view text) { block(SpanKind::kSentence, text); }
void TextBlocks::caption(std::string_view text) { block(SpanKind::kCaption, text); }
void TextBlocks::footnote(std::string_view text) { block(SpanKind::kFootnote, text); }

void TextBlocks::heading(int level, std::string_view text) {
  const std::string line = collapsed(text);
  if (line.empty()) return;
  in_list_ = false;
  level = std::clamp(level, 1, 6);
  begin(Gap::kBlank);
  part_.text += std::string(static_cast<std::size_t>(level), '#') + ' ';
  add(SpanKind::kHeading, level, line);
}

void TextBlocks::item(int depth, std::string_view marker, std::string_view text) {
  const std::string line = collapsed(text);
  if (line.empty()) return;
  begin(in_list_ ? Gap::kLine : Gap::kBlank);
  in_list_ = true;
  part_.text.append(2 * static_cast<std::size_t>(std::clamp(depth, 0, 8)), ' ');
  add(SpanKind::kListItem, 0, std::string(marker) + ' ' + line);
}

void TextBlocks::code(std::string_view text) {
  std::string lines = clean_text(text);
  while (!lines.empty() && (lines.back() == '\n' || lines.back() == ' ')) lines.pop_back();
  lines.erase(0, std::min(lines.find_first_not_of('\n'), lines.size()));
  if (lines.empty()) return;
  in_list_ = false;
  begin(Gap::kBlank);
  part_.text += "```\n";
  ++line_;
  const PartText code = code_part(lines);  // the same pieces as those of a file
  const auto base = static_cast<std::uint32_t>(part_.text.size());
  for (Span span : code.spans) {
    span.begin += base;
    span.end += base;
    span.first_line += line_ - 1;
    span.last_line += line_ - 1;
    part_.spans.push_back(std::move(span));
  }
  part_.text += lines + "\n```";
  line_ += static_cast<std::int32_t>(std::count(lines.begin(), lines.end(), '\n')) + 1;
}

void TextBlocks::table(const std::vector<std::vector<std::string>>& rows) {
  std::size_t n_columns = 0;
  for (const auto& row : rows) n_columns = std::max(n_columns, row.size());
  if (n_columns == 0) return;
  in_list_ = false;
  bool first = true;
  for (const auto& row : rows) {
    begin(first ? Gap::kBlank : Gap::kLine);
    std::string line = "|";
    for (std::size_t column = 0; column < n_columns; ++column) {
      std::string cell = column < row.size() ? collapsed(row[column]) : "";
      for (std::size_t at = 0; (at = cell.find('|', at)) != std::string::npos; at += 2) cell.insert(at, 1, '\\');
      line += cell.empty() ? " |" : ' ' + cell + " |";
    }
    if (first) {
      line += "\n|";
      for (std::size_t column = 0; column < n_columns; ++column) line += "---|";
    }
    add(SpanKind::kTableRow, 0, line);
    first = false;
  }
}

PartText TextBlocks::take() {
  PartText part = std::move(part_);
  *this = TextBlocks();
  return part;
}

}  // namespace app
