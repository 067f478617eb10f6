#pragma once

#include <cstdint>
#include <vector>

#include "app/heatmap/heat_matrix.h"

namespace app {

enum class Pooling { kMean, kMax };

/// One level: each cell covers 2^level by 2^level cells of the matrix (fewer at the edges).
struct PyramidLevel {
  std::int32_t n_rows = 0;
  std::int32_t n_columns = 0;
  std::vector<float> values;
};

/// A matrix at every coarser resolution down to one cell, pooled by mean or by maximum, so that a
/// picture of any size reads about as many cells as it has pixels. The matrix itself is level 0 and
/// stays outside (borrowed). Memory: a third of the matrix.
class HeatPyramid {
 public:
  HeatPyramid(const HeatMatrix& matrix, Pooling pooling);
  int n_levels() const { return static_cast<int>(levels_.size()) + 1; }
  std::int32_t n_rows(int level) const { return level == 0 ? matrix_->n_rows : levels_[index(level)].n_rows; }
  std::int32_t n_columns(int level) const { return level == 0 ? matrix_->n_columns : levels_[index(level)].n_columns; }
  float at(int level, std::int32_t row, std::int32_t column) const {
    if (level == 0) return matrix_->at(row, column);
    const PyramidLevel& cells = levels_[index(level)];
    return cells.values[static_cast<std::size_t>(row) * static_cast<std::size_t>(cells.n_columns) + static_cast<std::size_t>(column)];
  }

 private:
  static std::size_t index(int level) { return static_cast<std::size_t>(level) - 1; }

  const HeatMatrix* matrix_;
  std::vector<PyramidLevel> levels_;
};

}  // namespace app
