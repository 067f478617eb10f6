#pragma once

#include <QColor>
#include <QPalette>
#include <QRectF>
#include <QScrollBar>

#include <vector>

#include "app/document/page.h"

namespace ui {

/// Something that was selected: bytes of a part's text, and how much of it, 0..1 of the strongest.
struct HeatMark {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  double weight = 0;
};

/// A vertical scroll bar that shows where finds and cited places are.
class MarkedScrollBar final : public QScrollBar {
  Q_OBJECT

 public:
  struct Mark {
    double at = 0;                 // 0..1 of the document
    QColor color;
  };

  explicit MarkedScrollBar(QWidget* parent = nullptr) : QScrollBar(Qt::Vertical, parent) {}
  void set_marks(std::vector<Mark> marks);

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  std::vector<Mark> marks_;
};

/// The colour of heat over this ground (white on pages, paper in code).
QColor heat_over(double weight, const QPalette& palette);

/// The boxes of the words of `text` that bytes begin..end touch, joined per line of print.
std::vector<QRectF> boxes_of_bytes(const app::PartText& text, std::uint32_t begin, std::uint32_t end);

}  // namespace ui
