#include "ui/trace/map_tiles.h"

#include <algorithm>
#include <cmath>

#include "ui/trace/heat_theme.h"

namespace ui {

namespace {

constexpr int kTileCells = 256;
constexpr int kCacheKib = 64 * 1024;
constexpr qint64 kPaintBudgetMs = 6;  // of a frame's 16
constexpr int kColorSteps = 1024;

QRgb to_rgb(app::Rgb color) { return qRgb(color.red, color.green, color.blue); }

quint64 key_of(int level, int row, int column) {
  return (static_cast<quint64>(level) << 48) | (static_cast<quint64>(row) << 24) | static_cast<quint64>(column);
}

}  // namespace

MapTiles::MapTiles() : tiles_(kCacheKib) { set_style({}); }

void MapTiles::set_picture(std::shared_ptr<const MapPicture> picture) {
  picture_ = std::move(picture);
  tiles_.clear();
}

void MapTiles::set_style(const HeatStyle& style) {
  style_ = style;
  colors_.resize(kColorSteps + 1);
  for (int i = 0; i <= kColorSteps; ++i) {
    colors_[static_cast<std::size_t>(i)] =
        to_rgb(app::heat_color(static_cast<double>(i) / kColorSteps, style.scale, style.theme));
  }
  paper_ = to_rgb(app::paper_color(style.theme));
  future_ = style.theme == app::Theme::kLight ? qRgb(0xF1, 0xEF, 0xEA) : qRgb(0x10, 0x12, 0x14);
  tiles_.clear();
}

QRgb MapTiles::color(float value) const {
  const app::HeatMatrix& matrix = picture_->matrix;
  if (matrix.is_difference) {
    if (value == 0 || matrix.maximum <= 0) return paper_;
    const double strength = app::heat_position(std::abs(value), matrix.maximum, style_.logarithmic);
    return to_rgb(app::difference_color(std::copysign(std::max(0.06, strength), value), style_.theme));
  }
  if (!(value > 0)) return paper_;
  const double position = app::heat_position(value, picture_->matrix.maximum, style_.logarithmic);
  return colors_[static_cast<std::size_t>(std::lround(position * kColorSteps))];
}

QImage MapTiles::make_tile(int level, int row, int column) const {
  const app::HeatPyramid& pyramid = picture_->pyramid;
  const app::HeatMatrix& matrix = picture_->matrix;
  const int n_rows = std::min(kTileCells, pyramid.n_rows(level) - row * kTileCells);
  const int n_columns = std::min(kTileCells, pyramid.n_columns(level) - column * kTileCells);
  QImage image(n_columns, n_rows, QImage::Format_RGB32);
  for (int y = 0; y < n_rows; ++y) {
    auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
    const std::int32_t cell_row = row * kTileCells + y;
    // The last query of this row of cells: what lies behind it is the future, which nobody can select.
    const std::int64_t last_query = matrix.first_position + ((std::int64_t{cell_row} + 1) << level) * matrix.row_unit - 1;
    for (int x = 0; x < n_columns; ++x) {
      const std::int32_t cell_column = column * kTileCells + x;
      const std::int64_t first_key = (std::int64_t{cell_column} << level) * engine::kTraceBlock;
      line[x] = first_key > last_query ? future_ : color(pyramid.at(level, cell_row, cell_column));
    }
  }
  return image;
}

const QImage* MapTiles::tile(int level, int row, int column, bool make) {
  const quint64 key = key_of(level, row, column);
  if (const QImage* found = tiles_.object(key)) return found;
  if (!make) return nullptr;
  auto image = std::make_unique<QImage>(make_tile(level, row, column));
  const int cost = std::max<int>(1, static_cast<int>(image->sizeInBytes() / 1024));
  tiles_.insert(key, image.release(), cost);
  return tiles_.object(key);
}

void MapTiles::paint_level(QPainter& painter, const QRectF& target, const QRectF& cells, int level, Missing missing,
                           const QElapsedTimer& clock, bool& complete) {
  const app::HeatPyramid& pyramid = picture_->pyramid;
  const double tile_cells = static_cast<double>(kTileCells) * (1 << level);
  const auto last_row = (pyramid.n_rows(level) - 1) / kTileCells;
  const auto last_column = (pyramid.n_columns(level) - 1) / kTileCells;
  const int row_begin = std::clamp(static_cast<int>(std::floor(cells.top() / tile_cells)), 0, last_row);
  const int row_end = std::clamp(static_cast<int>(std::floor(cells.bottom() / tile_cells)), 0, last_row);
  const int column_begin = std::clamp(static_cast<int>(std::floor(cells.left() / tile_cells)), 0, last_column);
  const int column_end = std::clamp(static_cast<int>(std::floor(cells.right() / tile_cells)), 0, last_column);
  const double x_scale = target.width() / cells.width();
  const double y_scale = target.height() / cells.height();
  for (int row = row_begin; row <= row_end; ++row) {
    for (int column = column_begin; column <= column_end; ++column) {
      const bool may_make = missing == Missing::kMake && clock.elapsed() < kPaintBudgetMs;
      const QImage* image = tile(level, row, column, may_make);
      if (image == nullptr) {
        complete = false;
        continue;
      }
      const double left = column * tile_cells;
      const double top = row * tile_cells;
      const QRectF place(target.left() + (left - cells.left()) * x_scale, target.top() + (top - cells.top()) * y_scale,
                         image->width() * (1 << level) * x_scale, image->height() * (1 << level) * y_scale);
      painter.drawImage(place, *image);
    }
  }
}

bool MapTiles::paint(QPainter& painter, const QRectF& target, const QRectF& cells) {
  if (picture_ == nullptr || picture_->matrix.n_rows == 0 || picture_->matrix.n_columns == 0 || cells.isEmpty()) return true;
  // One cell is at least one pixel in the finer direction: no cell is ever skipped.
  const double device = painter.device()->devicePixelRatioF();
  const double cells_per_pixel =
      std::max(1e-6, std::min(cells.width() / target.width(), cells.height() / target.height()) / device);
  int level = 0;
  while (level + 1 < picture_->pyramid.n_levels() && (1 << level) < cells_per_pixel) ++level;
  QElapsedTimer clock;
  clock.start();
  painter.save();
  painter.setClipRect(target);
  bool complete = true;
  paint_level(painter, target, cells, level, Missing::kMake, clock, complete);
  if (!complete) {
    // Out of time: the level that fits one tile stands in, and what is there goes on top of it.
    int coarse = level;
    while (coarse + 1 < picture_->pyramid.n_levels() &&
           std::max(picture_->pyramid.n_rows(coarse), picture_->pyramid.n_columns(coarse)) > kTileCells) {
      ++coarse;
    }
    QElapsedTimer grace;
    grace.start();
    bool ignored = true;
    paint_level(painter, target, cells, coarse, Missing::kMake, grace, ignored);
    paint_level(painter, target, cells, level, Missing::kSkip, clock, ignored);
  }
  painter.restore();
  return complete;
}

}  // namespace ui
