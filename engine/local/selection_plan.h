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
  std::vector<std::int64_t> mute_ranges;  // the same; disjoint from keep_ranges
  /// Keys made under one plan may be reused under another only when this is equal.
  std::string fingerprint;
  /// The prompt's tokens, those in keep_ranges with kKeptMark and those in mute_ranges with kMutedMark: what
  /// keys depend on besides the fingerprint.
  std::vector<TokenId> marked_prompt;
};

/// Added to a token that later queries always see. No vocabulary reaches that far.
constexpr TokenId kKeptMark = TokenId{1} << 30;
/// Added to a token that no later query sees.
constexpr TokenId kMutedMark = TokenId{1} << 29;

/// Prompts from this many tokens on are worth choosing blocks for: there a token costs half of what it costs
/// with dense attention (docs/performance.md); at half of it the two cost about the same.
constexpr std::int64_t kBlocksFrom = 8192;

/// Where the indexer is asked for and the model has none, blocks are chosen from kBlocksFrom tokens on, and
/// below every key is read. Ranges that are kept take at most half of the keys of a query; the last one, the
/// question, is kept in any case, of the others those that come first. What is pinned is kept beyond that.
/// Fails where what is pinned leaves no room for a choice, and where nothing can be muted because some layer
/// reads every key.
Result<SelectionPlan> plan_selection(const GenerationRequest& request, const ModelConfig& config);

}  // namespace engine
