#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/engine.h"
#include "engine/model/config.h"

namespace engine {

/// What a request's selection means for one model.
struct SelectionPlan {
  SelectionMode mode = SelectionMode::kIndexer;
  int top_k = 0;                        // keys per query, for kBlocks the whole budget; 0: all
  int keep_window = 0;
  std::vector<std::int64_t> keep_ranges;  // pairs of positions, ascending, disjoint
  /// Keys made under one plan may be reused under another only when this is equal.
  std::string fingerprint;
};

/// A model without an indexer runs dense when the indexer is asked for.
Result<SelectionPlan> plan_selection(const GenerationRequest& request, const ModelConfig& config);

}  // namespace engine
