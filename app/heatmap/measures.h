#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/heatmap/key_heat.h"
#include "app/heatmap/run_trace.h"

namespace app {

/// Selections at distances [first, end) tokens before the query.
struct DistanceBin {
  std::int64_t first = 0;
  std::int64_t end = 0;
  double share = 0;  // of all selections of the scope
};

/// Where selections lie relative to their query: the first block, the newest 256 tokens, the rest.
struct DistanceProfile {
  std::vector<DistanceBin> bins;  // 0-63, 64-127, then doubling
  double sink = 0;                // share in the first block
  double local = 0;               // share within the newest 256 tokens
  double distant = 0;             // what is left
};

/// kPrefill weighs by selected pairs, the others by selected blocks.
DistanceProfile distance_profile(const engine::SelectionTrace& trace, const HeatScope& scope);

/// Every layer at a glance: rows are layers, columns blocks of 64 keys. Generated tokens: the share of the
/// scope's tokens that selected anything in the block; kPrefill: the share of visible pairs.
HeatMatrix layer_matrix(const engine::SelectionTrace& trace, const HeatScope& scope);

/// How alike the layers select, over the generated tokens of a scope.
struct LayerAgreement {
  int n_layers = 0;
  std::vector<float> jaccard;  // [n_layers][n_layers], shared blocks over all blocks of both
  /// [n_layers][n_layers]: of what layer `row` selected, the share it would still have if it reused the
  /// selection of layer `column`.
  std::vector<float> kept;
  float at(int row, int column) const { return jaccard[static_cast<std::size_t>(row * n_layers + column)]; }
  float kept_at(int row, int column) const { return kept[static_cast<std::size_t>(row * n_layers + column)]; }
};

LayerAgreement layer_agreement(const engine::SelectionTrace& trace, const HeatScope& scope);

/// Second minus first, cell by cell. Fails when the two maps do not show the same queries and keys: use
/// part_differences for runs over different prompts.
Result<HeatMatrix> difference_matrix(const HeatMatrix& first, const HeatMatrix& second);

/// How alike two runs over prompts of the same length select, per layer: 1 the same, 0 nothing shared, -1
/// not recorded in both. For comparing builds, kernels or quantisations of one model.
struct RunSimilarity {
  std::vector<double> prompt;  // selected pairs that both counts share, over those that either has
  std::vector<double> answer;  // mean Jaccard of the blocks that the same generated token selected
};
Result<RunSimilarity> run_similarity(const engine::SelectionTrace& first, const engine::SelectionTrace& second);

/// A part that either run had in its prompt.
struct PartDifference {
  PartId part = 0;
  DocumentId document = 0;
  double first = 0;    // weights; negative: it was not in that prompt
  double second = 0;
};

/// Largest change first.
std::vector<PartDifference> part_differences(const RunTrace& first, const RunTrace& second, const HeatScope& scope);

}  // namespace app
