#include "ui/theme/style_draw.h"

#include <QAbstractSpinBox>
#include <QPainter>
#include <QStyleOption>
#include <QTabBar>

#include <algorithm>

#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {

void round_rect(QPainter* painter, const QRectF& rect, const QColor& fill, const QColor& border, double radius, double width) {
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setBrush(fill.isValid() ? QBrush(fill) : QBrush(Qt::NoBrush));  // an invalid colour would be black
  painter->setPen(border.isValid() ? QPen(border, width) : QPen(Qt::NoPen));
  const double inset = border.isValid() ? width / 2 : 0.0;
  painter->drawRoundedRect(rect.adjusted(inset, inset, -inset, -inset), radius, radius);
  painter->restore();
}

void draw_button(const QStyleOption* option, QPainter* painter, const QWidget* widget) {
  const Tokens& t = tokens();
  const bool primary = widget != nullptr && widget->property("primary").toBool();
  const bool enabled = option->state & QStyle::State_Enabled;
  const bool down = option->state & (QStyle::State_Sunken | QStyle::State_On);
  const bool hover = enabled && (option->state & QStyle::State_MouseOver);
  QColor fill = primary ? t.pine : t.paper;
  if (!enabled) fill = mix(t.line, t.desk, 0.4);
  if (enabled && down) fill = mix(primary ? t.ink : t.pine, fill, primary ? 0.25 : 0.16);
  if (hover && !down) fill = mix(primary ? t.paper : t.ink, fill, primary ? 0.12 : 0.05);
  const bool focus = option->state & QStyle::State_HasFocus;
  QColor border = primary ? fill : mix(t.ink_soft, t.paper, t.high_contrast ? 1.0 : 0.35);
  if (!enabled) border = t.line;
  if (focus) border = primary ? t.ink : t.pine;
  round_rect(painter, option->rect, fill, border, kRadius, focus ? 2.0 : 1.0);
}

void draw_check(const QStyleOption* option, QPainter* painter) {
  const Tokens& t = tokens();
  const int size = std::min({option->rect.width(), option->rect.height(), 16});
  QRectF box(0, 0, size, size);
  box.moveCenter(QRectF(option->rect).center());
  const bool enabled = option->state & QStyle::State_Enabled;
  const bool on = option->state & QStyle::State_On;
  const bool partly = option->state & QStyle::State_NoChange;
  const QColor accent = enabled ? t.pine : t.ink_soft;
  const QColor border = on || partly ? accent : mix(t.ink_soft, t.paper, t.high_contrast ? 1.0 : 0.6);
  round_rect(painter, box, on ? accent : t.paper, border, kChipRadius, (option->state & QStyle::State_HasFocus) ? 2.0 : 1.25);
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing);
  painter->setPen(QPen(on ? t.on_pine : accent, 1.75, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  const auto at = [&box](double x, double y) { return QPointF(box.left() + box.width() * x, box.top() + box.height() * y); };
  if (on) painter->drawPolyline(QPolygonF({at(0.25, 0.53), at(0.43, 0.70), at(0.76, 0.32)}));
  if (partly) painter->drawLine(at(0.28, 0.5), at(0.72, 0.5));
  painter->restore();
}

void draw_radio(const QStyleOption* option, QPainter* painter) {
  const Tokens& t = tokens();
  QRectF box(0, 0, 16, 16);
  box.moveCenter(QRectF(option->rect).center());
  const bool on = option->state & QStyle::State_On;
  round_rect(painter, box, t.paper, on ? t.pine : mix(t.ink_soft, t.paper, 0.6), 8, on ? 4.5 : 1.25);
}

void draw_row(const QStyleOptionViewItem* option, QPainter* painter) {
  const Tokens& t = tokens();
  QColor fill;
  if (option->state & QStyle::State_Selected) fill = t.pine_wash;
  else if (option->state & QStyle::State_MouseOver) fill = mix(t.ink, t.paper, 0.04);
  if (fill.isValid()) painter->fillRect(option->rect, fill);
}

void draw_branch(const QStyleOption* option, QPainter* painter) {
  if (!(option->state & QStyle::State_Children)) return;
  const bool open = option->state & QStyle::State_Open;
  const double ratio = painter->device()->devicePixelRatioF();
  const QPixmap picture = icon_pixmap(open ? QStringLiteral("chevron-down") : QStringLiteral("chevron-right"), tokens().ink_soft, 12, ratio);
  painter->drawPixmap(option->rect.center() - QPoint(5, 5), picture);
}

void draw_dock_title(const QStyleOption* option, QPainter* painter) {
  const auto* dock = qstyleoption_cast<const QStyleOptionDockWidget*>(option);
  if (dock == nullptr) return;
  const Tokens& t = tokens();
  painter->fillRect(option->rect, t.desk);
  painter->setFont(strong(small_font()));
  painter->setPen(t.ink_soft);
  const QRect text = option->rect.adjusted(kGroupGap, 0, -56, 0);
  painter->drawText(text, Qt::AlignVCenter | Qt::AlignLeft, painter->fontMetrics().elidedText(dock->title, Qt::ElideRight, text.width()));
}

void draw_tab(const QStyleOptionTab* tab, QPainter* painter) {
  const Tokens& t = tokens();
  const bool selected = tab->state & QStyle::State_Selected;
  painter->fillRect(tab->rect, t.desk);
  if (!selected && (tab->state & QStyle::State_MouseOver)) {
    round_rect(painter, QRectF(tab->rect).adjusted(2, 2, -2, -4), mix(t.ink, t.desk, 0.06), {}, kChipRadius);
  }
  const bool at_bottom = tab->shape == QTabBar::RoundedSouth || tab->shape == QTabBar::TriangularSouth;
  const QRect r = tab->rect;
  if (selected) painter->fillRect(QRect(r.left() + kGrid, at_bottom ? r.top() : r.bottom() - 1, r.width() - 2 * kGrid, 2), t.pine);
  if (tab->state & QStyle::State_HasFocus) round_rect(painter, QRectF(r).adjusted(2, 3, -2, -3), {}, t.pine, kChipRadius, 1.5);
}

void draw_menu_item(const QStyleOptionMenuItem* item, QPainter* painter) {
  const Tokens& t = tokens();
  const QRect r = item->rect;
  if (item->menuItemType == QStyleOptionMenuItem::Separator) {
    painter->fillRect(QRect(r.left() + kGrid, r.center().y(), r.width() - 2 * kGrid, 1), t.line);
    return;
  }
  const bool enabled = item->state & QStyle::State_Enabled;
  if ((item->state & QStyle::State_Selected) && enabled) round_rect(painter, QRectF(r).adjusted(4, 0, -4, 0), t.pine_wash, {}, kChipRadius);
  const QColor ink = enabled ? t.ink : mix(t.ink_soft, t.paper, 0.6);
  const double ratio = painter->device()->devicePixelRatioF();
  if (item->checkType != QStyleOptionMenuItem::NotCheckable && item->checked) {
    painter->drawPixmap(r.left() + 10, r.center().y() - 7, icon_pixmap(QStringLiteral("check"), t.pine, 16, ratio));
  } else if (!item->icon.isNull()) {
    item->icon.paint(painter, QRect(r.left() + 10, r.center().y() - 7, 16, 16), Qt::AlignCenter, enabled ? QIcon::Normal : QIcon::Disabled);
  }
  painter->setPen(ink);
  painter->setFont(item->font);
  const QStringList parts = item->text.split(QLatin1Char('\t'));
  const QRect text = r.adjusted(34, 0, -20, 0);
  painter->drawText(text, Qt::AlignVCenter | Qt::TextShowMnemonic | Qt::TextSingleLine, parts.value(0));
  if (parts.size() > 1) {
    painter->setPen(t.ink_soft);
    painter->drawText(text, Qt::AlignVCenter | Qt::AlignRight | Qt::TextSingleLine, parts.value(1));
  }
  if (item->menuItemType == QStyleOptionMenuItem::SubMenu) {
    painter->drawPixmap(r.right() - 20, r.center().y() - 5, icon_pixmap(QStringLiteral("chevron-right"), t.ink_soft, 12, ratio));
  }
}

void draw_header(const QStyleOptionHeader* header, QPainter* painter) {
  const Tokens& t = tokens();
  painter->fillRect(header->rect, t.paper);
  painter->fillRect(QRect(header->rect.left(), header->rect.bottom(), header->rect.width(), 1), t.line);
}

void draw_slider(const QStyleOptionSlider* slider, QPainter* painter, const QRect& handle) {
  const Tokens& t = tokens();
  const bool level = slider->orientation == Qt::Horizontal;
  const QRectF all = slider->rect;
  const QPointF middle = QRectF(handle).center();
  const QRectF groove = level ? QRectF(all.left() + 6, middle.y() - 1.5, all.width() - 12, 3) : QRectF(middle.x() - 1.5, all.top() + 6, 3, all.height() - 12);
  const bool enabled = slider->state & QStyle::State_Enabled;
  round_rect(painter, groove, mix(t.ink_soft, t.desk, 0.35), {}, 1.5);
  QRectF done = groove;
  level ? done.setRight(middle.x()) : done.setTop(middle.y());
  const QColor accent = enabled ? t.pine : t.ink_soft;
  round_rect(painter, done, accent, {}, 1.5);
  const double radius = (slider->state & QStyle::State_HasFocus) ? 8 : 6.5;
  round_rect(painter, QRectF(middle.x() - radius, middle.y() - radius, 2 * radius, 2 * radius), t.paper, accent, radius, 2);
}

void draw_spin_box(const QStyleOptionSpinBox* spin, QPainter* painter, const QRect& up, const QRect& down) {
  const Tokens& t = tokens();
  const bool enabled = spin->state & QStyle::State_Enabled;
  const bool focus = (spin->state & QStyle::State_HasFocus) && enabled;
  round_rect(painter, spin->rect, enabled ? t.paper : t.desk, focus ? t.pine : mix(t.ink_soft, t.paper, t.high_contrast ? 1.0 : 0.35), kRadius, focus ? 2.0 : 1.0);
  const double ratio = painter->device()->devicePixelRatioF();
  const auto arrow = [&](const QRect& place, const QString& name, bool possible, bool pressed) {
    const QColor color = !enabled || !possible ? mix(t.ink_soft, t.paper, 0.4) : pressed ? t.pine : t.ink_soft;
    painter->drawPixmap(place.center() - QPoint(4, 4), icon_pixmap(name, color, 10, ratio));
  };
  const bool sunken = spin->state & QStyle::State_Sunken;
  arrow(up, QStringLiteral("up"), spin->stepEnabled & QAbstractSpinBox::StepUpEnabled, sunken && spin->activeSubControls == QStyle::SC_SpinBoxUp);
  arrow(down, QStringLiteral("down"), spin->stepEnabled & QAbstractSpinBox::StepDownEnabled, sunken && spin->activeSubControls == QStyle::SC_SpinBoxDown);
}

void draw_separator(const QStyleOption* option, QPainter* painter) {
  const QRect r = option->rect;
  const bool upright = r.height() > r.width();
  painter->fillRect(upright ? QRect(r.center().x(), r.top(), 1, r.height()) : QRect(r.left(), r.center().y(), r.width(), 1), tokens().line);
}

void draw_scroll_bar(const QStyleOptionSlider* slider, QPainter* painter, const QRect& handle) {
  const Tokens& t = tokens();
  if (slider->maximum <= slider->minimum) return;
  const bool active = slider->state & (QStyle::State_MouseOver | QStyle::State_Sunken);
  const QColor fill = mix(t.ink_soft, t.paper, active || t.high_contrast ? 0.75 : 0.35);
  const QRectF r = slider->orientation == Qt::Vertical ? QRectF(handle).adjusted(3, 2, -3, -2) : QRectF(handle).adjusted(2, 3, -2, -3);
  round_rect(painter, r, fill, {}, std::min(r.width(), r.height()) / 2);
}

}  // namespace ui
