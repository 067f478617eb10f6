#pragma once

#include <QRectF>

class QColor;
class QPainter;
class QRect;
class QStyleOption;
class QStyleOptionHeader;
class QStyleOptionMenuItem;
class QStyleOptionSlider;
class QStyleOptionSpinBox;
class QStyleOptionTab;
class QStyleOptionViewItem;
class QWidget;

/// How Style's parts look: each paints one of them in the tokens of the theme in force.
namespace ui {

void round_rect(QPainter* painter, const QRectF& rect, const QColor& fill, const QColor& border, double radius,
                double width = 1.0);
void draw_button(const QStyleOption* option, QPainter* painter, const QWidget* widget);
void draw_check(const QStyleOption* option, QPainter* painter);
void draw_radio(const QStyleOption* option, QPainter* painter);
void draw_row(const QStyleOptionViewItem* option, QPainter* painter);
void draw_branch(const QStyleOption* option, QPainter* painter);
void draw_dock_title(const QStyleOption* option, QPainter* painter);
void draw_tab(const QStyleOptionTab* tab, QPainter* painter);
void draw_menu_item(const QStyleOptionMenuItem* item, QPainter* painter);
void draw_header(const QStyleOptionHeader* header, QPainter* painter);
void draw_slider(const QStyleOptionSlider* slider, QPainter* painter, const QRect& handle);
void draw_spin_box(const QStyleOptionSpinBox* spin, QPainter* painter, const QRect& up, const QRect& down);
/// Between panels of one colour.
void draw_separator(const QStyleOption* option, QPainter* painter);
void draw_scroll_bar(const QStyleOptionSlider* slider, QPainter* painter, const QRect& handle);

}  // namespace ui
