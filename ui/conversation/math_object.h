#pragma once

#include <QObject>
#include <QTextObjectInterface>

namespace ui {

/// Draws the TeX formulas of an answer as vectors (ui/math); what it cannot read is shown as its TeX.
class MathPainter final : public QObject, public QTextObjectInterface {
  Q_OBJECT
  Q_INTERFACES(QTextObjectInterface)

 public:
  using QObject::QObject;
  QSizeF intrinsicSize(QTextDocument* document, int position, const QTextFormat& format) override;
  void drawObject(QPainter* painter, const QRectF& rect, QTextDocument* document, int position, const QTextFormat& format) override;
};

}  // namespace ui
