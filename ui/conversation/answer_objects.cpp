#include "ui/conversation/answer_objects.h"

#include <QAbstractTextDocumentLayout>
#include <QCoreApplication>
#include <QFontInfo>
#include <QFontMetricsF>
#include <QGuiApplication>
#include <QPainter>
#include <QPainterPath>
#include <QScreen>
#include <QTextDocument>

#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr double kMarkWidth = 12;
constexpr double kWidestLabel = 260;

QString label_of(const QTextFormat& format) {
  const QFontMetricsF metrics(object_font(small_font()));
  return metrics.elidedText(format.property(kChipLabel).toString(), Qt::ElideMiddle, kWidestLabel);
}

ChipMark mark_of(const QTextFormat& format) { return static_cast<ChipMark>(format.property(kChipMark).toInt()); }

ChipEvidence evidence_of(const QTextFormat& format) { return static_cast<ChipEvidence>(format.property(kChipEvidence).toInt()); }

double evidence_width(const QTextFormat& format) { return evidence_of(format) == ChipEvidence::kUnsaid ? 0 : kMarkWidth; }

/// A cell of the map: filled where it was selected, empty with a hatch stroke where it was not.
void draw_evidence(QPainter* painter, const QPointF& at, ChipEvidence evidence, const QColor& color) {
  if (evidence == ChipEvidence::kUnsaid) return;
  const QRectF cell(at.x() - 3.5, at.y() - 3.5, 7, 7);
  painter->setPen(QPen(color, 1.2));
  painter->setBrush(evidence == ChipEvidence::kSelected ? QBrush(color) : QBrush(Qt::NoBrush));
  painter->drawRect(cell);
  if (evidence == ChipEvidence::kNotSelected) painter->drawLine(cell.bottomLeft(), cell.topRight());
}

}  // namespace

void draw_chip_mark(QPainter* painter, const QPointF& at, ChipMark mark, const QColor& color) {
  painter->setPen(QPen(color, 1.5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  painter->setBrush(Qt::NoBrush);
  switch (mark) {
    case ChipMark::kVerified:
      painter->drawPolyline(QPolygonF({at + QPointF(-3.5, 0.2), at + QPointF(-1, 2.8), at + QPointF(3.8, -3)}));
      return;
    case ChipMark::kNear: {
      QPainterPath wave(at + QPointF(-4, 1));
      wave.cubicTo(at + QPointF(-2, -3.5), at + QPointF(1.5, 3.5), at + QPointF(4, -1));
      painter->drawPath(wave);
      return;
    }
    case ChipMark::kNotFound:
      painter->drawEllipse(at, 3.2, 3.2);
      return;
    case ChipMark::kUnknown:
      painter->drawLine(at + QPointF(-2.8, -2.8), at + QPointF(2.8, 2.8));
      painter->drawLine(at + QPointF(2.8, -2.8), at + QPointF(-2.8, 2.8));
      return;
    case ChipMark::kNone:
      painter->setBrush(color);
      painter->setPen(Qt::NoPen);
      painter->drawEllipse(at, 1.8, 1.8);
      return;
  }
}

QString mark_text(ChipMark mark) {
  const auto say = [](const char* text) { return QCoreApplication::translate("ui::ChipPainter", text); };
  switch (mark) {
    case ChipMark::kVerified: return say("The quoted words stand there.");
    case ChipMark::kNear: return say("Nearly the same words stand there.");
    case ChipMark::kNotFound: return say("The quoted words were not found there.");
    case ChipMark::kUnknown: return say("The prompt had no such passage.");
    case ChipMark::kNone: return say("No words were quoted to compare.");
  }
  return {};
}

double object_scale(const QTextDocument* document) {
  const QPaintDevice* device = document->documentLayout()->paintDevice();
  const QScreen* screen = QGuiApplication::primaryScreen();
  if (device == nullptr || screen == nullptr) return 1;
  return device->logicalDpiY() / screen->logicalDotsPerInchY();
}

QFont object_font(QFont font) {
  font.setPixelSize(QFontInfo(font).pixelSize());
  return font;
}

QString evidence_text(ChipEvidence evidence) {
  const auto say = [](const char* text) { return QCoreApplication::translate("ui::ChipPainter", text); };
  switch (evidence) {
    case ChipEvidence::kSelected: return say("The passage was selected while this sentence was written.");
    case ChipEvidence::kNotSelected: return say("The passage was not selected while this sentence was written.");
    case ChipEvidence::kUnsaid: return {};
  }
  return {};
}

QSizeF ChipPainter::intrinsicSize(QTextDocument* document, int, const QTextFormat& format) {
  const QFontMetricsF metrics(object_font(small_font()));
  return QSizeF(metrics.horizontalAdvance(label_of(format)) + kMarkWidth + evidence_width(format) + 3 * kTight + 2, metrics.height() + 4) * object_scale(document);
}

void ChipPainter::drawObject(QPainter* painter, const QRectF& place, QTextDocument* document, int, const QTextFormat& format) {
  const Tokens& t = tokens();
  const ChipMark mark = mark_of(format);
  const QColor ink = mark == ChipMark::kNotFound || mark == ChipMark::kUnknown ? t.amber : t.pine;
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  const double scale = object_scale(document);
  painter->translate(place.topLeft());
  painter->scale(scale, scale);
  const QRectF rect(QPointF(0, 0), place.size() / scale);
  const QRectF chip = rect.adjusted(1, 0.5, -1, -0.5);
  painter->setBrush(t.pine_wash);
  painter->setPen(mark == ChipMark::kNotFound || mark == ChipMark::kUnknown ? QPen(ink, 1, Qt::DashLine) : QPen(mix(ink, t.pine_wash, 0.35), 1));
  if (mark == ChipMark::kNotFound || mark == ChipMark::kUnknown) painter->setBrush(Qt::NoBrush);
  painter->drawRoundedRect(chip, kChipRadius, kChipRadius);
  draw_chip_mark(painter, QPointF(chip.left() + kTight + kMarkWidth / 2, chip.center().y()), mark, ink);
  const double second = evidence_width(format);
  draw_evidence(painter, QPointF(chip.left() + kTight + kMarkWidth + second / 2, chip.center().y()), evidence_of(format), ink);
  painter->setPen(ink);
  painter->setFont(object_font(small_font()));
  painter->drawText(chip.adjusted(kMarkWidth + second + kTight + 2, 0, -kTight, 0), Qt::AlignVCenter | Qt::TextSingleLine, label_of(format));
  painter->restore();
}

}  // namespace ui
