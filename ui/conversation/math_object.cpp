#include "ui/conversation/math_object.h"

#include <QFontInfo>
#include <QFontMetrics>
#include <QFontMetricsF>
#include <QPainter>
#include <QTextDocument>
#include <QTextFormat>

#include <algorithm>

#include "ui/conversation/answer_objects.h"
#include "ui/math/formula.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

std::shared_ptr<const Formula> formula_of(const QTextFormat& format) {
  const double pixels = QFontInfo(format.toCharFormat().font()).pixelSize() * 1.04;  // serif letters look smaller
  return Formula::of(format.property(kTex).toString(), format.property(kTexDisplay).toBool(), pixels);
}

/// Text documents centre an object on a line a quarter of the x-height above the baseline.
double middle_above_baseline(const QTextFormat& format) { return QFontMetrics(format.toCharFormat().font()).xHeight() / 4.0; }

}  // namespace

QSizeF MathPainter::intrinsicSize(QTextDocument* document, int, const QTextFormat& format) {
  const double scale = object_scale(document);
  if (const auto formula = formula_of(format)) {
    const double middle = middle_above_baseline(format);
    const double half = std::max(formula->ascent() * scale - middle, formula->descent() * scale + middle);
    const double air = format.property(kTexDisplay).toBool() ? 6 * scale : 1;
    return {formula->width() * scale, 2 * (half + air)};
  }
  const QFontMetricsF metrics(object_font(code_font()));
  return {metrics.horizontalAdvance(format.property(kPlainText).toString()) * scale, metrics.height() * scale};
}

void MathPainter::drawObject(QPainter* painter, const QRectF& rect, QTextDocument* document, int, const QTextFormat& format) {
  const double scale = object_scale(document);
  painter->save();
  if (const auto formula = formula_of(format)) {
    painter->translate(rect.left(), rect.center().y() + middle_above_baseline(format));
    painter->scale(scale, scale);
    formula->draw(*painter, QPointF(0, 0), tokens().ink);
  } else {
    painter->translate(rect.topLeft());
    painter->scale(scale, scale);
    painter->setFont(object_font(code_font()));
    painter->setPen(tokens().ink);
    painter->drawText(QRectF(0, 0, rect.width() / scale, rect.height() / scale), Qt::AlignVCenter | Qt::TextSingleLine, format.property(kPlainText).toString());
  }
  painter->restore();
}

}  // namespace ui
