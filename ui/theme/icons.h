#pragma once

#include <QColor>
#include <QIcon>
#include <QPixmap>
#include <QString>

namespace ui {

/// An icon of our set (resources/icons/NAME.svg), tinted with the text colours of the theme in force
/// and drawn sharp at every scale. It follows a change of theme by itself.
QIcon icon(const QString& name);

/// One picture of it in a colour of one's own, for painting. `size` in device-independent pixels.
QPixmap icon_pixmap(const QString& name, const QColor& color, int size, double device_pixel_ratio);

}  // namespace ui
