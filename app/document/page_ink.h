#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/document/glyph_shapes.h"
#include "app/document/layout.h"

class PDFDoc;

namespace app {

/// Text that a person who looks at the page cannot see.
struct HiddenText {
  std::int64_t n_invisible = 0;   // drawn without ink
  std::int64_t n_same_colour = 0; // as its background
  std::int64_t n_outside = 0;     // beyond the page, or clipped away
  std::int64_t n_tiny = 0;        // too small to be read
  std::int64_t n_covered = 0;     // under a box that was drawn later
  std::string text;               // the first kMaxHiddenBytes of it
  std::int64_t n_characters() const { return n_invisible + n_same_colour + n_outside + n_tiny + n_covered; }
};

/// What lies on a page: its words as they are drawn, its ruled lines, and what is hidden.
struct PageInk {
  std::vector<RawWord> words;
  std::vector<RawFont> fonts;
  std::vector<Rect> rulings;      // straight thin lines, level or upright, in points
  HiddenText hidden;
  std::int64_t n_characters = 0;
  std::int64_t n_odd = 0;         // of them no text
  bool is_scan = false;           // a picture of a page; its words are what another program recognised
  bool is_picture = false;        // no words, and a picture over much of the page
  bool has_written_spaces = false;
  bool cut = false;               // more words than can be read
};

/// One pass of Poppler's interpreter over the page (a second one when something is hidden, to see
/// whether a picture lies below it). `page` is 1-based.
/// `shapes` serves all pages of the document.
PageInk read_ink(PDFDoc& document, GlyphShapes& shapes, int page, bool with_fonts);

/// How a font looks, by its name.
RawFont font_of(const std::string& name);

}  // namespace app
