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
#include "ui/theme/style_draw.h"
#include "ui/theme/tokens.h"

namespace ui {
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
        // A spin box has drawn its own ground.
        if (widget == nullptr || qobject_cast<const QAbstractSpinBox*>(widget->parentWidget()) == nullptr) painter->fillRect(option->rect, option->palette.brush(QPalette::Base));
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
    case PE_PanelMenuBar:
      return;
    case PE_IndicatorDockWidgetResizeHandle:
      if (t.high_contrast) draw_separator(option, painter);
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
      if (t.high_contrast) draw_separator(option, painter);
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
    case PM_FocusFrameHMargin: return 6;  // beside the text of a row
    case PM_HeaderMargin: return 7;
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

QRect Style::subElementRect(SubElement element, const QStyleOption* option, const QWidget* widget) const {
  // The focus of a row is the row's, not its text's.
  if (element == SE_ItemViewItemFocusRect && option != nullptr) return option->rect.adjusted(1, 1, -1, -1);
  return QProxyStyle::subElementRect(element, option, widget);
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
