#pragma once

#include <QCache>
#include <QElapsedTimer>
#include <QImage>
#include <QPainter>
#include <QRectF>
#include <memory>
#include <vector>

#include "app/heatmap/heat_palette.h"
#include "ui/trace/map_picture.h"

namespace ui {

/// How values become colours.
struct HeatStyle {
  app::HeatScale scale = app::HeatScale::kCividis;
  app::Theme theme = app::Theme::kLight;
  bool logarithmic = true;
  friend bool operator==(const HeatStyle&, const HeatStyle&) = default;
};

/// Paints any part of a MapPicture from tiles of 256 x 256 cells. Only tiles that were seen lately are
/// kept (64 MiB). A paint call makes new tiles for a few milliseconds at most and shows a coarser level
/// where one is still missing, so that panning stays even.
class MapTiles {
 public:
  MapTiles();
  void set_picture(std::shared_ptr<const MapPicture> picture);
  void set_style(const HeatStyle& style);

  /// Paints cells `cells` (in columns and rows of the matrix) into `target`. True when everything is
  /// there; false: call again to get the rest.
  bool paint(QPainter& painter, const QRectF& target, const QRectF& cells);

 private:
  enum class Missing { kMake, kSkip };
  void paint_level(QPainter& painter, const QRectF& target, const QRectF& cells, int level, Missing missing,
                   const QElapsedTimer& clock, bool& complete);
  const QImage* tile(int level, int row, int column, bool make);
  QImage make_tile(int level, int row, int column) const;
  QRgb color(float value) const;

  std::shared_ptr<const MapPicture> picture_;
  HeatStyle style_;
  std::vector<QRgb> colors_;  // of even steps of the scale
  QRgb paper_ = 0;
  QRgb future_ = 0;
  QCache<quint64, QImage> tiles_;  // cost in KiB
};

}  // namespace ui
