#include "ui/conversation/math_object.h"

#include <QFontMetricsF>
#include <QPainter>
#include <QTextDocument>

#include "ui/conversation/answer_objects.h"
#include "ui/theme/tokens.h"

namespace ui {

QSizeF MathPainter::intrinsicSize(QTextDocument*, int, const QTextFormat& format) {
  const QFontMetricsF metrics(code_font());
  return {metrics.horizontalAdvance(format.property(kPlainText).toString()), metrics.height()};
}

void MathPainter::drawObject(QPainter* painter, const QRectF& rect, QTextDocument*, int, const QTextFormat& format) {
  painter->setFont(code_font());
  painter->setPen(tokens().ink);
  painter->drawText(rect, Qt::AlignVCenter | Qt::TextSingleLine, format.property(kPlainText).toString());
}

}  // namespace ui
