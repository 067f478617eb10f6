#pragma once

#include <map>
#include <memory>

class GfxFont;
class PDFDoc;

namespace app {

/// Characters of glyphs that a PDF draws without saying what they are: programs that write PDFs lose the
/// text of alternate forms (the raised hyphen of "N-3"). A glyph that has the outline of another one of
/// its font that is named is that character; hyphens, colons and parentheses are known by their form.
class GlyphShapes {
 public:
  explicit GlyphShapes(PDFDoc& document);
  ~GlyphShapes();

  /// U+FFFD: ink that no character was found for; 0: nothing is known about fonts of this kind.
  char32_t character_of(const std::shared_ptr<GfxFont>& font, unsigned code);

 private:
  struct Face;
  PDFDoc& document_;
  std::map<const GfxFont*, std::unique_ptr<Face>> faces_;
};

}  // namespace app
