#include "ui/math/formula.h"

#include <QCache>

namespace ui {
namespace {

constexpr int kMostKept = 2000;  // formulas

struct Kept {
  std::shared_ptr<const Formula> formula;  // null: not understood
};

}  // namespace

std::shared_ptr<const Formula> Formula::of(const QString& tex, bool display, double pixels) {
  static QCache<QString, Kept> kept(kMostKept);
  const QString key = QString::number(pixels, 'f', 2) + (display ? QLatin1Char('d') : QLatin1Char('i')) + tex;
  if (const Kept* known = kept.object(key)) return known->formula;
  std::shared_ptr<Formula> formula;
  if (const auto node = parse_tex(tex)) {
    formula = std::make_shared<Formula>();
    formula->box_ = lay_out_formula(*node, pixels, display);
  }
  kept.insert(key, new Kept{formula});
  return formula;
}

void Formula::draw(QPainter& painter, const QPointF& at, const QColor& color) const {
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  painter.translate(at);
  painter.setPen(color);
  for (const MathBox::Glyphs& one : box_.glyphs) {
    painter.setFont(one.font);
    if (one.stretch == 1) {
      painter.drawText(one.at, one.text);
      continue;
    }
    painter.save();
    painter.translate(one.at);
    painter.scale(1, one.stretch);
    painter.drawText(QPointF(0, 0), one.text);
    painter.restore();
  }
  for (const QRectF& rule : box_.rules) painter.fillRect(rule, color);
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(color, box_.stroke_width, Qt::SolidLine, Qt::FlatCap, Qt::MiterJoin));
  for (const QPainterPath& path : box_.strokes) painter.drawPath(path);
  painter.restore();
}

}  // namespace ui
