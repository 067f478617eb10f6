#include "app/document/paragraphs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "app/document/tables.h"
#include "app/document/text_clean.h"

namespace app {
namespace {

constexpr double kShortLine = 0.22;     // of the column's width, white at a line's end
constexpr double kIndentEm = 0.8;
constexpr std::size_t kMaxHeadingBytes = 240;
constexpr std::size_t kMaxHeadingLines = 4;

bool starts_with_any(std::string_view text, std::span<const std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view each) { return text.starts_with(each); });
}

bool is_bullet(std::string_view text) {
  static constexpr std::array<std::string_view, 13> kBullets = {"•", "‣", "▪", "●", "◦", "– ", "— ", "* ", "- ", "■", "○", "\xEF\x82\xB7", "· "};
  return starts_with_any(text, kBullets);
}

/// "1.", "(a)", "iv)": the number of a list item. Not "1.2 Results" and not "2024. The".
bool is_enumerated(std::string_view text) {
  std::size_t at = !text.empty() && text[0] == '(' ? 1 : 0;
  const std::size_t begin = at;
  while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) ++at;
  if (at == begin && at < text.size() && std::islower(static_cast<unsigned char>(text[at]))) {
    while (at < text.size() && std::string_view("ivx").find(text[at]) != std::string_view::npos) ++at;
    if (at == begin) ++at;
  }
  if (at == begin || at - begin > 3 || at >= text.size()) return false;
  const bool closed = text[at] == ')' || (begin == 0 && text[at] == '.' && std::isdigit(static_cast<unsigned char>(text[begin])));
  return closed && at + 1 < text.size() && text[at + 1] == ' ';
}

bool is_caption(std::string_view text) {
  static constexpr std::array<std::string_view, 12> kNames = {"Figure ", "Fig. ", "FIGURE ", "FIG. ", "Table ", "TABLE ", "Tab. ", "Chart ", "Abbildung ", "Tabelle ", "Box ", "Exhibit "};
  for (const std::string_view name : kNames) {
    if (!text.starts_with(name)) continue;
    std::size_t at = name.size();
    while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '-' || (text[at] == '.' && at + 1 < text.size() && std::isdigit(static_cast<unsigned char>(text[at + 1]))))) ++at;
    return at > name.size() && at - name.size() < 8 && (at == text.size() || text[at] == ':' || text[at] == '.' || text[at] == '|' || (text[at] == ' ' && at + 1 < text.size() && !std::islower(static_cast<unsigned char>(text[at + 1]))));
  }
  return false;
}

/// 0: not numbered; "2" -> 1, "2.1" -> 2, "A.1" -> 2.
int numbering_depth(std::string_view text) {
  std::size_t at = 0;
  if (at < text.size() && std::isupper(static_cast<unsigned char>(text[at])) && at + 1 < text.size() && text[at + 1] == '.') at = 1;
  int depth = at;
  bool digits = at == 0;
  while (at < text.size()) {
    if (!digits) ++at;  // the dot
    const std::size_t begin = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) ++at;
    if (at == begin || at - begin > 3) break;
    ++depth;
    digits = false;
    if (at >= text.size() || text[at] != '.') break;
  }
  return at < text.size() && text[at] == ' ' ? depth : 0;
}

bool ends_a_sentence(std::string_view text) {
  while (!text.empty() && (text.back() == ')' || text.back() == '"' || text.back() == '\'')) text.remove_suffix(1);
  return !text.empty() && (text.back() == '.' || text.back() == '!' || text.back() == '?' || text.back() == ':' || text.ends_with("。"));
}

bool begins_lower(std::string_view text) { return !text.empty() && is_lower(code_point(text, 0).first); }

struct Breaker {
  const RawPage& page;
  const DocumentStyle& style;
  std::vector<double> leadings;  // per column: the white between most lines

  bool breaks(const Paragraph& paragraph, const Line& line) const;
  bool breaks_inside_column(const Paragraph& paragraph, const Line& previous, const Line& line) const;
};

bool Breaker::breaks(const Paragraph& paragraph, const Line& line) const {
  const Line& previous = paragraph.lines.back();
  const std::string text = text_of(page, line);
  if (std::abs(line.font_size - previous.font_size) > 0.08 * std::max(line.font_size, previous.font_size)) return true;
  if (line.fixed_width != previous.fixed_width || line.bold != previous.bold) return true;
  if (is_bullet(text) || is_caption(text)) return true;
  if (line.column == previous.column) return breaks_inside_column(paragraph, previous, line);
  // Text runs on from one column into the next when neither end looks like one.
  return !(begins_lower(text) && !ends_a_sentence(text_of(page, previous)));
}

bool Breaker::breaks_inside_column(const Paragraph& paragraph, const Line& previous, const Line& line) const {
  const double em = std::max(line.font_size, 4.0);
  const double white = line.box.top - previous.box.bottom;
  if (white > leadings[static_cast<std::size_t>(line.column)] + 0.35 * em || white < -1.5 * em) return true;
  if (line.fixed_width) return false;
  const std::string text = text_of(page, line);
  const Rect& column = line.column_box;
  const bool previous_is_short = previous.box.right < column.right - kShortLine * column.width();
  if (previous_is_short && ends_a_sentence(text_of(page, previous)) && !begins_lower(text)) return true;
  if (is_enumerated(text) && (previous_is_short || ends_a_sentence(text_of(page, previous)))) return true;
  const bool in_list = is_bullet(text_of(page, paragraph.lines.front())) || is_enumerated(text_of(page, paragraph.lines.front()));
  const double indent = line.box.left - previous.box.left;
  if (in_list) {
    // Items hang: back at the bullet's own edge, the list is over.
    return line.box.left < paragraph.lines.front().box.left + 0.3 * em && (previous_is_short || ends_a_sentence(text_of(page, previous)));
  }
  if (indent > kIndentEm * em && indent < 6 * em && !begins_lower(text) && !(paragraph.lines.size() == 1 && !ends_a_sentence(text_of(page, previous)))) return true;
  const bool previous_was_indented_first = paragraph.lines.size() == 1;
  return indent < -kIndentEm * em && !previous_was_indented_first && ends_a_sentence(text_of(page, previous));
}

std::vector<double> leadings_of(const std::vector<Line>& lines) {
  std::vector<std::vector<double>> whites;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto column = static_cast<std::size_t>(lines[i].column);
    if (whites.size() <= column) whites.resize(column + 1);
    if (i == 0 || lines[i - 1].column != lines[i].column) continue;
    const double white = lines[i].box.top - lines[i - 1].box.bottom;
    if (white < 1.5 * lines[i].font_size) whites[column].push_back(white);
  }
  std::vector<double> leadings;
  for (std::vector<double>& each : whites) {
    // The lower third: paragraphs of one line each must not make their distance the leading.
    std::sort(each.begin(), each.end());
    leadings.push_back(each.empty() ? 0 : each[each.size() / 3]);
  }
  return leadings;
}

bool is_all_capitals(std::string_view text) {
  int n_upper = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto [code, n] = code_point(text, at);
    at += static_cast<std::size_t>(n);
    if (is_lower(code)) return false;
    n_upper += is_upper(code);
  }
  return n_upper >= 4;
}

/// 0: no heading.
int heading_level(const Paragraph& paragraph, const std::string& text, const DocumentStyle& style) {
  if (paragraph.lines.size() > kMaxHeadingLines || text.size() > kMaxHeadingBytes || text.size() < 2) return 0;
  if (std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::isalpha(c) || c >= 0x80; })) return 0;
  if (paragraph.lines.front().fixed_width) return 0;
  const auto known = style.outline.find(heading_key(text));
  const double ratio = paragraph.lines.front().font_size / style.body_size;
  if (known != style.outline.end() && ratio > 0.95) return known->second;
  const int depth = numbering_depth(text);
  const bool ends_in_comma = text.back() == ',' || text.back() == ';';
  if (ratio >= 1.1 && !ends_in_comma) return depth ? depth : ratio >= 1.7 ? 1 : ratio >= 1.3 ? 2 : 3;
  const bool small = text.size() <= 120 && paragraph.lines.size() <= 2 && !ends_in_comma && text.back() != '.';
  if (ratio >= 0.97 && small && paragraph.lines.front().bold) return depth ? depth : 4;
  if (ratio >= 0.97 && small && is_all_capitals(text) && paragraph.lines.size() == 1 && text.find(' ') != std::string::npos) return depth ? depth : 4;
  return 0;
}

void classify(Paragraph& paragraph, const RawPage& page, const DocumentStyle& style) {
  std::string text;
  for (const Line& line : paragraph.lines) text += (text.empty() ? "" : " ") + text_of(page, line);
  if (std::all_of(paragraph.lines.begin(), paragraph.lines.end(), [](const Line& line) { return line.fixed_width; })) {
    paragraph.kind = SpanKind::kCode;
  } else if (is_caption(text)) {
    paragraph.kind = SpanKind::kCaption;
  } else if (is_bullet(text)) {
    paragraph.kind = SpanKind::kListItem;
  } else if (const int level = heading_level(paragraph, text, style)) {
    paragraph.kind = SpanKind::kHeading;
    paragraph.level = level;
  } else if (is_enumerated(text)) {
    paragraph.kind = SpanKind::kListItem;
  }
}

/// Small print at the foot of its column that begins with a mark is a footnote.
bool is_footnote(const Paragraph& paragraph, const RawPage& page, const DocumentStyle& style) {
  const Line& line = paragraph.lines.front();
  if (line.font_size > 0.93 * style.body_size || line.box.top < 0.5 * page.height || paragraph.kind != SpanKind::kSentence) return false;
  const RawWord& first = page.words[static_cast<std::size_t>(line.cells.front().words.front())];
  const unsigned char mark = static_cast<unsigned char>(first.text.front());
  return std::isdigit(mark) || mark == '*' || first.text.starts_with("†") || first.text.starts_with("‡") || first.text.starts_with("§");
}

void move_footnotes_to_the_end(std::vector<Paragraph>& paragraphs, const RawPage& page, const DocumentStyle& style) {
  bool after_note = false;
  int column = -1;
  for (Paragraph& paragraph : paragraphs) {
    const Line& line = paragraph.lines.front();
    const bool small = line.font_size <= 0.93 * style.body_size && paragraph.kind == SpanKind::kSentence;
    const bool goes_on = after_note && column == line.column && small;
    after_note = is_footnote(paragraph, page, style) || goes_on;
    column = line.column;
    if (after_note) paragraph.kind = SpanKind::kFootnote;
  }
  std::stable_partition(paragraphs.begin(), paragraphs.end(), [](const Paragraph& paragraph) { return paragraph.kind != SpanKind::kFootnote; });
}

/// Members of a struct set below each other, calls with their comments: aligned, and no table.
bool reads_as_code(const RawPage& page, std::span<const Line> lines) {
  const auto n_code = std::count_if(lines.begin(), lines.end(), [&](const Line& line) {
    const std::string text = text_of(page, line);
    const std::size_t comment = std::min({text.find("//"), text.find("/*"), text.size()});
    std::size_t end = text.find_last_not_of(' ', comment == 0 ? 0 : comment - 1);
    end = end == std::string::npos ? 0 : end;
    return !text.empty() && (text[end] == ';' || text[end] == '{' || text[end] == '}');
  });
  return 2 * n_code >= static_cast<std::ptrdiff_t>(lines.size());
}

}  // namespace

std::string heading_key(std::string_view text) {
  std::string key;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || byte >= 0x80) key += static_cast<char>(std::tolower(byte));
  }
  return key;
}

std::string text_of(const RawPage& page, const Line& line) {
  std::string text;
  for (const Fragment& cell : line.cells) {
    for (const std::int32_t index : cell.words) {
      if (!text.empty()) text += ' ';
      text += page.words[static_cast<std::size_t>(index)].text;
    }
  }
  return text;
}

std::vector<Paragraph> make_paragraphs(const RawPage& page, std::vector<Line> lines, const DocumentStyle& style) {
  const Breaker breaker{page, style, leadings_of(lines)};
  std::vector<Paragraph> paragraphs;
  bool open = false;
  for (std::size_t i = 0; i < lines.size();) {
    if (lines[i].cells.front().table >= 0) {
      Paragraph paragraph;
      paragraph.kind = SpanKind::kTableRow;
      paragraph.ruled_table = lines[i].cells.front().table;
      paragraph.lines.push_back(std::move(lines[i++]));
      paragraphs.push_back(std::move(paragraph));
      open = false;
      continue;
    }
    const auto table = find_table(std::span(lines).subspan(i));
    if (table) {
      const bool code = reads_as_code(page, std::span(lines).subspan(i, table->n_lines));
      Paragraph paragraph;
      paragraph.kind = code ? SpanKind::kCode : SpanKind::kTableRow;
      paragraph.column_edges = table->column_edges;
      paragraph.confidence = table->confidence;
      for (std::size_t n = 0; n < table->n_lines; ++n) paragraph.lines.push_back(std::move(lines[i++]));
      paragraphs.push_back(std::move(paragraph));
      open = false;
      continue;
    }
    if (!open || breaker.breaks(paragraphs.back(), lines[i])) paragraphs.push_back({});
    paragraphs.back().lines.push_back(std::move(lines[i++]));
    open = true;
  }
  for (Paragraph& paragraph : paragraphs) {
    if (paragraph.kind == SpanKind::kSentence) classify(paragraph, page, style);
  }
  move_footnotes_to_the_end(paragraphs, page, style);
  return paragraphs;
}

}  // namespace app
