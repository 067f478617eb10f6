#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace app {

/// A rectangle on a page in 0..1 of its width and height, origin top left, after rotation.
struct Box {
  float left = 0, top = 0, right = 0, bottom = 0;
};

enum class SpanKind : std::uint8_t { kHeading, kSentence, kListItem, kTableRow, kCaption, kFootnote, kCode };

/// The unit that gets an anchor and can be cited: a sentence, a heading, a table row, a few lines of
/// code. Byte range in the text of its part; where it lies is boxes on a page or lines of a file.
struct Span {
  SpanKind kind = SpanKind::kSentence;
  std::uint8_t level = 0;           // headings: 1 is the highest
  std::uint32_t begin = 0;          // bytes in PartText::text
  std::uint32_t end = 0;
  std::int32_t first_line = 0;      // files: 1-based, inclusive; 0 on pages
  std::int32_t last_line = 0;
  std::vector<Box> boxes;           // pages: one per line of print
};

/// One word of a page: for selection, find and heat on the words.
struct Word {
  std::uint32_t begin = 0;          // bytes in PartText::text
  std::uint32_t end = 0;
  Box box;
};

/// A thing that code defines: a function, a class, a macro. Lines are 1-based and inclusive.
struct Symbol {
  std::string name;
  std::string kind;                 // "function", "class", ... as the parser of its language says
  std::string scope;                // what it lies in: "Reader::", a class, empty at the top
  std::int32_t first_line = 0;
  std::int32_t last_line = 0;
};

/// The text of one page or one file as it goes into prompts.
struct PartText {
  std::string text;                 // UTF-8, NFC
  std::vector<Span> spans;          // ascending, not overlapping
  std::vector<Word> words;          // pages only
  double width_pt = 0;              // pages only, after rotation
  double height_pt = 0;
  double confidence = 1.0;          // 0..1, how sure the reading is
  std::string note;                 // "no text on this page", "hidden text left out", empty when all is well
  std::string hidden;               // pages: text that cannot be seen, which is not in `text`
  std::string margins;              // pages: running heads and page numbers, which are not in `text`
};

}  // namespace app
