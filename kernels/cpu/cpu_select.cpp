#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "kernels/cpu/cpu_storage.h"
#include "kernels/reference/key_selection.h"

namespace kernels::cpu {
namespace {

constexpr std::int64_t kScoreTile = 1024;   // keys scored before they are looked at: 4 KB, stays in L1
constexpr std::int64_t kSplitKeys = 16384;  // keys of one task

/// The best k of a stream of scores. Keeps candidates above a threshold that only rises; exact.
class BestKeys {
 public:
  explicit BestKeys(std::int64_t k) : k_(static_cast<std::size_t>(k)) {
    candidates_.reserve(4 * k_ + kScoreTile);
  }

  void clear() {
    candidates_.clear();
    threshold_ = 0;
    lowest_ = -std::numeric_limits<float>::infinity();
  }

  void add(const float* scores, std::int64_t first_position, std::int64_t n) {
    for (std::int64_t j = 0; j < n; ++j) {
      if (scores[j] < lowest_) continue;  // NaN is not less: it goes on and gets the rank of -infinity
      add_rank(selection_rank(scores[j], static_cast<std::int32_t>(first_position + j)));
    }
    if (candidates_.size() >= 4 * k_) prune();
  }
  void add_rank(std::uint64_t rank) {
    if (rank > threshold_) candidates_.push_back(rank);
  }

  /// The best min(k, candidates) ranks, in no order.
  const std::vector<std::uint64_t>& take() {
    if (candidates_.size() > k_) prune();
    return candidates_;
  }

 private:
  void prune() {
    const auto kth = candidates_.begin() + static_cast<std::ptrdiff_t>(k_) - 1;
    std::nth_element(candidates_.begin(), kth, candidates_.end(), std::greater<>());
    threshold_ = *kth;
    lowest_ = score_of(threshold_);
    candidates_.resize(k_);
  }
  static float score_of(std::uint64_t rank) {
    const auto ordered = static_cast<std::uint32_t>(rank >> 32);
    return std::bit_cast<float>((ordered & 0x80000000u) ? ordered & 0x7fffffffu : ~ordered);
  }

  std::size_t k_;
  std::uint64_t threshold_ = 0;  // ranks up to here cannot be among the best
  float lowest_ = -std::numeric_limits<float>::infinity();
  std::vector<std::uint64_t> candidates_;
};

/// Queries of one layer, ready for the tile kernel: for each query [n_heads][dim] in blocks of rows.
class Scorer {
 public:
  Scorer(const Cpu& cpu, const TensorView& queries, const TensorView& head_weights,
         const PanelKeyCache& cache)
      : cpu_(cpu),
        cache_(cache),
        n_heads_(queries.shape[1]),
        dim_(queries.shape[2]),
        queries_(queries.as<const float>()),
        head_weights_(head_weights.as<const float>()),
        packed_(static_cast<std::size_t>(n_heads_ * dim_)) {}

  void set_query(std::int64_t t) {
    t_ = t;
    const int block = cpu_.kernels.rows;
    float* out = packed_.data();
    for (std::int64_t h = 0; h < n_heads_; h += block) {
      const std::int64_t n_rows = std::min<std::int64_t>(block, n_heads_ - h);
      for (std::int64_t r = 0; r < n_rows; ++r)
        for (std::int64_t d = 0; d < dim_; ++d)
          out[d * n_rows + r] = queries_[(t * n_heads_ + h + r) * dim_ + d];
      out += n_rows * dim_;
    }
  }

  /// scores[j] of the keys [first, first + n): first is a multiple of kPanel, n at most kScoreTile; `scores`
  /// has room for whole tiles. Keys beyond n get scores too, of whatever lies in the cache.
  void score(std::int64_t first, std::int64_t n, float* scores) const {
    constexpr int kTile = kPanel * kPanelsPerTile;
    alignas(64) float dots[kMaxRows * kTile];
    const std::int64_t n_panels = (cache_.capacity() + kPanel - 1) / kPanel;
    std::fill(scores, scores + (n + kTile - 1) / kTile * kTile, 0.0f);
    for (std::int64_t j = 0; j < n; j += kTile) {
      const std::int64_t panel = (first + j) / kPanel;
      const int wanted = static_cast<int>(std::min<std::int64_t>(kPanelsPerTile, n_panels - panel));
      const float* a = packed_.data();
      for (std::int64_t h = 0; h < n_heads_; h += cpu_.kernels.rows) {
        const auto n_rows = static_cast<int>(std::min<std::int64_t>(cpu_.kernels.rows, n_heads_ - h));
        cpu_.kernels.gemm_f32(n_rows, wanted, dim_, a, cache_.panel(panel), cache_.panel_stride(), dots,
                              kTile, false);
        for (int r = 0; r < n_rows; ++r)
          cpu_.kernels.add_relu(dots + r * kTile, head_weights_[t_ * n_heads_ + h + r], scores + j,
                                wanted * kPanel);
        a += n_rows * dim_;
      }
    }
  }

 private:
  const Cpu& cpu_;
  const PanelKeyCache& cache_;
  std::int64_t n_heads_;
  std::int64_t dim_;
  const float* queries_;
  const float* head_weights_;
  std::int64_t t_ = 0;
  std::vector<float> packed_;
};

/// Puts the kept positions beside the best of the others, ascending, padded with -1.
void write_selection(const std::vector<std::uint64_t>& best, const std::vector<std::int32_t>& kept,
                     std::int64_t k, std::int32_t* indices) {
  std::vector<std::uint64_t> ranks(best);
  std::sort(ranks.begin(), ranks.end(), std::greater<>());
  std::int64_t n = 0;
  for (const std::int32_t s : kept) indices[n++] = s;
  for (const std::uint64_t rank : ranks) {
    if (n == k) break;
    const std::int32_t s = position_of(rank);
    if (!std::binary_search(kept.begin(), kept.end(), s)) indices[n++] = s;
  }
  std::sort(indices, indices + n);
  std::fill(indices + n, indices + k, -1);
}

}  // namespace

void select_keys(Cpu& cpu, const SelectKeysArgs& args) {
  const PanelKeyCache& cache = panels(args.cache);
  const std::int64_t n_queries = args.queries.shape[0];
  const std::int64_t k = args.indices.shape[1];
  auto* indices = args.indices.as<std::int32_t>();
  // A query's keys are cut at fixed positions, so that one query alone uses every thread.
  const std::int64_t n_splits = n_queries == 1 ? args.first_position / kSplitKeys + 1 : 1;
  std::vector<BestKeys> best(static_cast<std::size_t>(std::max<std::int64_t>(n_splits, cpu.pool.n_threads())),
                             BestKeys(k));
  std::vector<Scorer> scorers(static_cast<std::size_t>(cpu.pool.n_threads()),
                              Scorer(cpu, args.queries, args.head_weights, cache));
  std::vector<float> tiles(static_cast<std::size_t>(cpu.pool.n_threads() * kScoreTile));
  const auto scan = [&](std::int64_t t, std::int64_t begin, std::int64_t end, int thread, BestKeys& keys) {
    float* tile = tiles.data() + thread * kScoreTile;
    Scorer& scorer = scorers[static_cast<std::size_t>(thread)];
    scorer.set_query(t);
    keys.clear();
    for (std::int64_t s = begin; s < end && !cpu.stop.poll(thread); s += kScoreTile) {
      scorer.score(s, std::min(kScoreTile, end - s), tile);
      keys.add(tile, s, std::min(kScoreTile, end - s));
    }
  };
  const auto finish = [&](std::int64_t t, BestKeys& keys) {
    write_selection(keys.take(), kept_positions(args, args.first_position + t + 1, k), k, indices + t * k);
  };
  if (n_splits > 1) {
    const std::int64_t n_visible = args.first_position + 1;
    cpu.pool.run(n_splits, [&](std::int64_t i, int thread) {
      scan(0, i * kSplitKeys, std::min(n_visible, (i + 1) * kSplitKeys), thread,
           best[static_cast<std::size_t>(i)]);
    });
    BestKeys all(k);
    for (std::int64_t i = 0; i < n_splits; ++i)
      for (const std::uint64_t rank : best[static_cast<std::size_t>(i)].take()) all.add_rank(rank);
    finish(0, all);
    return;
  }
  cpu.pool.run(n_queries, [&](std::int64_t t, int thread) {
    BestKeys& keys = best[static_cast<std::size_t>(thread)];
    if (args.first_position + t + 1 <= k) {  // everything that is visible is selected
      for (std::int64_t s = 0; s < k; ++s)
        indices[t * k + s] = s <= args.first_position + t ? static_cast<std::int32_t>(s) : -1;
      return;
    }
    scan(t, 0, args.first_position + t + 1, thread, keys);
    finish(t, keys);
  });
}

void score_keys(Cpu& cpu, const ScoreKeysArgs& args) {
  const PanelKeyCache& cache = panels(args.cache);
  const std::int64_t n_keys = args.scores.shape[1];
  std::vector<Scorer> scorers(static_cast<std::size_t>(cpu.pool.n_threads()),
                              Scorer(cpu, args.queries, args.head_weights, cache));
  std::vector<float> tiles(static_cast<std::size_t>(cpu.pool.n_threads() * kScoreTile));
  cpu.pool.run(args.queries.shape[0], [&](std::int64_t t, int thread) {
    float* out = args.scores.as<float>() + t * n_keys;
    float* tile = tiles.data() + thread * kScoreTile;
    const std::int64_t n_visible = std::min(n_keys, std::max<std::int64_t>(0, args.first_position + t + 1));
    Scorer& scorer = scorers[static_cast<std::size_t>(thread)];
    scorer.set_query(t);
    for (std::int64_t s = 0; s < n_visible && !cpu.stop.poll(thread); s += kScoreTile) {
      const std::int64_t n = std::min(kScoreTile, n_visible - s);
      scorer.score(s, n, tile);
      std::copy(tile, tile + n, out + s);
    }
    std::fill(out + n_visible, out + n_keys, -std::numeric_limits<float>::infinity());
  });
}

}  // namespace kernels::cpu
