#pragma once

#include <QAbstractButton>
#include <QAbstractSpinBox>
#include <QComboBox>
#include <QLineEdit>
#include <QStringList>
#include <QWidget>

/// Walks the controls of a window as somebody without a mouse or a screen meets them.
namespace support {

inline QString spoken_name(const QWidget* widget) {
  const auto* button = qobject_cast<const QAbstractButton*>(widget);
  return !widget->accessibleName().isEmpty() ? widget->accessibleName() : button != nullptr ? button->text() : QString();
}

/// Controls that a screen reader has no name for; `n_controls` counts all that were looked at.
inline QStringList nameless_controls(const QWidget& window, int& n_controls) {
  QStringList nameless;
  n_controls = 0;
  for (const QWidget* widget : window.findChildren<QWidget*>()) {
    const QString type = QString::fromLatin1(widget->metaObject()->className());
    const bool control = qobject_cast<const QAbstractButton*>(widget) || qobject_cast<const QLineEdit*>(widget) ||
                         qobject_cast<const QComboBox*>(widget) || (widget->focusPolicy() & Qt::TabFocus);
    // Qt's own small parts: title bar buttons of docks, the field inside a spin box, scroll areas' frames.
    const bool inner = widget->objectName().startsWith("qt_") || type == "QDockWidgetTitleButton" || type == "QDockWidget" || type == "QScrollBar" ||
                       type == "QLineEditIconButton" || type == "QTableCornerButton" || type == "QComboBoxListView" || type == "QHeaderView" ||
                       type == "QTabBar" ||
                       (widget->focusPolicy() == Qt::NoFocus && widget->parentWidget() && qobject_cast<const QAbstractButton*>(widget) == nullptr);
    if (!control || inner) continue;
    ++n_controls;
    if (spoken_name(widget).isEmpty()) nameless << type + " in " + QString::fromLatin1(widget->parentWidget()->metaObject()->className());
  }
  return nameless;
}

}  // namespace support
