#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "app/heatmap/heat_matrix.h"
#include "engine/engine.h"
#include "engine/trace/selection_trace.h"

namespace app {

/// Whose selections are added up.
enum class HeatPhase {
  kPrefill,
  kThinking,
  kAnswer,
  kGenerated,
  kThinkingOnly,  // what thinking selected and no token of the answer did: read, then let go
};

struct HeatScope {
  HeatPhase phase = HeatPhase::kGenerated;
  /// Only these: generated tokens, or prompt positions when phase is kPrefill (the question's, say).
  std::optional<engine::TokenRange> tokens;
  int layer = kAllLayers;
  bool without_sink = false;         // the first block, which nearly every query selects
  std::int64_t without_newest = 0;   // keys that close before the query
};

/// How often each key was selected by the queries of a scope.
///
/// share: of the (query, layer) pairs that could see it, 0..1. Of prompt positions when granularity is 1
/// (every token of the scope was recorded exactly), else of blocks of 64: then it is the share that
/// selected anything in the block, for kPrefill the share of selected pairs.
struct KeyHeat {
  int granularity = engine::kTraceBlock;
  std::vector<double> share;
  std::vector<std::uint16_t> n_layers;  // layers in which at least one query selected it
  std::int64_t n_queries = 0;           // queries of the scope that were recorded
  /// False: no query of the scope had to leave a key out, so nothing can be "not consulted".
  bool sparse = false;
};

/// The generated tokens of a scope that were recorded, half-open.
engine::TokenRange tokens_of(const engine::SelectionTrace& trace, const HeatScope& scope);

KeyHeat make_key_heat(const engine::SelectionTrace& trace, const HeatScope& scope);

}  // namespace app
