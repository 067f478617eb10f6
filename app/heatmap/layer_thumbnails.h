#pragma once

#include <cstdint>
#include <vector>

#include "app/heatmap/heat_matrix.h"

namespace app {

/// The map of every layer, small enough to stand side by side, on one scale.
struct LayerThumbnails {
  struct One {
    std::int32_t n_rows = 0;
    std::int32_t n_columns = 0;
    std::vector<float> values;   // [n_rows][n_columns], the strongest cell that each stands for
    double filled = 0;           // share of the map's cells in which anything was selected
    bool computed = true;        // false: see PrefillCounts::computed
  };
  std::vector<One> layers;
  double maximum = 0;
};

/// At most `side` cells high and wide. `options.layer` and `mix` have no say.
LayerThumbnails layer_thumbnails(const engine::SelectionTrace& trace, const MatrixOptions& options, int side);

}  // namespace app
