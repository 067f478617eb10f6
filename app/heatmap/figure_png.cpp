#include <fontconfig/fontconfig.h>
#include <ft2build.h>
#include FT_FREETYPE_H

#include <algorithm>
#include <cmath>
#include <memory>

#include "app/heatmap/figure.h"
#include "app/heatmap/png_writer.h"

namespace app {

namespace {

constexpr double kMostPixels = 64e6;
constexpr char32_t kReplacement = 0xFFFD;

/// Code points of UTF-8; what is none becomes the replacement character.
std::vector<char32_t> code_points(const std::string& text) {
  std::vector<char32_t> out;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t n = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    char32_t point = n == 1 ? lead : lead & (0xFFu >> (n + 1));
    bool good = n > 0 && i + n <= text.size();
    for (std::size_t k = 1; good && k < n; ++k) {
      const auto next = static_cast<unsigned char>(text[i + k]);
      good = next >> 6 == 2;
      point = point << 6 | (next & 0x3F);
    }
    out.push_back(good ? point : kReplacement);
    i += good ? n : 1;
  }
  return out;
}

std::string find_font() {
  std::unique_ptr<FcConfig, decltype(&FcConfigDestroy)> config(FcInitLoadConfigAndFonts(), FcConfigDestroy);
  if (config == nullptr) return {};
  std::unique_ptr<FcPattern, decltype(&FcPatternDestroy)> wanted(
      FcNameParse(reinterpret_cast<const FcChar8*>("Inter,Noto Sans,sans-serif:regular")), FcPatternDestroy);
  if (wanted == nullptr) return {};
  FcConfigSubstitute(config.get(), wanted.get(), FcMatchPattern);
  FcDefaultSubstitute(wanted.get());
  FcResult result = FcResultNoMatch;
  std::unique_ptr<FcPattern, decltype(&FcPatternDestroy)> match(FcFontMatch(config.get(), wanted.get(), &result), FcPatternDestroy);
  FcChar8* file = nullptr;
  if (match == nullptr || FcPatternGetString(match.get(), FC_FILE, 0, &file) != FcResultMatch) return {};
  return reinterpret_cast<const char*>(file);
}

/// Writes with one face of the system; without one it writes nothing.
class Typesetter {
 public:
  Typesetter() {
    FT_Library library = nullptr;
    if (FT_Init_FreeType(&library) != 0) return;
    library_.reset(library);
    FT_Face face = nullptr;
    const std::string file = find_font();
    if (!file.empty() && FT_New_Face(library, file.c_str(), 0, &face) == 0) face_.reset(face);
  }

  double width(const std::string& text, double pixels) {
    if (!set_size(pixels)) return 0;
    double width = 0;
    for (const char32_t point : code_points(text)) {
      if (FT_Load_Char(face_.get(), point, FT_LOAD_DEFAULT) == 0) width += static_cast<double>(face_->glyph->advance.x) / 64;
    }
    return width;
  }

  /// Calls cover(x, y, share) for each pixel that the text touches; `x`, `y` begin the baseline.
  template <typename Cover>
  void write(const std::string& text, double pixels, double x, double y, Cover cover) {
    if (!set_size(pixels)) return;
    for (const char32_t point : code_points(text)) {
      if (FT_Load_Char(face_.get(), point, FT_LOAD_RENDER) != 0) continue;
      const FT_GlyphSlot glyph = face_->glyph;
      const auto left = static_cast<std::int64_t>(std::lround(x)) + glyph->bitmap_left;
      const auto top = static_cast<std::int64_t>(std::lround(y)) - glyph->bitmap_top;
      for (unsigned row = 0; row < glyph->bitmap.rows; ++row) {
        for (unsigned column = 0; column < glyph->bitmap.width; ++column) {
          const unsigned char* line = glyph->bitmap.buffer + static_cast<std::ptrdiff_t>(row) * glyph->bitmap.pitch;
          if (line[column] > 0) cover(left + column, top + row, line[column] / 255.0);
        }
      }
      x += static_cast<double>(glyph->advance.x) / 64;
    }
  }

 private:
  struct CloseLibrary {
    void operator()(FT_Library library) const { FT_Done_FreeType(library); }
  };
  struct CloseFace {
    void operator()(FT_Face face) const { FT_Done_Face(face); }
  };

  bool set_size(double pixels) {
    return face_ != nullptr && FT_Set_Char_Size(face_.get(), 0, static_cast<FT_F26Dot6>(pixels * 64), 72, 72) == 0;
  }

  std::unique_ptr<std::remove_pointer_t<FT_Library>, CloseLibrary> library_;
  std::unique_ptr<std::remove_pointer_t<FT_Face>, CloseFace> face_;
};

class Canvas {
 public:
  Canvas(std::int32_t width, std::int32_t height, Rgb color)
      : width_(width), height_(height), pixels_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), color) {}

  void blend(std::int64_t x, std::int64_t y, Rgb color, double share) {
    if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
    Rgb& pixel = pixels_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)];
    const auto mix = [share](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(std::lround(a + (b - a) * share)); };
    pixel = {mix(pixel.red, color.red), mix(pixel.green, color.green), mix(pixel.blue, color.blue)};
  }

  void fill(const FigureRect& rect, double scale) {
    const auto left = std::lround(rect.x * scale), top = std::lround(rect.y * scale);
    const auto right = std::max(left + 1, std::lround((rect.x + rect.width) * scale));
    const auto bottom = std::max(top + 1, std::lround((rect.y + rect.height) * scale));
    const auto period = std::max<long>(3, std::lround(4 * scale));
    for (long y = top; y < bottom; ++y) {
      for (long x = left; x < right; ++x) {
        if (!rect.hatched || (x + y) % period < std::max<long>(1, std::lround(0.8 * scale))) blend(x, y, rect.color, 1);
      }
    }
  }

  void draw(const FigurePicture& picture, double scale) {
    const auto left = std::lround(picture.x * scale), top = std::lround(picture.y * scale);
    const auto width = std::lround(picture.width * scale), height = std::lround(picture.height * scale);
    for (long y = 0; y < height; ++y) {
      const auto row = static_cast<std::size_t>(y * picture.n_rows / height);
      for (long x = 0; x < width; ++x) {
        const auto column = static_cast<std::size_t>(x * picture.n_columns / width);
        blend(left + x, top + y, picture.cells[row * static_cast<std::size_t>(picture.n_columns) + column], 1);
      }
    }
  }

  engine::Result<std::string> encode() const { return encode_png(width_, height_, pixels_); }

 private:
  std::int32_t width_;
  std::int32_t height_;
  std::vector<Rgb> pixels_;
};

Typesetter& typesetter() {
  // Finding a font takes a tenth of a second; once per thread is enough.
  static thread_local Typesetter typesetter;
  return typesetter;
}

}  // namespace

double text_width(const std::string& text, double size) {
  const double width = typesetter().width(text, size);
  return width > 0 ? width : 0.56 * size * static_cast<double>(code_points(text).size());
}

engine::Result<std::string> figure_to_png(const Figure& figure, double scale) {
  if (!(scale > 0) || !(figure.width >= 1) || !(figure.height >= 1) ||
      figure.width * figure.height * scale * scale > kMostPixels) {
    return engine::Error{engine::ErrorCode::kInvalidInput, "The picture would be too large; choose a smaller size."};
  }
  Canvas canvas(static_cast<std::int32_t>(std::lround(figure.width * scale)),
                static_cast<std::int32_t>(std::lround(figure.height * scale)), figure.background);
  for (const FigureRect& rect : figure.rects) canvas.fill(rect, scale);
  for (const FigurePicture& picture : figure.pictures) canvas.draw(picture, scale);
  for (const FigureRect& rect : figure.marks) canvas.fill(rect, scale);
  for (const FigureText& text : figure.texts) {
    const double size = text.size * scale;
    const double width = text.anchor == FigureText::Anchor::kStart ? 0 : typesetter().width(text.text, size);
    const double shift = text.anchor == FigureText::Anchor::kMiddle ? width / 2 : width;
    typesetter().write(text.text, size, text.x * scale - shift, text.y * scale,
                       [&](std::int64_t x, std::int64_t y, double share) { canvas.blend(x, y, text.color, share); });
  }
  return canvas.encode();
}

}  // namespace app
