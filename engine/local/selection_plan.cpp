#include "engine/local/selection_plan.h"

#include <algorithm>

namespace engine {
namespace {

constexpr int kMaxTopK = 1 << 17;
constexpr int kBlockBudget = 2048;  // keys per query where neither the request nor the model says

/// Ascending and disjoint, inside [0, n).
std::vector<std::int64_t> merged(std::vector<TokenRange> ranges, std::int64_t n) {
  std::sort(ranges.begin(), ranges.end(), [](const TokenRange& a, const TokenRange& b) { return a.begin < b.begin; });
  std::vector<std::int64_t> flat;
  for (const TokenRange& range : ranges) {
    const std::int64_t begin = std::max<std::int64_t>(range.begin, flat.empty() ? 0 : flat.back());
    const std::int64_t end = std::min(range.end, n);
    if (begin >= end) continue;
    if (!flat.empty() && flat.back() == begin) {
      flat.back() = end;
    } else {
      flat.insert(flat.end(), {begin, end});
    }
  }
  return flat;
}

}  // namespace

Result<SelectionPlan> plan_selection(const GenerationRequest& request, const ModelConfig& config) {
  const SelectionOptions& wanted = request.selection;
  if (wanted.top_k < 0 || wanted.top_k > kMaxTopK || wanted.window < 0) {
    return Error{ErrorCode::kInvalidInput, "The number of selected tokens must lie between 0 and 131072."};
  }
  SelectionPlan plan;
  plan.mode = wanted.mode == SelectionMode::kIndexer && !config.has_indexer() ? SelectionMode::kDense : wanted.mode;
  if (plan.mode == SelectionMode::kDense) {
    plan.fingerprint = "dense";
    return plan;
  }
  const bool is_blocks = plan.mode == SelectionMode::kBlocks;
  const int usual = config.has_indexer() ? config.indexer.top_k : kBlockBudget;
  plan.top_k = wanted.top_k > 0 ? wanted.top_k : usual;
  plan.fingerprint = (is_blocks ? "blocks " : "indexer ") + std::to_string(plan.top_k);
  if (wanted.keep || is_blocks) {
    plan.keep_window = wanted.window;
    plan.keep_ranges = merged(request.anchors, static_cast<std::int64_t>(request.prompt.size()));
    plan.fingerprint += " keep " + std::to_string(plan.keep_window);
    for (const std::int64_t position : plan.keep_ranges) plan.fingerprint += " " + std::to_string(position);
  }
  return plan;
}

}  // namespace engine
