#include "ui/page/view_marks.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

#include "ui/trace/heat_theme.h"

namespace ui {

void MarkedScrollBar::set_marks(std::vector<Mark> marks) {
  marks_ = std::move(marks);
  update();
}

void MarkedScrollBar::paintEvent(QPaintEvent* event) {
  QScrollBar::paintEvent(event);
  if (marks_.empty()) return;
  QPainter painter(this);
  for (const Mark& mark : marks_) {
    const int y = static_cast<int>(mark.at * (height() - 3));
    painter.fillRect(QRect(2, y, width() - 4, 3), mark.color);
  }
}

QColor heat_over(double weight, const QPalette& palette) {
  return to_color(app::heat_color(std::clamp(weight, 0.0, 1.0), app::HeatScale::kCividis, theme_of(palette)));
}

std::vector<QRectF> boxes_of_bytes(const app::PartText& text, std::uint32_t begin, std::uint32_t end) {
  std::vector<QRectF> lines;
  auto word = std::lower_bound(text.words.begin(), text.words.end(), begin, [](const app::Word& w, std::uint32_t at) { return w.end <= at; });
  for (; word != text.words.end() && word->begin < end; ++word) {
    const QRectF box(QPointF(word->box.left, word->box.top), QPointF(word->box.right, word->box.bottom));
    const bool same_line = !lines.empty() && std::abs(lines.back().center().y() - box.center().y()) < 0.5 * box.height() &&
                           box.left() >= lines.back().left() && box.left() - lines.back().right() < 0.08;
    if (same_line) lines.back() = lines.back().united(box);
    else lines.push_back(box);
  }
  if (!lines.empty()) return lines;
  for (const app::Span& span : text.spans) {
    if (span.end <= begin || span.begin >= end) continue;
    for (const app::Box& box : span.boxes) lines.emplace_back(QPointF(box.left, box.top), QPointF(box.right, box.bottom));
  }
  return lines;
}

}  // namespace ui
