#pragma once

#include <QFont>
#include <QPainterPath>
#include <QRectF>
#include <QString>

#include <vector>

#include "ui/math/tex_parser.h"

namespace ui {

/// A laid-out formula: glyphs, rules and paths about an origin on its baseline; y grows downwards.
struct MathBox {
  struct Glyphs {
    QString text;
    QFont font;
    QPointF at;      // left end of the baseline
    double stretch = 1;  // vertical, about `at`
  };
  double width = 0;
  double ascent = 0;
  double descent = 0;
  std::vector<Glyphs> glyphs;
  std::vector<QRectF> rules;
  std::vector<QPainterPath> strokes;
  double stroke_width = 1;

  /// Adds another box with its origin at x, y.
  void add(const MathBox& other, double x, double y);
};

/// Sizes and places everything; `pixels` is the height of the letters' em. In display, sums grow and
/// take their limits below and above.
MathBox lay_out_formula(const MathNode& node, double pixels, bool display);

}  // namespace ui
