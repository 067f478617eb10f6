#pragma once

#include <QPainter>
#include <QRectF>
#include <QString>

#include "app/heatmap/heat_palette.h"
#include "app/heatmap/page_heat.h"

/// Painting of heat over pages and beside code. The caller owns scrolling, zoom and the picture below.
namespace ui {

struct OverlayStyle {
  app::HeatScale scale = app::HeatScale::kCividis;
  app::Theme theme = app::Theme::kLight;  // of the page's own paper: pages are mostly light in both themes
  bool logarithmic = true;
  double opacity = 0.45;                  // words stay readable under it
};

/// Tints the words of a page. `page` is where the whole page lies in painter coordinates, `maximum` the
/// heaviest weight that the legend shows (the same for all pages of a view). Words in one line that
/// touch are joined; words of weight 0 get no colour. Paints nothing when the heat is not sparse.
void paint_page_heat(QPainter& painter, const QRectF& page, const app::PageHeat& heat, double maximum, const OverlayStyle& style);

/// A bar in the gutter beside one line of code: longer and stronger is more.
void paint_line_heat(QPainter& painter, const QRectF& gutter, double weight, double maximum, const OverlayStyle& style);

/// A hatch over a page that was in the prompt and not consulted.
void paint_not_consulted(QPainter& painter, const QRectF& page, const OverlayStyle& style);

/// What to write beside the page: that nothing was sparse, that it was not in the prompt, that it was not
/// consulted, or that it was read badly; empty when the colours say it all.
QString heat_note(const app::PageHeat& heat);

}  // namespace ui
