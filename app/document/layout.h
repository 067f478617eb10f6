#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/document/page.h"

/// What a page looks like before its text is put in order. Coordinates are points, origin top left.
namespace app {

struct Rect {
  double left = 0, top = 0, right = 0, bottom = 0;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
  double middle() const { return (top + bottom) / 2; }
  void add(const Rect& other);
};

/// A word as the PDF has it.
struct RawWord {
  std::string text;          // UTF-8, cleaned by clean_word()
  Rect box;
  double font_size = 0;      // points
  std::int16_t font = -1;    // index into RawPage::fonts; -1: unknown
  std::int8_t rotation = 0;  // quarter turns
  bool space_after = false;
  std::int32_t table = -1;   // no word: the place of this one of the page's ruled tables
};

struct RawFont {
  std::string name;
  bool bold = false;
  bool italic = false;
  bool fixed_width = false;
};

struct RawPage {
  std::int32_t number = 0;   // 1-based
  std::string label;
  double width = 0, height = 0;  // after rotation
  std::vector<RawFont> fonts;
  std::vector<RawWord> words;
  std::vector<Rect> rulings; // straight thin lines, level or upright
  bool is_picture = false;   // no words, and a picture over much of it
  bool has_written_spaces = false;  // between most words stands a space, not only white
  std::string hidden;        // text that cannot be seen, which is not in `words`
  std::string hidden_note;   // what kind of text that is
  bool hidden_is_outside = false;  // all of it lies beyond the page or is clipped away
  double odd_share = 0;      // share of characters that are no text: private use, replacement
  std::string note;
};

/// Words that stand together on one line: within a column, or one cell of a table.
struct Fragment {
  std::vector<std::int32_t> words;  // into RawPage::words, left to right
  Rect box;
  double font_size = 0;             // of most characters
  bool bold = false;
  bool fixed_width = false;
  std::int32_t n_bytes = 0;
  std::int32_t table = -1;          // stands for this one of the page's ruled tables
};

/// One line of a column, with its cells.
struct Line {
  std::vector<Fragment> cells;      // one, unless wide gaps part the line
  Rect box;
  double font_size = 0;
  bool bold = false;
  bool fixed_width = false;
  std::int32_t column = 0;          // which piece of the page, in reading order
  Rect column_box;                  // of that piece
  std::int32_t n_words() const;
};

}  // namespace app
