#include "app/heatmap/measures.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "app/heatmap/source_heat.h"

namespace app {

using engine::kTraceBlock;

namespace {

constexpr std::int64_t kLocalTokens = 256;

bool wants(const HeatScope& scope, int layer) { return scope.layer == kAllLayers || scope.layer == layer; }

/// Counts selections by distance; bins double in width after the second.
class DistanceCounter {
 public:
  void add(std::int64_t query, std::int64_t block, double amount) {
    const std::int64_t distance = std::max<std::int64_t>(0, query - (block * kTraceBlock + kTraceBlock - 1));
    const auto bin = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(distance / kTraceBlock)));
    if (amounts_.size() <= bin) amounts_.resize(bin + 1, 0.0);
    amounts_[bin] += amount;
    total_ += amount;
    if (block == 0) {
      sink_ += amount;
    } else if (distance < kLocalTokens) {
      local_ += amount;
    }
  }

  DistanceProfile profile() const {
    DistanceProfile profile;
    for (std::size_t bin = 0; bin < amounts_.size(); ++bin) {
      const std::int64_t first = bin == 0 ? 0 : std::int64_t{kTraceBlock} << (bin - 1);
      profile.bins.push_back({first, std::int64_t{kTraceBlock} << bin, total_ > 0 ? amounts_[bin] / total_ : 0.0});
    }
    if (total_ > 0) {
      profile.sink = sink_ / total_;
      profile.local = local_ / total_;
      profile.distant = 1.0 - profile.sink - profile.local;
    }
    return profile;
  }

 private:
  std::vector<double> amounts_;
  double total_ = 0, sink_ = 0, local_ = 0;
};

struct Overlap {
  std::int64_t both = 0, left = 0, right = 0;  // blocks
};

Overlap overlap_of(const engine::BlockSet& left, const engine::BlockSet& right) {
  Overlap overlap;
  for (std::size_t word = 0; word < std::max(left.words.size(), right.words.size()); ++word) {
    const std::uint64_t x = word < left.words.size() ? left.words[word] : 0;
    const std::uint64_t y = word < right.words.size() ? right.words[word] : 0;
    overlap.both += std::popcount(x & y);
    overlap.left += std::popcount(x);
    overlap.right += std::popcount(y);
  }
  return overlap;
}

/// Two empty sets are alike.
double share_of(std::int64_t part, std::int64_t whole) { return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 1.0; }

void count_prefill(const engine::SelectionTrace& trace, const HeatScope& scope, DistanceCounter& counter) {
  for (int layer = 0; layer < static_cast<int>(trace.prefill.size()); ++layer) {
    if (!wants(scope, layer)) continue;
    const engine::PrefillCounts& prefill = trace.prefill[static_cast<std::size_t>(layer)];
    for (std::int64_t row = 0; row < prefill.n_query_blocks; ++row) {
      const std::int64_t first = row * prefill.query_block;
      if (scope.tokens && (first >= scope.tokens->end || first + prefill.query_block <= scope.tokens->begin)) continue;
      const auto counts = prefill.row(row);
      for (std::size_t block = 0; block < counts.size(); ++block) {
        if (counts[block] > 0) counter.add(first + prefill.query_block / 2, static_cast<std::int64_t>(block), counts[block]);
      }
    }
  }
}

}  // namespace

DistanceProfile distance_profile(const engine::SelectionTrace& trace, const HeatScope& scope) {
  DistanceCounter counter;
  if (scope.phase == HeatPhase::kPrefill) {
    count_prefill(trace, scope, counter);
    return counter.profile();
  }
  const engine::TokenRange tokens = tokens_of(trace, scope);
  for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
    for (int layer = 0; layer < trace.n_layers; ++layer) {
      if (!wants(scope, layer)) continue;
      trace.selected(token, layer).for_each([&](std::int64_t block) { counter.add(trace.n_prompt_tokens - 1 + token, block, 1.0); });
    }
  }
  return counter.profile();
}

HeatMatrix layer_matrix(const engine::SelectionTrace& trace, const HeatScope& scope) {
  HeatMatrix matrix;
  matrix.rows = MapRows::kGenerated;
  matrix.n_rows = trace.n_layers;
  const bool prefill = scope.phase == HeatPhase::kPrefill;
  matrix.n_columns = static_cast<std::int32_t>(engine::trace_blocks(trace.n_prompt_tokens + (prefill ? 0 : trace.n_generated)));
  matrix.values.assign(static_cast<std::size_t>(matrix.n_rows) * static_cast<std::size_t>(matrix.n_columns), 0.0f);
  const engine::TokenRange tokens = prefill ? engine::TokenRange{} : tokens_of(trace, scope);
  matrix.n_queries = tokens.end - tokens.begin;
  const float one = 1.0f / static_cast<float>(std::max<std::int64_t>(1, matrix.n_queries));
  for (int layer = 0; layer < trace.n_layers; ++layer) {
    float* row = matrix.values.data() + static_cast<std::ptrdiff_t>(layer) * matrix.n_columns;
    if (prefill) {
      HeatScope one_layer = scope;
      one_layer.layer = layer;
      const KeyHeat heat = make_key_heat(trace, one_layer);
      for (std::size_t block = 0; block < heat.share.size(); ++block) row[block] = static_cast<float>(heat.share[block]);
    }
    for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
      trace.selected(token, layer).for_each([&](std::int64_t block) {
        if (block < matrix.n_columns) row[block] += one;
      });
    }
  }
  for (const float value : matrix.values) matrix.maximum = std::max(matrix.maximum, value);
  return matrix;
}

LayerAgreement layer_agreement(const engine::SelectionTrace& trace, const HeatScope& scope) {
  LayerAgreement agreement;
  const int n = trace.n_layers;
  agreement.n_layers = n;
  const auto n_cells = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  std::vector<double> jaccard(n_cells, 0.0);
  std::vector<double> kept(n_cells, 0.0);
  const engine::TokenRange tokens = tokens_of(trace, scope);
  for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
    for (int a = 0; a < n; ++a) {
      const engine::BlockSet& left = trace.selected(token, a);
      for (int b = a; b < n; ++b) {
        const Overlap overlap = overlap_of(left, trace.selected(token, b));
        const auto ab = static_cast<std::size_t>(a * n + b), ba = static_cast<std::size_t>(b * n + a);
        jaccard[ab] += share_of(overlap.both, overlap.left + overlap.right - overlap.both);
        kept[ab] += share_of(overlap.both, overlap.left);
        if (a != b) kept[ba] += share_of(overlap.both, overlap.right);
      }
    }
  }
  const double n_tokens = std::max<double>(1.0, static_cast<double>(tokens.end - tokens.begin));
  agreement.jaccard.resize(n_cells);
  agreement.kept.resize(n_cells);
  for (int a = 0; a < n; ++a) {
    for (int b = 0; b < n; ++b) {
      const auto cell = static_cast<std::size_t>(a * n + b);
      agreement.jaccard[cell] = static_cast<float>(jaccard[static_cast<std::size_t>(std::min(a, b) * n + std::max(a, b))] / n_tokens);
      agreement.kept[cell] = static_cast<float>(kept[cell] / n_tokens);
    }
  }
  return agreement;
}

Result<HeatMatrix> difference_matrix(const HeatMatrix& first, const HeatMatrix& second) {
  if (first.rows != second.rows || first.row_unit != second.row_unit || first.n_rows != second.n_rows || first.n_columns != second.n_columns) {
    return Error{ErrorCode::kInvalidInput, "These two runs do not have the same prompt and length, so their maps cannot be subtracted; compare them by source instead."};
  }
  HeatMatrix difference = second;
  difference.is_difference = true;
  difference.first_recorded_row = std::max(first.first_recorded_row, second.first_recorded_row);
  difference.n_reused_rows = std::min(first.n_reused_rows, second.n_reused_rows);
  difference.maximum = 0;
  for (std::size_t i = 0; i < difference.values.size(); ++i) {
    difference.values[i] -= first.values[i];
    difference.maximum = std::max(difference.maximum, std::abs(difference.values[i]));
  }
  return difference;
}

Result<RunSimilarity> run_similarity(const engine::SelectionTrace& first, const engine::SelectionTrace& second) {
  if (first.n_layers != second.n_layers || first.n_prompt_tokens != second.n_prompt_tokens) {
    return Error{ErrorCode::kInvalidInput, "These two runs do not have the same layers and prompt, so their selections cannot be compared; ask the same question in both."};
  }
  RunSimilarity similarity;
  const std::int64_t first_token = std::max(first.first_recorded, second.first_recorded), end_token = std::min(first.n_generated, second.n_generated);
  for (int layer = 0; layer < first.n_layers; ++layer) {
    double shared = 0, either = 0;
    const auto at = static_cast<std::size_t>(layer);
    if (first.computed(layer) && second.computed(layer) && at < first.prefill.size() && at < second.prefill.size()) {
      const auto &a = first.prefill[at].counts, &b = second.prefill[at].counts;
      for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
        shared += std::min(a[i], b[i]);
        either += std::max(a[i], b[i]);
      }
    }
    similarity.prompt.push_back(either > 0 ? shared / either : -1);
    double sum = 0;
    for (std::int64_t token = first_token; token < end_token; ++token) {
      const Overlap overlap = overlap_of(first.selected(token, layer), second.selected(token, layer));
      sum += share_of(overlap.both, overlap.left + overlap.right - overlap.both);
    }
    similarity.answer.push_back(end_token > first_token ? sum / static_cast<double>(end_token - first_token) : -1);
  }
  return similarity;
}

std::vector<PartDifference> part_differences(const RunTrace& first, const RunTrace& second, const HeatScope& scope) {
  std::vector<PartDifference> differences;
  std::map<PartId, std::size_t> known;
  for (const PartHeat& part : part_heat(make_key_heat(*first.trace, scope), first.map)) {
    known[part.part] = differences.size();
    differences.push_back({part.part, part.document, part.weight, -1});
  }
  for (const PartHeat& part : part_heat(make_key_heat(*second.trace, scope), second.map)) {
    const auto [at, is_new] = known.try_emplace(part.part, differences.size());
    if (is_new) differences.push_back({part.part, part.document, -1, 0});
    differences[at->second].second = part.weight;
  }
  const auto change = [](const PartDifference& a) { return std::abs(std::max(0.0, a.second) - std::max(0.0, a.first)); };
  std::stable_sort(differences.begin(), differences.end(), [&](const PartDifference& a, const PartDifference& b) { return change(a) > change(b); });
  return differences;
}

}  // namespace app
