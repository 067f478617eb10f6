#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/heatmap/heat_palette.h"
#include "engine/base/result.h"

namespace app {

/// A drawing in points, origin top left, painted in the order: rectangles, pictures, marks, texts.
/// Written as SVG (text stays text) or as PNG, without a window system.
struct FigureRect {
  double x = 0, y = 0, width = 0, height = 0;
  Rgb color;
  bool hatched = false;  // the colour's lines over what is there
};

struct FigureText {
  enum class Anchor { kStart, kMiddle, kEnd };
  double x = 0, y = 0;   // of the baseline
  double size = 10;
  Rgb color;
  Anchor anchor = Anchor::kStart;
  std::string text;      // UTF-8, data: never markup
};

/// Cells of equal size, each in one colour.
struct FigurePicture {
  double x = 0, y = 0, width = 0, height = 0;
  std::int32_t n_columns = 0;
  std::int32_t n_rows = 0;
  std::vector<Rgb> cells;  // [n_rows][n_columns]
};

struct Figure {
  double width = 0;
  double height = 0;
  Rgb background;
  std::string title;       // for readers that cannot see it
  std::string description;
  std::vector<FigureRect> rects;
  std::vector<FigurePicture> pictures;
  std::vector<FigureRect> marks;
  std::vector<FigureText> texts;
};

std::string figure_to_svg(const Figure& figure);

/// `scale` pixels per point, at most 64 megapixels. Without any usable font on the system the texts are
/// left out.
engine::Result<std::string> figure_to_png(const Figure& figure, double scale = 1.0);

/// How wide `text` is at `size` points: good enough to place labels without overlaps.
double text_width(const std::string& text, double size);

}  // namespace app
