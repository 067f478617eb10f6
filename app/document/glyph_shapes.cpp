#include "app/document/glyph_shapes.h"

#include <GfxFont.h>
#include <PDFDoc.h>
#include <ft2build.h>
#include FT_FREETYPE_H
#include FT_OUTLINE_H

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

namespace app {
namespace {

constexpr long kMaxGlyphs = 4096;
constexpr std::size_t kMaxFaces = 256;
constexpr char32_t kUnknown = 0xFFFD;

FT_Library library() {
  static const FT_Library kLibrary = [] {
    FT_Library opened = nullptr;
    return FT_Init_FreeType(&opened) == 0 ? opened : nullptr;
  }();
  return kLibrary;
}

/// An outline moved to the corner of its box, in font units.
struct Shape {
  std::vector<std::pair<long, long>> points;
  std::vector<int> contour_ends;
  bool curved = false;
  long width = 0, height = 0;
  bool operator==(const Shape& other) const { return points == other.points && contour_ends == other.contour_ends; }
};

std::optional<Shape> shape_of(FT_Face face, unsigned glyph) {
  if (FT_Load_Glyph(face, glyph, FT_LOAD_NO_SCALE | FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP) != 0 || face->glyph->format != FT_GLYPH_FORMAT_OUTLINE) return std::nullopt;
  const FT_Outline& outline = face->glyph->outline;
  Shape shape;
  FT_BBox box;
  FT_Outline_Get_CBox(&face->glyph->outline, &box);
  for (int i = 0; i < outline.n_points; ++i) {
    shape.points.emplace_back(outline.points[i].x - box.xMin, outline.points[i].y - box.yMin);
    shape.curved = shape.curved || !(outline.tags[i] & 1);
  }
  for (int i = 0; i < outline.n_contours; ++i) shape.contour_ends.push_back(outline.contours[i]);
  shape.width = box.xMax - box.xMin;
  shape.height = box.yMax - box.yMin;
  return shape;
}

/// The horizontal middle of the points in a band of the height.
double middle_x(const Shape& shape, double from, double to) {
  double sum = 0;
  int n = 0;
  for (const auto& [x, y] : shape.points) {
    const double at = static_cast<double>(y) / static_cast<double>(std::max(shape.height, 1l));
    if (at < from || at > to) continue;
    sum += static_cast<double>(x);
    ++n;
  }
  return n > 0 ? sum / n : static_cast<double>(shape.width) / 2;
}

bool is_two_dots(const Shape& shape, long em) {
  if (shape.contour_ends.size() != 2 || shape.width * 4 > em || shape.height < 2 * shape.width) return false;
  const auto n_low = std::count_if(shape.points.begin(), shape.points.end(), [&](const auto& point) { return point.second <= shape.width * 5 / 4; });
  const auto n_high = std::count_if(shape.points.begin(), shape.points.end(), [&](const auto& point) { return point.second >= shape.height - shape.width * 5 / 4; });
  return n_low == n_high && static_cast<std::size_t>(n_low + n_high) == shape.points.size();
}

char32_t by_form(const Shape& shape, long em) {
  if (shape.contour_ends.size() == 1 && shape.points.size() == 4 && !shape.curved && 2 * shape.width > 3 * shape.height) return 10 * shape.width < 6 * em ? '-' : 0x2013;
  if (is_two_dots(shape, em)) return ':';
  if (shape.contour_ends.size() == 1 && shape.curved && 10 * shape.height > 7 * em && 3 * shape.width < shape.height) {
    const double bend = middle_x(shape, 0.35, 0.65) - (middle_x(shape, 0, 0.2) + middle_x(shape, 0.8, 1)) / 2;
    if (std::abs(bend) > 0.15 * static_cast<double>(shape.width)) return bend < 0 ? '(' : ')';
  }
  return kUnknown;
}

// The map from character ids to glyphs has two forms in Poppler's releases.
template <typename Font>
unsigned glyph_of(const Font& font, unsigned cid) {
  if constexpr (requires { font.getCIDToGIDLen(); }) {
    if (!font.getCIDToGID()) return cid;
    return cid < font.getCIDToGIDLen() ? static_cast<unsigned>(font.getCIDToGID()[cid]) : 0;
  } else {
    if (font.getCIDToGID().empty()) return cid;
    return cid < font.getCIDToGID().size() ? static_cast<unsigned>(font.getCIDToGID()[cid]) : 0;
  }
}

/// What the PDF says a two-byte code means; 0: nothing, or more than one character.
char32_t named_character(const GfxFont& font, unsigned code) {
  const char bytes[2] = {static_cast<char>(code >> 8), static_cast<char>(code & 255)};
  CharCode read = 0;
  const Unicode* characters = nullptr;
  int n = 0;
  double dx = 0, dy = 0, ox = 0, oy = 0;
  const bool same = font.getNextChar(bytes, 2, &read, &characters, &n, &dx, &dy, &ox, &oy) == 2 && read == code;
  return same && n == 1 && characters ? characters[0] : 0;
}

}  // namespace

struct GlyphShapes::Face {
  std::shared_ptr<GfxFont> font;  // held, so that no other font gets its address
  std::shared_ptr<std::vector<unsigned char>> bytes;
  FT_Face face = nullptr;
  std::vector<std::pair<Shape, char32_t>> named;
  std::map<unsigned, char32_t> known;
  ~Face() {
    if (face) FT_Done_Face(face);
  }
};

GlyphShapes::GlyphShapes(PDFDoc& document) : document_(document) {}
GlyphShapes::~GlyphShapes() = default;

char32_t GlyphShapes::character_of(const std::shared_ptr<GfxFont>& held, unsigned code) {
  GfxFont& font = *held;
  if (faces_.size() >= kMaxFaces && !faces_.contains(&font)) return 0;
  const auto [place, is_new] = faces_.try_emplace(&font);
  if (is_new && font.getType() == fontCIDType2 && library()) {
    const auto& cid_font = static_cast<GfxCIDFont&>(font);
    auto bytes = font.readEmbFontFile(document_.getXRef());
    auto face = std::make_unique<Face>();
    face->font = held;
    if (bytes) face->bytes = std::make_shared<std::vector<unsigned char>>(bytes->begin(), bytes->end());
    if (face->bytes && FT_New_Memory_Face(library(), face->bytes->data(), static_cast<FT_Long>(face->bytes->size()), 0, &face->face) == 0) {
      for (unsigned cid = 1; cid < static_cast<unsigned>(std::min<long>(face->face->num_glyphs, kMaxGlyphs)); ++cid) {
        const char32_t character = named_character(font, cid);
        if (character <= 0x20) continue;
        if (auto shape = shape_of(face->face, glyph_of(cid_font, cid)); shape && !shape->points.empty()) face->named.emplace_back(std::move(*shape), character);
      }
      if (!face->named.empty()) place->second = std::move(face);
    }
  }
  Face* face = place->second.get();
  if (!face) return 0;
  const auto [known, is_first] = face->known.try_emplace(code, kUnknown);
  if (!is_first) return known->second;
  const auto shape = shape_of(face->face, glyph_of(static_cast<GfxCIDFont&>(font), code));
  if (!shape) return known->second = 0;
  if (shape->points.empty()) return known->second = ' ';
  const auto twin = std::find_if(face->named.begin(), face->named.end(), [&](const auto& each) { return each.first == *shape; });
  return known->second = twin != face->named.end() ? twin->second : by_form(*shape, face->face->units_per_EM);
}

}  // namespace app
