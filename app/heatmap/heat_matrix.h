#pragma once

#include <cstdint>
#include <vector>

#include "engine/trace/selection_trace.h"

namespace app {

/// What stands on the rows of the map: rows of prompt queries, or one generated token each.
enum class MapRows { kPrompt, kGenerated };

/// How the layers become one number.
enum class LayerMix { kMean, kMax, kAny };

constexpr int kAllLayers = -1;

struct MatrixOptions {
  MapRows rows = MapRows::kPrompt;
  int layer = kAllLayers;              // or one layer, then `mix` has no say
  LayerMix mix = LayerMix::kMean;
  /// Keys that nearly every query selects say little: the first block (sink) and the newest tokens.
  bool without_sink = false;
  std::int64_t without_newest = 0;     // tokens before the query; 0: keep all
};

/// Selections as a picture has them: rows of queries by blocks of 64 keys.
///
/// kPrompt: the share (0..1) of the visible query-key pairs of the cell that were selected.
/// kGenerated: 1 where the token selected anything in the block, over layers the mean, maximum or any.
struct HeatMatrix {
  MapRows rows = MapRows::kPrompt;
  std::int64_t first_position = 0;     // sequence position of the first query of row 0
  std::int64_t n_queries = 0;
  std::int32_t row_unit = 1;           // queries per row
  std::int32_t n_rows = 0;
  std::int32_t n_columns = 0;
  std::int32_t first_recorded_row = 0; // rows before it were not recorded: no statement, not "zero"
  std::int32_t n_reused_rows = 0;      // kPrompt: rows before it come from the earlier run of the cached prefix
  /// False: the layer that was asked for was passed over while the prompt was read; its values say nothing.
  bool computed = true;
  bool is_difference = false;          // values in -1..1: the second run minus the first
  float maximum = 0;                   // of the absolute values
  std::vector<float> values;           // [n_rows][n_columns]

  float at(std::int32_t row, std::int32_t column) const {
    return values[static_cast<std::size_t>(row) * static_cast<std::size_t>(n_columns) + static_cast<std::size_t>(column)];
  }
  /// False for rows of a cached prefix that nobody recorded and of tokens that fell out of the budget.
  bool recorded(std::int32_t row) const { return row < n_reused_rows || row >= first_recorded_row; }
};

/// At most n_rows * n_columns * 4 bytes: 16 MiB for 131 072 prompt tokens. Any thread.
HeatMatrix make_matrix(const engine::SelectionTrace& trace, const MatrixOptions& options);

/// How many of the visible pairs (query, key <= query) lie in queries first..end and keys of `block`.
std::int64_t visible_pairs(std::int64_t first_query, std::int64_t end_query, std::int64_t block);

}  // namespace app
