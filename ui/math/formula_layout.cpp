#include "ui/math/formula_layout.h"

#include <QFontMetricsF>

#include <algorithm>

namespace ui {
namespace {

// Shares of the em, after the usual proportions of printed formulas.
constexpr double kAxis = 0.26;         // height of the fraction line above the baseline
constexpr double kRule = 0.05;
constexpr double kScriptSize = 0.72;
constexpr double kSmallestEm = 6;      // pixels
constexpr double kGapOfFraction = 0.14;
constexpr double kRaise = 0.38;
constexpr double kLower = 0.18;
constexpr double kOperatorSpace = 0.24;
constexpr double kLargeFactor = 1.5;

using Kind = MathNode::Kind;
using Shape = MathNode::Shape;

QFont math_font(double pixels, Shape shape) {
  QFont font(QStringList{QStringLiteral("Noto Serif"), QStringLiteral("DejaVu Serif"), QStringLiteral("Noto Sans Math")});
  font.setStyleHint(QFont::Serif);
  font.setPixelSize(std::max(1, static_cast<int>(pixels + 0.5)));
  font.setItalic(shape == Shape::kItalic);
  font.setBold(shape == Shape::kBold);
  return font;
}

MathBox glyph_box(const QString& text, const QFont& font) {
  const QFontMetricsF metrics(font);
  const QRectF ink = metrics.tightBoundingRect(text);
  MathBox box;
  box.width = metrics.horizontalAdvance(text);
  box.ascent = std::max(-ink.top(), 0.0);
  box.descent = std::max(ink.bottom(), 0.0);
  // A slanted letter leans over its advance.
  if (font.italic()) box.width = std::max(box.width, ink.right() + 0.02 * font.pixelSize());
  box.glyphs.push_back({text, font, QPointF(0, 0), 1});
  return box;
}

class Layout {
 public:
  Layout(double pixels, bool display) : em_(std::max(pixels, kSmallestEm)), display_(display) {}

  MathBox of(const MathNode& node) const {
    switch (node.kind) {
      case Kind::kRow: return row(node);
      case Kind::kSymbol: return symbol(node);
      case Kind::kWords: return glyph_box(node.text, math_font(em_, node.shape == Shape::kBold ? Shape::kBold : Shape::kUpright));
      case Kind::kSpace: return space(node.width);
      case Kind::kFraction: return fraction(node);
      case Kind::kRoot: return root(node);
      case Kind::kScripts: return scripts(node);
      case Kind::kFence: return fence(node);
      case Kind::kAccent: return accent(node);
      case Kind::kTable: return table(node);
    }
    return {};
  }

 private:
  Layout script() const { return {em_ * kScriptSize, false}; }
  Layout inside() const { return {em_ * (display_ ? 1.0 : 0.82), false}; }

  MathBox space(double ems) const {
    MathBox box;
    box.width = ems * em_;
    return box;
  }

  MathBox symbol(const MathNode& node) const {
    if (!node.is_large) return glyph_box(node.text, math_font(em_, node.shape));
    const MathBox sign = glyph_box(node.text, math_font(em_ * (display_ ? kLargeFactor : 1.1), Shape::kUpright));
    // Large signs are centred on the axis.
    MathBox box;
    const double down = (sign.ascent - sign.descent) / 2 - kAxis * em_;
    box.add(sign, 0, down);
    return box;
  }

  MathBox row(const MathNode& node) const {
    MathBox box;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const MathNode& child = node.children[i];
      // A sign at the beginning, or after another one, belongs to what follows: -1.
      const bool binary = child.is_operator && i > 0 && !node.children[i - 1].is_operator && i + 1 < node.children.size();
      const double blank = binary ? kOperatorSpace * em_ : 0;
      const bool function = child.kind == Kind::kWords || (child.kind == Kind::kScripts && child.children.front().kind == Kind::kWords);
      box.width += blank;
      box.add(of(child), box.width, 0);
      box.width += blank;
      const bool before_letter = i + 1 < node.children.size() && node.children[i + 1].kind != Kind::kFence && node.children[i + 1].text != QLatin1String("(");
      if ((function && before_letter) || child.is_large) box.width += 0.15 * em_;
      if (child.text == QLatin1String(",")) box.width += 0.17 * em_;
    }
    return box;
  }

  MathBox fraction(const MathNode& node) const {
    const MathBox above = inside().of(node.children[0]);
    const MathBox below = inside().of(node.children[1]);
    const double rule = std::max(1.0, kRule * em_);
    const double gap = kGapOfFraction * em_;
    const double axis = kAxis * em_;
    MathBox box;
    const double wide = std::max(above.width, below.width) + 0.2 * em_;
    box.add(above, (wide - above.width) / 2, -(axis + rule / 2 + gap + above.descent));
    box.add(below, (wide - below.width) / 2, -axis + rule / 2 + gap + below.ascent);
    if (node.text.isEmpty()) box.rules.push_back(QRectF(0.04 * em_, -axis - rule / 2, wide - 0.08 * em_, rule));
    box.width = wide;
    return box;
  }

  MathBox root(const MathNode& node) const {
    const MathBox body = of(node.children[0]);
    const double rule = std::max(1.0, kRule * em_);
    const double top = std::max(body.ascent, 0.6 * em_) + 0.16 * em_;
    const double bottom = std::max(body.descent, 0.06 * em_);
    const double hook = 0.5 * em_;
    MathBox box;
    double left = 0;
    if (node.children.size() > 1) {
      const MathBox degree = script().script().of(node.children[1]);
      box.add(degree, 0, -top * 0.5 - degree.descent);
      left = std::max(0.0, degree.width - 0.22 * em_);
    }
    QPainterPath path(QPointF(left, -0.28 * em_));
    path.lineTo(left + 0.14 * em_, -0.36 * em_);
    path.lineTo(left + 0.28 * em_, bottom);
    path.lineTo(left + hook, -top);
    path.lineTo(left + hook + body.width + 0.1 * em_, -top);
    box.strokes.push_back(path);
    box.stroke_width = rule;
    box.add(body, left + hook + 0.04 * em_, 0);
    box.width = left + hook + body.width + 0.14 * em_;
    box.ascent = std::max(box.ascent, top + rule);
    box.descent = std::max(box.descent, bottom + rule);
    return box;
  }

  MathBox scripts(const MathNode& node) const {
    const MathBox base = of(node.children[0]);
    const MathBox below = script().of(node.children[1]);
    const MathBox above = script().of(node.children[2]);
    MathBox box;
    const bool sum_like = node.is_large && display_ && node.children[0].text != QStringLiteral("∫") && node.children[0].text != QStringLiteral("∮");
    if (sum_like) {
      const double wide = std::max({base.width, below.width, above.width});
      box.add(base, (wide - base.width) / 2, 0);
      if (!node.children[2].children.empty()) box.add(above, (wide - above.width) / 2, -(base.ascent + 0.14 * em_ + above.descent));
      if (!node.children[1].children.empty()) box.add(below, (wide - below.width) / 2, base.descent + 0.14 * em_ + below.ascent);
      box.width = wide;
      return box;
    }
    box.add(base, 0, 0);
    const double right = base.width + 0.03 * em_;
    double up = std::max(kRaise * em_, base.ascent - 0.45 * em_ * kScriptSize);
    double down = std::max(kLower * em_, base.descent + 0.05 * em_);
    const bool both = !node.children[1].children.empty() && !node.children[2].children.empty();
    if (both) {
      const double missing = 0.12 * em_ - ((up - above.descent) - (below.ascent - down));
      if (missing > 0) {
        up += missing / 2;
        down += missing / 2;
      }
    }
    if (!node.children[2].children.empty()) box.add(above, right, -up);
    if (!node.children[1].children.empty()) box.add(below, right, down);
    box.width = right + std::max(above.width, below.width) + 0.04 * em_;
    return box;
  }

  /// A sign drawn so tall that it covers `ascent` and `descent`.
  MathBox tall(const QString& sign, double ascent, double descent) const {
    MathBox box;
    if (sign.isEmpty() || sign == QLatin1String(".")) return space(0.08);
    const QFont font = math_font(em_, Shape::kUpright);
    const MathBox plain = glyph_box(sign, font);
    const double height = plain.ascent + plain.descent;
    const double wanted = ascent + descent;
    const double stretch = height > 0 ? std::max(1.0, wanted / height) : 1;
    box.width = plain.width;
    const double baseline = stretch > 1 ? descent - plain.descent * stretch : 0;
    box.glyphs.push_back({sign, font, QPointF(0, baseline), stretch});
    box.ascent = std::max(plain.ascent, stretch > 1 ? ascent : 0.0);
    box.descent = std::max(plain.descent, stretch > 1 ? descent : 0.0);
    return box;
  }

  MathBox fence(const MathNode& node) const {
    const MathBox body = of(node.children[0]);
    // Fences stand about the axis, as tall as the taller side.
    const double axis = kAxis * em_;
    const double half = std::max(body.ascent - axis, body.descent + axis) + 0.06 * em_;
    const MathBox open = tall(node.text, half + axis, half - axis);
    const MathBox close = tall(node.closing, half + axis, half - axis);
    MathBox box;
    box.add(open, 0, 0);
    box.add(body, open.width, 0);
    box.add(close, open.width + body.width, 0);
    box.width = open.width + body.width + close.width;
    return box;
  }

  MathBox accent(const MathNode& node) const {
    const MathBox body = of(node.children[0]);
    const double rule = std::max(1.0, kRule * em_);
    MathBox box;
    box.add(body, 0, 0);
    if (node.text == QLatin1String("-") || node.text == QLatin1String("_")) {
      const double y = node.text == QLatin1String("-") ? -(body.ascent + 0.1 * em_) - rule : body.descent + 0.1 * em_;
      box.rules.push_back(QRectF(0.02 * em_, y, std::max(body.width - 0.04 * em_, 2.0), rule));
      box.ascent = std::max(box.ascent, -y);
      box.descent = std::max(box.descent, y + rule);
      return box;
    }
    const MathBox sign = glyph_box(node.text, math_font(em_ * (node.text == QStringLiteral("→") ? 0.6 : 0.9), Shape::kUpright));
    // Accent signs sit high in their own box: their ink is set down just above the letter.
    const double x = (body.width - sign.width) / 2 + 0.06 * em_;
    const QRectF ink = QFontMetricsF(sign.glyphs.front().font).tightBoundingRect(node.text);
    box.add(sign, x, -(body.ascent + 0.06 * em_) - ink.bottom());
    box.width = body.width;
    box.ascent = std::max(box.ascent, body.ascent + 0.08 * em_ + ink.height());
    return box;
  }

  MathBox table(const MathNode& node) const {
    MathBox box;
    if (node.n_columns == 0) return box;
    const auto n = static_cast<std::size_t>(node.n_columns);
    std::vector<MathBox> cells;
    std::vector<double> widths(n, 0.0);
    const std::size_t rows = node.children.size() / n;
    std::vector<double> ascents(rows, 0.55 * em_), descents(rows, 0.15 * em_);
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      cells.push_back(of(node.children[i]));
      widths[i % n] = std::max(widths[i % n], cells[i].width);
      ascents[i / n] = std::max(ascents[i / n], cells[i].ascent);
      descents[i / n] = std::max(descents[i / n], cells[i].descent);
    }
    const double gap = 0.32 * em_;
    const double between = node.aligned ? 0.1 * em_ : 0.8 * em_;
    double height = -gap;
    for (std::size_t r = 0; r < rows; ++r) height += ascents[r] + descents[r] + gap;
    double y = -kAxis * em_ - height / 2;
    for (std::size_t r = 0; r < rows; ++r) {
      y += ascents[r];
      double x = 0;
      for (std::size_t c = 0; c < n; ++c) {
        const MathBox& cell = cells[r * n + c];
        const double slack = widths[c] - cell.width;
        const double shift = node.aligned ? (c % 2 == 0 ? slack : 0) : slack / 2;
        box.add(cell, x + shift, y);
        x += widths[c] + between;
      }
      y += descents[r] + gap;
    }
    box.width = -between;
    for (const double width : widths) box.width += width + between;
    return box;
  }

  double em_;
  bool display_;
};

}  // namespace

void MathBox::add(const MathBox& other, double x, double y) {
  for (Glyphs one : other.glyphs) {
    one.at += QPointF(x, y);
    glyphs.push_back(std::move(one));
  }
  for (const QRectF& rule : other.rules) rules.push_back(rule.translated(x, y));
  for (const QPainterPath& path : other.strokes) strokes.push_back(path.translated(x, y));
  if (!other.strokes.empty()) stroke_width = std::max(other.stroke_width, 1.0);
  width = std::max(width, x + other.width);
  ascent = std::max(ascent, other.ascent - y);
  descent = std::max(descent, other.descent + y);
}

MathBox lay_out_formula(const MathNode& node, double pixels, bool display) { return Layout(pixels, display).of(node); }

}  // namespace ui
