#include "app/document/page_builder.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "app/document/reading_order.h"
#include "app/document/ruled_tables.h"
#include "app/document/tables.h"
#include "app/document/text_clean.h"

namespace app {
namespace {

constexpr double kTouchingEm = 0.1;        // nearer than this, no space stands between two words
constexpr std::size_t kCodeLinesPerSpan = 6;
constexpr double kDoubtfulTable = 0.6;     // share of clear rows below which columns are not told apart
constexpr double kSizeSteps = 4;           // font sizes are counted in quarters of a point

/// ¹ for 1: the number of a footnote must not become a digit of the word before it.
std::string raised(std::string_view digits) {
  static constexpr std::array<std::string_view, 10> kRaised = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text;
  for (const char c : digits) text += kRaised[static_cast<std::size_t>(c - '0')];
  return text;
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

bool is_raised(const RawWord& word, const RawWord& beside) {
  return all_digits(word.text) && word.text.size() <= 3 && word.font_size < 0.8 * beside.font_size && word.box.middle() < beside.box.middle() - 0.1 * beside.font_size;
}

std::string lower_letters(std::string_view word) {
  std::string key;
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalpha(byte) || byte >= 0x80 || c == '-') key += static_cast<char>(std::tolower(byte));
  }
  return key;
}

class Builder {
 public:
  /// `page` is upright; `turns` is what upright() did to make it so.
  Builder(const RawPage& page, const std::vector<RuledTable>& tables, int turns, const DocumentStyle& style, PartText& out)
      : page_(page), tables_(tables), turns_(turns), style_(style), out_(out) {}

  void add(const Paragraph& paragraph) {
    switch (paragraph.kind) {
      case SpanKind::kTableRow:
        if (paragraph.ruled_table >= 0) return add_ruled_table(tables_[static_cast<std::size_t>(paragraph.ruled_table)]);
        if (paragraph.confidence < kDoubtfulTable) return add_lines(paragraph);
        return add_aligned_table(paragraph);
      case SpanKind::kCode:
        return add_code(paragraph);
      default:
        return add_text(paragraph);
    }
  }

 private:
  const RawWord& word(std::int32_t index) const { return page_.words[static_cast<std::size_t>(index)]; }
  std::uint32_t at() const { return static_cast<std::uint32_t>(out_.text.size()); }

  /// In shares of the page as it is shown.
  Box box_of(const Rect& rect) const {
    const auto share = [](double value, double whole) { return static_cast<float>(std::clamp(value / whole, 0.0, 1.0)); };
    const float left = share(rect.left, page_.width), right = share(rect.right, page_.width);
    const float top = share(rect.top, page_.height), bottom = share(rect.bottom, page_.height);
    switch (turns_) {
      case 1:
        return {1 - bottom, left, 1 - top, right};
      case 2:
        return {1 - right, 1 - bottom, 1 - left, 1 - top};
      case 3:
        return {top, 1 - right, bottom, 1 - left};
      default:
        return {left, top, right, bottom};
    }
  }

  void put(std::string_view text, const Rect& rect) {
    const std::uint32_t begin = at();
    out_.text += text;
    out_.words.push_back({begin, at(), box_of(rect)});
    line_of_word_.push_back(line_);
  }

  void begin_block() {
    if (!out_.text.empty()) out_.text += "\n\n";
  }

  void end_span(SpanKind kind, int level, std::uint32_t begin, std::uint32_t end) {
    Span span;
    span.kind = kind;
    span.level = static_cast<std::uint8_t>(std::clamp(level, 0, 9));
    span.begin = begin;
    span.end = end;
    int line = -1;
    auto first = std::lower_bound(out_.words.begin(), out_.words.end(), begin, [](const Word& each, std::uint32_t offset) { return each.end <= offset; });
    for (; first != out_.words.end() && first->begin < end; ++first) {
      const int here = line_of_word_[static_cast<std::size_t>(first - out_.words.begin())];
      if (here != line) {
        span.boxes.push_back(first->box);
        line = here;
        continue;
      }
      Box& box = span.boxes.back();
      box = {std::min(box.left, first->box.left), std::min(box.top, first->box.top), std::max(box.right, first->box.right), std::max(box.bottom, first->box.bottom)};
    }
    out_.spans.push_back(std::move(span));
  }

  bool space_between(const RawWord& a, const RawWord& b) const {
    return a.space_after || b.box.left - a.box.right > kTouchingEm * std::min(a.font_size, b.font_size);
  }

  void add_fragment(const Fragment& fragment, bool spaced) {
    const RawWord* previous = nullptr;
    for (const std::int32_t index : fragment.words) {
      const RawWord& each = word(index);
      if (previous ? space_between(*previous, each) : spaced) out_.text += ' ';
      put(previous && is_raised(each, *previous) ? raised(each.text) : each.text, each.box);
      previous = &each;
    }
  }

  /// Whether the hyphen at the end of what was written so far is only there because the line ended.
  bool is_hyphenation(std::string_view next) const {
    const std::string& text = out_.text;
    if (text.size() < 2 || text.back() != '-' || next.empty() || !is_lower(code_point(next, 0).first)) return false;
    std::size_t begin = text.rfind(' ', text.size() - 2);
    begin = begin == std::string::npos ? 0 : begin + 1;
    const std::string_view head = std::string_view(text).substr(begin, text.size() - 1 - begin);
    std::size_t letter = head.size();
    while (letter > 0 && (static_cast<unsigned char>(head[letter - 1]) & 0xC0) == 0x80) --letter;
    if (letter == 0 || !is_letter(code_point(head, letter - 1).first)) return false;
    const std::string first = lower_letters(head), second = lower_letters(next);
    if (style_.words.contains(first + "-" + second)) return false;
    if (style_.words.contains(first + second)) return true;
    return first.find('-') == std::string::npos;
  }

  /// Whether no space stands before `next`, the first word of a line: the last one ends in a hyphen,
  /// which goes when it is there for the line end only.
  bool joins_the_line_before(const RawWord& next) {
    if (is_hyphenation(next.text)) {
      out_.text.pop_back();
      if (--out_.words.back().end == out_.words.back().begin) {
        out_.words.pop_back();
        line_of_word_.pop_back();
      }
      return true;
    }
    return out_.text.back() == '-';
  }

  void add_text(const Paragraph& paragraph) {
    begin_block();
    const std::uint32_t begin = at();
    for (const Line& line : paragraph.lines) {
      ++line_;
      const bool first_line = at() == begin;
      const bool joined = !first_line && joins_the_line_before(word(line.cells.front().words.front()));
      bool first_cell = true;
      for (const Fragment& cell : line.cells) {
        add_fragment(cell, first_cell ? !first_line && !joined : true);
        first_cell = false;
      }
    }
    const std::string_view text = std::string_view(out_.text).substr(begin);
    if (paragraph.kind == SpanKind::kHeading) return end_span(paragraph.kind, paragraph.level, begin, at());
    for (const auto& [first, last] : split_sentences(text)) end_span(paragraph.kind, 0, begin + first, begin + last);
  }

  void add_code(const Paragraph& paragraph) {
    begin_block();
    double left = 1e9;
    for (const Line& line : paragraph.lines) left = std::min(left, line.box.left);
    for (std::size_t i = 0; i < paragraph.lines.size(); i += kCodeLinesPerSpan) {
      if (i > 0) out_.text += '\n';
      const std::uint32_t begin = at();
      const std::size_t end = std::min(i + kCodeLinesPerSpan, paragraph.lines.size());
      for (std::size_t n = i; n < end; ++n) {
        const Line& line = paragraph.lines[n];
        ++line_;
        if (n > i) out_.text += '\n';
        // A fixed-width letter is 0.6 em wide: blanks keep the indentation as it is printed.
        const double em = std::max(line.font_size, 4.0) * 0.6;
        out_.text.append(static_cast<std::size_t>(std::clamp((line.box.left - left) / em + 0.5, 0.0, 80.0)), ' ');
        bool first_cell = true;
        for (const Fragment& cell : line.cells) {
          add_fragment(cell, !first_cell);
          first_cell = false;
        }
      }
      end_span(SpanKind::kCode, 0, begin, at());
    }
  }

  void add_aligned_table(const Paragraph& paragraph) {
    begin_block();
    const std::size_t n_columns = paragraph.column_edges.size() + 1;
    bool first_row = true;
    for (const TableRow& row : table_rows(paragraph.lines, paragraph.column_edges)) {
      add_row(row.cells, n_columns, first_row);
      first_row = false;
    }
  }

  /// A table whose columns cannot be told apart: its lines as they are printed, wide gaps kept.
  void add_lines(const Paragraph& paragraph) {
    begin_block();
    for (const Line& line : paragraph.lines) {
      ++line_;
      if (&line != &paragraph.lines.front()) out_.text += '\n';
      const std::uint32_t begin = at();
      for (const Fragment& cell : line.cells) {
        if (&cell != &line.cells.front()) out_.text += "   ";
        add_fragment(cell, false);
      }
      end_span(SpanKind::kTableRow, 0, begin, at());
    }
  }

  void add_ruled_table(const RuledTable& table) {
    begin_block();
    bool first_row = true;
    for (const auto& row : table.rows) {
      std::vector<std::vector<const Fragment*>> cells;
      for (const auto& lines : row) {
        cells.emplace_back();
        for (const Fragment& line : lines) cells.back().push_back(&line);
      }
      add_row(cells, cells.size(), first_row);
      first_row = false;
    }
  }

  /// One row of a Markdown table, and the line below the first.
  void add_row(const std::vector<std::vector<const Fragment*>>& cells, std::size_t n_columns, bool first_row) {
    ++line_;
    if (!first_row) out_.text += '\n';
    const std::uint32_t begin = at();
    for (const auto& cell : cells) {
      out_.text += '|';
      const Fragment* above = nullptr;
      for (const Fragment* fragment : cell) {
        const bool below = above && fragment->box.top > above->box.middle();
        add_fragment(*fragment, !(below && joins_the_line_before(word(fragment->words.front()))));
        above = fragment;
      }
      out_.text += ' ';
    }
    out_.text += '|';
    if (first_row) {
      out_.text += '\n';
      for (std::size_t i = 0; i < n_columns; ++i) out_.text += "|---";
      out_.text += '|';
    }
    end_span(SpanKind::kTableRow, 0, begin, at());
  }

  const RawPage& page_;
  const std::vector<RuledTable>& tables_;
  int turns_;
  const DocumentStyle& style_;
  PartText& out_;
  int line_ = 0;
  std::vector<int> line_of_word_;
};

/// The page turned so that text with `rotation` reads from left to right, without its other text.
RawPage upright(const RawPage& page, int rotation) {
  RawPage turned = page;
  const double w = page.width, h = page.height;
  const auto turn = [&](const Rect& box) -> Rect {
    if (rotation == 1) return {box.top, w - box.right, box.bottom, w - box.left};
    if (rotation == 2) return {w - box.right, h - box.bottom, w - box.left, h - box.top};
    if (rotation == 3) return {h - box.bottom, box.left, h - box.top, box.right};
    return box;
  };
  if (rotation % 2) std::swap(turned.width, turned.height);
  turned.words.clear();
  for (RawWord word : page.words) {
    if (word.rotation != rotation) continue;
    word.box = turn(word.box);
    word.rotation = 0;
    turned.words.push_back(std::move(word));
  }
  for (Rect& ruling : turned.rulings) ruling = turn(ruling);
  return turned;
}

/// Puts one stand-in for each table where its words were, so that it takes its place among the text.
void set_apart(const std::vector<RuledTable>& tables, RawPage& page) {
  constexpr std::int8_t kApart = 4;  // no rotation: what reads the page passes over it
  for (std::size_t i = 0; i < tables.size(); ++i) {
    for (const auto& row : tables[i].rows) {
      for (const auto& cell : row) {
        for (const Fragment& line : cell) {
          for (const std::int32_t word : line.words) page.words[static_cast<std::size_t>(word)].rotation = kApart;
        }
      }
    }
    RawWord place;
    place.text = "\xEF\xBF\xBC";
    place.box = tables[i].box;
    place.table = static_cast<std::int32_t>(i);
    page.words.push_back(std::move(place));
  }
}

double confidence_of(const RawPage& page) {
  double confidence = 1.0 - std::min(0.9, 4 * page.odd_share);
  std::size_t n_single = 0, n_turned = 0;
  const int rotation = main_rotation(page);
  for (const RawWord& word : page.words) {
    n_single += word.text.size() == 1 && std::isalpha(static_cast<unsigned char>(word.text[0]));
    n_turned += word.rotation != rotation;
  }
  const auto n = static_cast<double>(page.words.size());
  // Letters one by one: the spacing of the text was lost. Text at several angles: a drawing.
  if (n > 20 && static_cast<double>(n_single) > 0.4 * n) confidence *= 0.5;
  if (n > 0 && static_cast<double>(n_turned) > 0.2 * n) confidence *= 0.7;
  return confidence;
}

void add_note(std::string& note, const std::string& more) { note += (note.empty() ? "" : "; ") + more; }

}  // namespace

void learn_style(const RawPage& page, DocumentStyle& style, std::map<int, std::int64_t>& bytes_by_size) {
  for (const RawWord& word : page.words) {
    bytes_by_size[static_cast<int>(std::lround(word.font_size * kSizeSteps))] += static_cast<std::int64_t>(word.text.size());
    if (word.text.size() > 3 && word.text.back() != '-') style.words.insert(lower_letters(word.text));
  }
  std::int64_t most = 0;
  for (const auto& [size, n] : bytes_by_size) {
    if (n > most) style.body_size = std::max(1.0, size / kSizeSteps);
    most = std::max(most, n);
  }
}

PartText build_page(const RawPage& page, const std::string& margins, const DocumentStyle& style) {
  PartText out;
  out.width_pt = page.width;
  out.height_pt = page.height;
  out.margins = margins;
  out.hidden = page.hidden;
  out.note = page.note;
  if (page.words.empty()) {
    out.confidence = 0;
    add_note(out.note, page.is_picture ? std::string(kPicturePage) : "no text on this page");
    return out;
  }
  const int rotation = main_rotation(page);
  RawPage reading = upright(page, rotation);
  const bool has_other_text = reading.words.size() < page.words.size();
  const std::vector<RuledTable> tables = find_ruled_tables(reading);
  set_apart(tables, reading);
  Builder builder(reading, tables, rotation, style, out);
  bool doubtful_table = false;
  for (const Paragraph& paragraph : make_paragraphs(reading, reading_order(reading), style)) {
    builder.add(paragraph);
    doubtful_table = doubtful_table || paragraph.confidence < kDoubtfulTable;
  }
  if (has_other_text) {
    // Text at another angle (a stamp at the side, the axis of a chart) has no place in the reading order.
    if (!out.margins.empty()) out.margins += '\n';
    for (const RawWord& word : page.words) {
      if (word.rotation != rotation) out.margins += word.text + ' ';
    }
    out.margins.pop_back();
  }
  out.confidence = confidence_of(page);
  if (doubtful_table) {
    out.confidence = std::min(out.confidence, 0.55);
    add_note(out.note, "a table's columns are not clear; it is kept as lines");
  }
  if (page.odd_share > 0.05) add_note(out.note, "many characters have no Unicode text");
  return out;
}

}  // namespace app
