#include "ui/theme/style.h"

#include <QAbstractButton>
#include <QAbstractItemView>
#include <QAbstractScrollArea>
#include <QAbstractSpinBox>
#include <QApplication>
#include <QComboBox>
#include <QDockWidget>
#include <QLineEdit>
#include <QMenu>
#include <QPainter>
#include <QPushButton>
#include <QScrollBar>
#include <QStyleOption>
#include <QTabBar>
#include <QToolButton>

#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

void round_rect(QPainter* painter, const QRectF& rect, const QColor& fill, const QColor& border, double radius,
                double width = 1.0) {
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

void draw_scroll_bar(const QStyleOptionSlider* slider, QPainter* painter, const QRect& handle) {
  const Tokens& t = tokens();
  if (slider->maximum <= slider->minimum) return;
  const bool active = slider->state & (QStyle::State_MouseOver | QStyle::State_Sunken);
  const QColor fill = mix(t.ink_soft, t.paper, active || t.high_contrast ? 0.75 : 0.35);
  const QRectF r = slider->orientation == Qt::Vertical ? QRectF(handle).adjusted(3, 2, -3, -2) : QRectF(handle).adjusted(2, 3, -2, -3);
  round_rect(painter, r, fill, {}, std::min(r.width(), r.height()) / 2);
}

}  // namespace

Style::Style() : QProxyStyle(QStringLiteral("fusion")) {}

void Style::polish(QWidget* widget) {
  QProxyStyle::polish(widget);
  if (qobject_cast<QAbstractButton*>(widget) || qobject_cast<QScrollBar*>(widget) || qobject_cast<QTabBar*>(widget) ||
      qobject_cast<QComboBox*>(widget)) {
    widget->setAttribute(Qt::WA_Hover);
  }
  // Rounded corners need room beside the text.
  if (auto* edit = qobject_cast<QLineEdit*>(widget); edit != nullptr && edit->hasFrame()) edit->setTextMargins(kTight + 2, 0, kTight, 0);
  if (auto* view = qobject_cast<QAbstractItemView*>(widget)) view->viewport()->setAttribute(Qt::WA_Hover);
}

void Style::drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter, const QWidget* widget) const {
  const Tokens& t = tokens();
  switch (element) {
    case PE_PanelButtonCommand:
      draw_button(option, painter, widget);
      return;
    case PE_PanelButtonTool: {
      const bool down = option->state & (State_Sunken | State_On);
      const bool hover = (option->state & State_MouseOver) && (option->state & State_Enabled);
      if (down) round_rect(painter, option->rect, t.pine_wash, {}, kChipRadius);
      else if (hover) round_rect(painter, option->rect, mix(t.ink, t.desk, 0.08), {}, kChipRadius);
      if (option->state & State_HasFocus) round_rect(painter, option->rect, {}, t.pine, kChipRadius, 2.0);
      return;
    }
    case PE_IndicatorCheckBox:
    case PE_IndicatorItemViewItemCheck:
      draw_check(option, painter);
      return;
    case PE_IndicatorRadioButton:
      draw_radio(option, painter);
      return;
    case PE_PanelItemViewRow:
    case PE_PanelItemViewItem:
      if (const auto* item = qstyleoption_cast<const QStyleOptionViewItem*>(option)) draw_row(item, painter);
      return;
    case PE_IndicatorBranch:
      if (option->state & State_Selected) painter->fillRect(option->rect, t.pine_wash);
      draw_branch(option, painter);
      return;
    case PE_PanelLineEdit:
      if (const auto* frame = qstyleoption_cast<const QStyleOptionFrame*>(option); frame != nullptr && frame->lineWidth == 0) {
        painter->fillRect(option->rect, option->palette.brush(QPalette::Base));
        return;
      }
      [[fallthrough]];
    case PE_FrameLineEdit: {
      const bool focus = option->state & State_HasFocus;
      const QColor border = focus ? t.pine : mix(t.ink_soft, t.paper, t.high_contrast ? 1.0 : 0.35);
      round_rect(painter, option->rect, t.paper, border, kRadius, focus ? 2.0 : 1.0);
      return;
    }
    case PE_Frame:
    case PE_FrameGroupBox: {
      const bool focus = (option->state & State_HasFocus) && qobject_cast<const QAbstractItemView*>(widget) == nullptr;
      round_rect(painter, option->rect, {}, focus ? t.pine : t.line, element == PE_FrameGroupBox ? kRadius : 0);
      return;
    }
    case PE_FrameFocusRect:
      round_rect(painter, option->rect, {}, t.pine, kChipRadius, 1.5);
      return;
    case PE_FrameDockWidget:
      painter->fillRect(QRect(option->rect.left(), option->rect.top(), option->rect.width(), 1), t.line);
      return;
    case PE_PanelMenu:
    case PE_FrameMenu:
      painter->fillRect(option->rect, t.paper);
      painter->setPen(t.line);
      painter->drawRect(option->rect.adjusted(0, 0, -1, -1));
      return;
    case PE_PanelTipLabel:
      painter->fillRect(option->rect, option->palette.color(QPalette::ToolTipBase));
      return;
    case PE_PanelStatusBar:
    case PE_FrameStatusBarItem:
    case PE_FrameTabBarBase:
    case PE_IndicatorDockWidgetResizeHandle:
    case PE_PanelMenuBar:
      return;
    default:
      QProxyStyle::drawPrimitive(element, option, painter, widget);
  }
}

void Style::drawControl(ControlElement element, const QStyleOption* option, QPainter* painter, const QWidget* widget) const {
  const Tokens& t = tokens();
  switch (element) {
    case CE_DockWidgetTitle:
      draw_dock_title(option, painter);
      return;
    case CE_TabBarTabShape:
      if (const auto* tab = qstyleoption_cast<const QStyleOptionTab*>(option)) draw_tab(tab, painter);
      return;
    case CE_TabBarTabLabel:
      if (const auto* tab = qstyleoption_cast<const QStyleOptionTab*>(option)) {
        QStyleOptionTab copy = *tab;
        copy.state &= ~State_HasFocus;
        const QColor ink = (tab->state & State_Selected) ? t.ink : t.ink_soft;
        copy.palette.setColor(QPalette::WindowText, ink);
        copy.palette.setColor(QPalette::ButtonText, ink);
        QProxyStyle::drawControl(element, &copy, painter, widget);
      }
      return;
    case CE_MenuItem:
      if (const auto* item = qstyleoption_cast<const QStyleOptionMenuItem*>(option)) draw_menu_item(item, painter);
      return;
    case CE_MenuBarEmptyArea:
      painter->fillRect(option->rect, t.desk);
      return;
    case CE_MenuBarItem:
      if (const auto* item = qstyleoption_cast<const QStyleOptionMenuItem*>(option)) {
        painter->fillRect(item->rect, t.desk);
        if (item->state & (State_Selected | State_Sunken)) round_rect(painter, QRectF(item->rect).adjusted(0, 3, 0, -3), t.pine_wash, {}, kChipRadius);
        painter->setPen(t.ink);
        painter->drawText(item->rect, Qt::AlignCenter | Qt::TextShowMnemonic, item->text);
      }
      return;
    case CE_ItemViewItem:
      // A selected row is only tinted, so its text stays as it is.
      if (const auto* item = qstyleoption_cast<const QStyleOptionViewItem*>(option)) {
        QStyleOptionViewItem copy = *item;
        copy.palette.setBrush(QPalette::HighlightedText, copy.palette.brush(QPalette::Text));
        QProxyStyle::drawControl(element, &copy, painter, widget);
      }
      return;
    case CE_HeaderSection:
      if (const auto* header = qstyleoption_cast<const QStyleOptionHeader*>(option)) draw_header(header, painter);
      return;
    case CE_Splitter:
      painter->fillRect(option->rect, t.desk);
      return;
    case CE_ToolBar:
      painter->fillRect(option->rect, t.desk);
      return;
    case CE_ProgressBarGroove:
      round_rect(painter, option->rect, t.line, {}, 2);
      return;
    case CE_PushButtonLabel:
      if (const auto* button = qstyleoption_cast<const QStyleOptionButton*>(option); button != nullptr && widget != nullptr && widget->property("primary").toBool()) {
        QStyleOptionButton copy = *button;
        if (copy.state & State_Enabled) copy.palette.setColor(QPalette::ButtonText, t.on_pine);
        QProxyStyle::drawControl(element, &copy, painter, widget);
        return;
      }
      QProxyStyle::drawControl(element, option, painter, widget);
      return;
    default:
      QProxyStyle::drawControl(element, option, painter, widget);
  }
}

void Style::drawComplexControl(ComplexControl control, const QStyleOptionComplex* option, QPainter* painter,
                               const QWidget* widget) const {
  const Tokens& t = tokens();
  if (control == CC_ScrollBar) {
    if (const auto* slider = qstyleoption_cast<const QStyleOptionSlider*>(option)) {
      painter->fillRect(option->rect, option->palette.color(QPalette::Base));
      draw_scroll_bar(slider, painter, subControlRect(control, option, SC_ScrollBarSlider, widget));
    }
    return;
  }
  if (control == CC_Slider) {
    if (const auto* slider = qstyleoption_cast<const QStyleOptionSlider*>(option)) {
      draw_slider(slider, painter, QProxyStyle::subControlRect(control, option, SC_SliderHandle, widget));
      return;
    }
  }
  if (control == CC_ComboBox) {
    if (const auto* combo = qstyleoption_cast<const QStyleOptionComboBox*>(option); combo != nullptr && !combo->editable) {
      draw_button(option, painter, nullptr);
      const QPixmap arrow = icon_pixmap(QStringLiteral("chevron-down"), t.ink_soft, 12, painter->device()->devicePixelRatioF());
      painter->drawPixmap(option->rect.right() - 20, option->rect.center().y() - 5, arrow);
      return;
    }
  }
  if (control == CC_SpinBox) {
    if (const auto* spin = qstyleoption_cast<const QStyleOptionSpinBox*>(option)) {
      draw_spin_box(spin, painter, subControlRect(control, option, SC_SpinBoxUp, widget), subControlRect(control, option, SC_SpinBoxDown, widget));
      return;
    }
  }
  if (control == CC_ToolButton) {
    // A button that only opens a menu needs no arrow squeezed into its corner.
    if (const auto* button = qstyleoption_cast<const QStyleOptionToolButton*>(option); button != nullptr && !(button->features & QStyleOptionToolButton::MenuButtonPopup)) {
      QStyleOptionToolButton copy = *button;
      copy.features &= ~QStyleOptionToolButton::HasMenu;
      QProxyStyle::drawComplexControl(control, &copy, painter, widget);
      return;
    }
  }
  QProxyStyle::drawComplexControl(control, option, painter, widget);
}

int Style::pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const {
  switch (metric) {
    case PM_ScrollBarExtent: return 12;
    case PM_ScrollBarSliderMin: return 32;
    case PM_ScrollView_ScrollBarSpacing: return 0;
    case PM_DefaultFrameWidth: return 1;
    case PM_DockWidgetSeparatorExtent: return 5;
    case PM_DockWidgetTitleMargin: return 6;
    case PM_DockWidgetFrameWidth: return 0;
    case PM_SplitterWidth: return 5;
    case PM_SmallIconSize: return 16;
    case PM_ToolBarIconSize: return 16;
    case PM_ButtonIconSize: return 16;
    case PM_IndicatorWidth:
    case PM_IndicatorHeight: return 16;
    case PM_MenuVMargin: return 4;
    case PM_MenuHMargin: return 0;
    case PM_TreeViewIndentation: return 16;
    case PM_ToolBarItemSpacing: return 4;
    case PM_ToolBarItemMargin: return 4;
    case PM_ButtonShiftHorizontal:
    case PM_ButtonShiftVertical: return 0;
    case PM_LayoutLeftMargin:
    case PM_LayoutRightMargin:
    case PM_LayoutTopMargin:
    case PM_LayoutBottomMargin: return kGrid;
    case PM_LayoutHorizontalSpacing:
    case PM_LayoutVerticalSpacing: return kGrid;
    case PM_TabBarBaseHeight:
    case PM_TabBarBaseOverlap: return 0;
    default: return QProxyStyle::pixelMetric(metric, option, widget);
  }
}

int Style::styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget, QStyleHintReturn* data) const {
  switch (hint) {
    case SH_ItemView_ShowDecorationSelected: return 1;
    case SH_EtchDisabledText: return 0;
    case SH_DitherDisabledText: return 0;
    case SH_ScrollBar_Transient: return 0;
    case SH_Menu_SubMenuPopupDelay: return 120;
    default: return QProxyStyle::styleHint(hint, option, widget, data);
  }
}

QSize Style::sizeFromContents(ContentsType type, const QStyleOption* option, const QSize& size, const QWidget* widget) const {
  QSize result = QProxyStyle::sizeFromContents(type, option, size, widget);
  switch (type) {
    case CT_PushButton:
    case CT_ComboBox:
    case CT_LineEdit:
    case CT_SpinBox:
      result.setHeight(std::max(result.height(), 30));
      if (type == CT_PushButton) result.rwidth() += kGrid;
      if (type == CT_ComboBox) result.rwidth() += kGrid;
      break;
    case CT_ItemViewItem: result.setHeight(std::max(result.height(), kRowHeight)); break;
    case CT_MenuBarItem: result.setHeight(kRowHeight); break;
    case CT_MenuItem:
      if (const auto* item = qstyleoption_cast<const QStyleOptionMenuItem*>(option)) {
        const bool separator = item->menuItemType == QStyleOptionMenuItem::Separator;
        result.setHeight(separator ? 9 : kRowHeight);
        result.rwidth() += 48;
      }
      break;
    case CT_TabBarTab: result += QSize(kGrid, 0); result.setHeight(kRowHeight + 2); break;
    case CT_ToolButton: result.setHeight(std::max(result.height(), 26)); break;
    default: break;
  }
  return result;
}

QRect Style::subControlRect(ComplexControl control, const QStyleOptionComplex* option, SubControl part, const QWidget* widget) const {
  if (control == CC_ScrollBar) {
    const auto* slider = qstyleoption_cast<const QStyleOptionSlider*>(option);
    if (slider == nullptr) return QProxyStyle::subControlRect(control, option, part, widget);
    // No arrow buttons: the groove is the whole bar.
    const bool vertical = slider->orientation == Qt::Vertical;
    const int length = vertical ? option->rect.height() : option->rect.width();
    const qint64 range = qint64(slider->maximum) - slider->minimum;
    int handle = range > 0 ? static_cast<int>(qint64(length) * slider->pageStep / (range + slider->pageStep)) : length;
    handle = std::clamp(handle, std::min(32, length), length);
    const int start = sliderPositionFromValue(slider->minimum, slider->maximum, slider->sliderPosition, length - handle, slider->upsideDown);
    const auto along = [&](int from, int extent) {
      return vertical ? QRect(0, from, option->rect.width(), extent) : QRect(from, 0, extent, option->rect.height());
    };
    switch (part) {
      case SC_ScrollBarGroove: return along(0, length);
      case SC_ScrollBarSlider: return along(start, handle);
      case SC_ScrollBarSubPage: return along(0, start);
      case SC_ScrollBarAddPage: return along(start + handle, length - start - handle);
      default: return {};
    }
  }
  QRect rect = QProxyStyle::subControlRect(control, option, part, widget);
  if (control == CC_SpinBox && part == SC_SpinBoxEditField) rect.adjust(kTight + 2, 1, 0, -1);
  return rect;
}

QIcon Style::standardIcon(StandardPixmap which, const QStyleOption* option, const QWidget* widget) const {
  switch (which) {
    case SP_TitleBarCloseButton:
    case SP_LineEditClearButton:
    case SP_DockWidgetCloseButton: return icon(QStringLiteral("close"));
    case SP_TitleBarNormalButton: return icon(QStringLiteral("float"));
    case SP_ToolBarHorizontalExtensionButton: return icon(QStringLiteral("chevron-right"));
    default: return QProxyStyle::standardIcon(which, option, widget);
  }
}

}  // namespace ui
