#include "app/heatmap/heat_matrix.h"

#include <algorithm>

namespace app {

using engine::kTraceBlock;
using engine::SelectionTrace;

namespace {

/// Columns [begin, end) that count for a row whose first query stands at `position`.
struct Columns {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

Columns kept_columns(const MatrixOptions& options, std::int64_t position, std::int64_t n_columns) {
  Columns columns{options.without_sink ? 1 : 0, n_columns};
  if (options.without_newest > 0) {
    columns.end = std::clamp<std::int64_t>((position - options.without_newest + 1) / kTraceBlock, 0, n_columns);
  }
  return columns;
}

void mix_into(float& value, float layer_value, LayerMix mix) {
  if (mix == LayerMix::kMean) value += layer_value;
  if (mix == LayerMix::kMax) value = std::max(value, layer_value);
  if (mix == LayerMix::kAny && layer_value > 0) value = 1;
}

void add_prompt_layer(const engine::PrefillCounts& prefill, std::int64_t n_tokens, const MatrixOptions& options,
                      LayerMix mix, HeatMatrix& matrix) {
  for (std::int64_t row = 0; row < prefill.n_query_blocks; ++row) {
    const std::int64_t first = row * prefill.query_block;
    const std::int64_t end = std::min<std::int64_t>(first + prefill.query_block, n_tokens);
    const auto counts = prefill.row(row);
    const Columns kept = kept_columns(options, first, static_cast<std::int64_t>(counts.size()));
    float* values = matrix.values.data() + row * matrix.n_columns;
    const float whole = 1.0f / static_cast<float>((end - first) * kTraceBlock);
    for (std::int64_t column = kept.begin; column < kept.end; ++column) {
      const std::uint16_t count = counts[static_cast<std::size_t>(column)];
      if (count == 0) continue;
      const bool all_visible = (column + 1) * kTraceBlock <= first + 1;
      const float share = all_visible ? whole : 1.0f / static_cast<float>(visible_pairs(first, end, column));
      mix_into(values[column], std::min(1.0f, static_cast<float>(count) * share), mix);
    }
  }
}

void add_generated_layer(const SelectionTrace& trace, int layer, const MatrixOptions& options, LayerMix mix,
                         HeatMatrix& matrix) {
  for (std::int64_t token = trace.first_recorded; token < trace.n_generated; ++token) {
    const engine::BlockSet& set = trace.selected(token, layer);
    const Columns kept = kept_columns(options, matrix.first_position + token, matrix.n_columns);
    float* values = matrix.values.data() + token * matrix.n_columns;
    set.for_each([&](std::int64_t column) {
      if (column >= kept.begin && column < kept.end) mix_into(values[column], 1.0f, mix);
    });
  }
}

}  // namespace

std::int64_t visible_pairs(std::int64_t first_query, std::int64_t end_query, std::int64_t block) {
  const std::int64_t first_key = block * kTraceBlock;
  // Queries that see the whole block, then those in front of its end that see a part of it.
  const std::int64_t whole_from = std::clamp(first_key + kTraceBlock - 1, first_query, end_query);
  const std::int64_t part_from = std::clamp(first_key, first_query, whole_from);
  const std::int64_t n_part = whole_from - part_from;
  const std::int64_t smallest = part_from - first_key + 1;
  return (end_query - whole_from) * kTraceBlock + n_part * (2 * smallest + n_part - 1) / 2;
}

HeatMatrix make_matrix(const SelectionTrace& trace, const MatrixOptions& options) {
  HeatMatrix matrix;
  matrix.rows = options.rows;
  const bool prompt = options.rows == MapRows::kPrompt;
  if (prompt && !trace.prefill.empty()) {
    const engine::PrefillCounts& prefill = trace.prefill.front();
    matrix.row_unit = prefill.query_block;
    matrix.n_rows = prefill.n_query_blocks;
    matrix.n_columns = prefill.n_key_blocks;
    matrix.n_queries = trace.n_prompt_tokens;
    matrix.n_reused_rows = static_cast<std::int32_t>(trace.n_reused_tokens / prefill.query_block);
    matrix.first_recorded_row = static_cast<std::int32_t>(trace.n_cached_tokens / prefill.query_block);
  } else if (!prompt) {
    matrix.first_position = std::max<std::int64_t>(trace.n_prompt_tokens - 1, 0);
    matrix.n_rows = static_cast<std::int32_t>(trace.n_generated);
    matrix.n_columns = static_cast<std::int32_t>(engine::trace_blocks(trace.n_prompt_tokens + trace.n_generated));
    matrix.n_queries = trace.n_generated;
    matrix.first_recorded_row = static_cast<std::int32_t>(trace.first_recorded);
  }
  matrix.values.assign(static_cast<std::size_t>(matrix.n_rows) * static_cast<std::size_t>(matrix.n_columns), 0.0f);
  const bool one = options.layer >= 0 && options.layer < trace.n_layers;
  const int first_layer = one ? options.layer : 0;
  const int end_layer = one ? options.layer + 1 : trace.n_layers;
  const LayerMix mix = one ? LayerMix::kMax : options.mix;
  int n_mixed = 0;
  for (int layer = first_layer; layer < end_layer && matrix.n_rows > 0; ++layer) {
    if (prompt && !trace.computed(layer)) continue;
    ++n_mixed;
    if (prompt) {
      add_prompt_layer(trace.prefill[static_cast<std::size_t>(layer)], trace.n_prompt_tokens, options, mix, matrix);
    } else {
      add_generated_layer(trace, layer, options, mix, matrix);
    }
  }
  const float scale = mix == LayerMix::kMean ? 1.0f / static_cast<float>(std::max(1, n_mixed)) : 1.0f;
  matrix.computed = n_mixed > 0 || matrix.n_rows == 0;
  for (float& value : matrix.values) {
    value *= scale;
    matrix.maximum = std::max(matrix.maximum, value);
  }
  return matrix;
}

}  // namespace app
