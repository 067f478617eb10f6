#pragma once

#include <QFont>
#include <QObject>
#include <QTextObjectInterface>

namespace ui {

/// Chips and formulas in the text of an answer: inline objects that know what they stand for.
enum TextObject { kChipObject = QTextFormat::UserObject + 1, kMathObject = QTextFormat::UserObject + 2 };

enum ObjectProperty {
  kChipIndex = QTextFormat::UserProperty + 1,  // number of the mention in the answer
  kChipLabel,
  kChipMark,                                   // ChipMark
  kChipEvidence,                               // ChipEvidence
  kPlainText,                                  // what a copy holds in its place
  kTex,
  kTexDisplay,
  kQuoteDepth,                                 // of a block: how many quotations it stands in
};

enum class ChipMark { kNone, kVerified, kNear, kNotFound, kUnknown };

/// The second mark: whether the span was selected while the sentence was written. kUnsaid draws nothing:
/// nothing was recorded, or every key was selected.
enum class ChipEvidence { kUnsaid, kSelected, kNotSelected };

class ChipPainter final : public QObject, public QTextObjectInterface {
  Q_OBJECT
  Q_INTERFACES(QTextObjectInterface)

 public:
  using QObject::QObject;
  QSizeF intrinsicSize(QTextDocument* document, int position, const QTextFormat& format) override;
  void drawObject(QPainter* painter, const QRectF& rect, QTextDocument* document, int position, const QTextFormat& format) override;
};

/// Device pixels per pixel of the screen where a document is laid out for a printer; else 1. Objects
/// measure in the screen's pixels and are scaled by it.
double object_scale(const QTextDocument* document);
/// A font with its size in the screen's pixels, so that a printer's painter does not size it once more.
QFont object_font(QFont font);

/// Draws a mark about `at`: a tick, a wave, a ring, a cross or a dot.
void draw_chip_mark(QPainter* painter, const QPointF& at, ChipMark mark, const QColor& color);

/// The sentence a screen reader and a tooltip give for a mark.
QString mark_text(ChipMark mark);
QString evidence_text(ChipEvidence evidence);

}  // namespace ui
