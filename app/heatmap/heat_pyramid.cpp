#include "app/heatmap/heat_pyramid.h"

#include <cmath>
#include <utility>

namespace app {

namespace {

/// The value farther from zero: differences keep their sign.
float stronger(float a, float b) { return std::abs(a) >= std::abs(b) ? a : b; }

PyramidLevel halve(const float* values, std::int32_t n_rows, std::int32_t n_columns, Pooling pooling) {
  PyramidLevel level;
  level.n_rows = (n_rows + 1) / 2;
  level.n_columns = (n_columns + 1) / 2;
  level.values.resize(static_cast<std::size_t>(level.n_rows) * static_cast<std::size_t>(level.n_columns));
  float* out = level.values.data();
  for (std::int32_t row = 0; row < level.n_rows; ++row) {
    const float* upper = values + static_cast<std::ptrdiff_t>(2 * row) * n_columns;
    // At an odd edge the cell is pooled with itself.
    const float* lower = 2 * row + 1 < n_rows ? upper + n_columns : upper;
    for (std::int32_t column = 0; column < level.n_columns; ++column) {
      const std::int32_t left = 2 * column;
      const std::int32_t right = left + 1 < n_columns ? left + 1 : left;
      *out++ = pooling == Pooling::kMax
                   ? stronger(stronger(upper[left], upper[right]), stronger(lower[left], lower[right]))
                   : 0.25f * (upper[left] + upper[right] + lower[left] + lower[right]);
    }
  }
  return level;
}

}  // namespace

HeatPyramid::HeatPyramid(const HeatMatrix& matrix, Pooling pooling) : matrix_(&matrix) {
  const float* values = matrix.values.data();
  std::int32_t n_rows = matrix.n_rows;
  std::int32_t n_columns = matrix.n_columns;
  while (n_rows > 1 || n_columns > 1) {
    levels_.push_back(halve(values, n_rows, n_columns, pooling));
    const PyramidLevel& last = levels_.back();
    values = last.values.data();
    n_rows = last.n_rows;
    n_columns = last.n_columns;
  }
}

}  // namespace app
