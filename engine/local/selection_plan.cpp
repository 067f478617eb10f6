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

/// `ranges` without the positions of `holes`; both ascending and disjoint.
std::vector<std::int64_t> without(const std::vector<std::int64_t>& ranges, const std::vector<std::int64_t>& holes) {
  std::vector<std::int64_t> left;
  for (std::size_t i = 0; i < ranges.size(); i += 2) {
    std::int64_t begin = ranges[i];
    for (std::size_t hole = 0; hole < holes.size() && begin < ranges[i + 1]; hole += 2) {
      if (holes[hole + 1] <= begin || holes[hole] >= ranges[i + 1]) continue;
      if (holes[hole] > begin) left.insert(left.end(), {begin, holes[hole]});
      begin = holes[hole + 1];
    }
    if (begin < ranges[i + 1]) left.insert(left.end(), {begin, ranges[i + 1]});
  }
  return left;
}

std::int64_t length_of(const std::vector<std::int64_t>& ranges) {
  std::int64_t n = 0;
  for (std::size_t i = 0; i < ranges.size(); i += 2) n += ranges[i + 1] - ranges[i];
  return n;
}

void mark(const std::vector<std::int64_t>& ranges, TokenId with, std::vector<TokenId>& prompt) {
  for (std::size_t i = 0; i < ranges.size(); i += 2) {
    for (std::int64_t at = ranges[i]; at < ranges[i + 1]; ++at) prompt[static_cast<std::size_t>(at)] |= with;
  }
}

/// Adds what the request pins and mutes.
Result<void> add_ablation(const GenerationRequest& request, const ModelConfig& config, SelectionPlan& plan) {
  const auto n_prompt = static_cast<std::int64_t>(request.prompt.size());
  plan.mute_ranges = merged(request.selection.muted, n_prompt);
  const std::vector<std::int64_t> pinned = without(merged(request.selection.pinned, n_prompt), plan.mute_ranges);
  if (pinned.empty() && plan.mute_ranges.empty()) return {};
  if (plan.mode == SelectionMode::kDense) {
    return Error{ErrorCode::kUnsupported, "Passages can be pinned or muted only where keys are selected; choose the selection by indexer or by blocks."};
  }
  if (length_of(pinned) >= plan.top_k) {
    return Error{ErrorCode::kInvalidInput, "The pinned passages have " + std::to_string(length_of(pinned)) + " tokens and a query selects " +
                                               std::to_string(plan.top_k) + "; pin fewer, or select more."};
  }
  const bool reads_all = std::any_of(config.indexers.begin(), config.indexers.end(), [](IndexerKind kind) { return kind == IndexerKind::kNone; });
  if (!plan.mute_ranges.empty() && plan.mode == SelectionMode::kIndexer && reads_all) {
    return Error{ErrorCode::kUnsupported, "Some layers of this model read every token, so no passage can be muted; choose the selection by blocks."};
  }
  std::vector<TokenRange> kept;
  for (std::size_t i = 0; i < plan.keep_ranges.size(); i += 2) kept.push_back({plan.keep_ranges[i], plan.keep_ranges[i + 1]});
  for (std::size_t i = 0; i < pinned.size(); i += 2) kept.push_back({pinned[i], pinned[i + 1]});
  plan.keep_ranges = without(merged(std::move(kept), n_prompt), plan.mute_ranges);
  mark(plan.mute_ranges, kMutedMark, plan.marked_prompt);
  return {};
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
    TRY(add_ablation(request, config, plan));
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
  TRY(add_ablation(request, config, plan));
  mark(plan.keep_ranges, kKeptMark, plan.marked_prompt);
  return plan;
}

}  // namespace engine
