#include "ui/trace/heat_overlay.h"

#include <QCoreApplication>
#include <algorithm>
#include <cmath>

#include "ui/trace/heat_theme.h"

namespace ui {

namespace {

constexpr double kPoorReading = 0.5;

QRectF place(const QRectF& page, const app::Box& box) {
  return QRectF(page.left() + static_cast<double>(box.left) * page.width(), page.top() + static_cast<double>(box.top) * page.height(),
                static_cast<double>(box.right - box.left) * page.width(), static_cast<double>(box.bottom - box.top) * page.height());
}

/// The same line and next to each other, so that the blank between two words is tinted too.
bool continues(const app::Box& left, const app::Box& right) {
  const float height = left.bottom - left.top;
  return std::abs(left.top - right.top) < 0.5f * height && right.left >= left.right && right.left - left.right < height;
}

QColor tint(double weight, double maximum, const OverlayStyle& style) {
  QColor color = to_color(app::heat_color(app::heat_position(weight, maximum, style.logarithmic), style.scale, style.theme));
  color.setAlphaF(static_cast<float>(style.opacity));
  return color;
}

QString tr(const char* text) { return QCoreApplication::translate("ui::heat_overlay", text); }

}  // namespace

void paint_page_heat(QPainter& painter, const QRectF& page, const app::PageHeat& heat, double maximum, const OverlayStyle& style) {
  if (!heat.sparse || maximum <= 0) return;
  painter.save();
  painter.setPen(Qt::NoPen);
  painter.setRenderHint(QPainter::Antialiasing);
  // On light paper the tint darkens what is below it, as a marker does; print stays black.
  if (style.theme == app::Theme::kLight) painter.setCompositionMode(QPainter::CompositionMode_Multiply);
  for (std::size_t i = 0; i < heat.boxes.size(); ++i) {
    const app::BoxHeat& box = heat.boxes[i];
    if (!(box.weight > 0)) continue;
    QRectF rect = place(page, box.box);
    if (i + 1 < heat.boxes.size() && heat.boxes[i + 1].weight > 0 && continues(box.box, heat.boxes[i + 1].box)) {
      rect.setRight(place(page, heat.boxes[i + 1].box).left());
    }
    painter.fillRect(rect, tint(box.weight, maximum, style));
  }
  painter.restore();
}

void paint_line_heat(QPainter& painter, const QRectF& gutter, double weight, double maximum, const OverlayStyle& style) {
  if (!(weight > 0) || maximum <= 0) return;
  const double position = app::heat_position(weight, maximum, style.logarithmic);
  const double width = std::max(2.0, gutter.width() * (0.25 + 0.75 * position));
  QColor color = tint(weight, maximum, style);
  color.setAlphaF(1.0f);
  painter.fillRect(QRectF(gutter.left(), gutter.top(), width, gutter.height()), color);
}

void paint_not_consulted(QPainter& painter, const QRectF& page, const OverlayStyle& style) {
  QColor color = to_color(app::soft_ink_color(style.theme));
  color.setAlphaF(0.22f);
  painter.fillRect(page, QBrush(color, Qt::BDiagPattern));
}

QString heat_note(const app::PageHeat& heat) {
  if (!heat.in_prompt) return tr("Not in the prompt of this answer.");
  if (!heat.sparse) return tr("Dense: every token was visible, so nothing stands out.");
  if (heat.maximum <= 0) return tr("Not consulted.");
  if (heat.confidence < kPoorReading) return tr("This page was read with little certainty; the colours may lie beside the words.");
  return {};
}

}  // namespace ui
