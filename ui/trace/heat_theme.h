#pragma once

#include <QColor>
#include <QPalette>

#include "app/heatmap/heat_palette.h"

namespace ui {

inline QColor to_color(app::Rgb rgb) { return QColor(rgb.red, rgb.green, rgb.blue); }

/// The theme that a widget's palette stands for: its paper is light or dark.
inline app::Theme theme_of(const QPalette& palette) {
  return palette.color(QPalette::Base).lightnessF() < 0.5 ? app::Theme::kDark : app::Theme::kLight;
}

}  // namespace ui
