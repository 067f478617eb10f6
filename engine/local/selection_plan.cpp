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

/// Takes ranges away until half of `budget` is free for what the scores choose.
void leave_half(std::vector<std::int64_t>& ranges, std::int64_t budget) {
  if (ranges.size() < 4) return;
  const std::size_t last = ranges.size() - 2;
  std::int64_t n_left = budget / 2;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < last; i += 2) {
    const std::int64_t size = ranges[i + 1] - ranges[i];
    if (size > n_left) break;  // not only this one: what is kept must not depend on what follows
    n_left -= size;
    kept = i + 2;
  }
  ranges.erase(ranges.begin() + static_cast<std::ptrdiff_t>(kept), ranges.begin() + static_cast<std::ptrdiff_t>(last));
}

SelectionMode mode_for(const GenerationRequest& request, const ModelConfig& config) {
  const SelectionMode wanted = request.selection.mode;
  if (wanted != SelectionMode::kIndexer || config.has_indexer()) return wanted;
  return static_cast<std::int64_t>(request.prompt.size()) >= kBlocksFrom ? SelectionMode::kBlocks : SelectionMode::kDense;
}

}  // namespace

Result<SelectionPlan> plan_selection(const GenerationRequest& request, const ModelConfig& config) {
  const SelectionOptions& wanted = request.selection;
  if (wanted.top_k < 0 || wanted.top_k > kMaxTopK || wanted.window < 0) {
    return Error{ErrorCode::kInvalidInput, "The number of selected tokens must lie between 0 and 131072."};
  }
  SelectionPlan plan;
  plan.mode = mode_for(request, config);
  plan.marked_prompt = request.prompt;
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
    leave_half(plan.keep_ranges, plan.top_k);
    plan.fingerprint += " keep " + std::to_string(plan.keep_window);
  }
  for (std::size_t i = 0; i < plan.keep_ranges.size(); i += 2) {
    for (std::int64_t at = plan.keep_ranges[i]; at < plan.keep_ranges[i + 1]; ++at) plan.marked_prompt[static_cast<std::size_t>(at)] |= kKeptMark;
  }
  return plan;
}

}  // namespace engine
