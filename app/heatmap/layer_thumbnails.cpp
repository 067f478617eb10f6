#include "app/heatmap/layer_thumbnails.h"

#include <algorithm>

#include "app/heatmap/heat_pyramid.h"

namespace app {

namespace {

LayerThumbnails::One thumbnail(const HeatMatrix& matrix, int side) {
  LayerThumbnails::One one;
  if (matrix.values.empty()) return one;
  const HeatPyramid pyramid(matrix, Pooling::kMax);
  int level = 0;
  while (level + 1 < pyramid.n_levels() && std::max(pyramid.n_rows(level), pyramid.n_columns(level)) > side) ++level;
  one.n_rows = pyramid.n_rows(level);
  one.n_columns = pyramid.n_columns(level);
  for (std::int32_t row = 0; row < one.n_rows; ++row) {
    for (std::int32_t column = 0; column < one.n_columns; ++column) one.values.push_back(pyramid.at(level, row, column));
  }
  const auto n_filled = std::ranges::count_if(matrix.values, [](float value) { return value > 0; });
  one.filled = static_cast<double>(n_filled) / static_cast<double>(matrix.values.size());
  return one;
}

}  // namespace

LayerThumbnails layer_thumbnails(const engine::SelectionTrace& trace, const MatrixOptions& options, int side) {
  LayerThumbnails all;
  for (int layer = 0; layer < trace.n_layers; ++layer) {
    MatrixOptions one = options;
    one.layer = layer;
    if (options.rows == MapRows::kPrompt && !trace.computed(layer)) {
      all.layers.emplace_back().computed = false;
      continue;
    }
    const HeatMatrix matrix = make_matrix(trace, one);
    all.maximum = std::max(all.maximum, static_cast<double>(matrix.maximum));
    all.layers.push_back(thumbnail(matrix, side));
  }
  return all;
}

}  // namespace app
