#include <algorithm>
#include <atomic>

#include "kernels/cpu/index_scorer.h"
#include "kernels/reference/key_selection.h"

namespace kernels::cpu {
namespace {

constexpr std::int64_t kSplitKeys = 16384;  // keys of one task when one query alone uses every thread

std::vector<IndexScorer> scorers_for_threads(Cpu& cpu, const TensorView& queries,
                                             const TensorView& head_weights, const PanelKeyCache& cache) {
  return std::vector<IndexScorer>(static_cast<std::size_t>(cpu.pool.n_threads()),
                                  IndexScorer(cpu, queries, head_weights, cache));
}

/// How many of the best keys of `query` must be known: muted ones drop out afterwards.
std::int64_t n_wanted(const SelectKeysArgs& args, std::int64_t query) {
  const std::int64_t position = args.first_position + query;
  return std::min(args.indices.shape[1] + n_muted(args, position), position + 1);
}

/// Best keys of one query -> its row of indices, ascending, padded with -1. Of the n_wanted best the worst make
/// room for kept ones.
void write_selection(const SelectKeysArgs& args, std::int64_t query, const BestKeys& best) {
  const std::int64_t k = args.indices.shape[1];
  std::int32_t* indices = args.indices.as<std::int32_t>() + query * k;
  std::int32_t* end = indices;
  if (args.keep_window == 0 && args.n_keep_ranges == 0 && args.n_mute_ranges == 0) {
    for (std::int64_t i = 0; i < best.size(); ++i) *end++ = best.position(i);
  } else {
    const std::int64_t position = args.first_position + query;
    const std::vector<std::int32_t> kept = kept_positions(args, position + 1, k);
    end = std::copy(kept.begin(), kept.end(), indices);
    for (const std::uint64_t rank : best.ranked()) {
      if (end == indices + k) break;
      const std::int32_t s = position_of(rank);
      if (!std::binary_search(kept.begin(), kept.end(), s) && !is_muted(args, s, position)) *end++ = s;
    }
    std::sort(indices, end);
  }
  std::fill(end, indices + k, -1);
}

/// One query alone, its keys cut at fixed positions. What k keys of one part reach, a key of another must reach
/// too: the parts share the highest such limit, and which of them found it does not change what is selected.
void select_one(Cpu& cpu, const SelectKeysArgs& args, std::vector<IndexScorer>& scorers) {
  const std::int64_t k = n_wanted(args, 0);
  const std::int64_t n_visible = args.first_position + 1;
  const std::int64_t n_splits = (n_visible + kSplitKeys - 1) / kSplitKeys;
  std::vector<BestKeys> parts(static_cast<std::size_t>(n_splits), BestKeys(cpu.kernels, k));
  std::atomic<float> limit = BestKeys::kEverything;
  for (IndexScorer& scorer : scorers) scorer.set_queries(0, 1);
  cpu.pool.run(n_splits, [&](std::int64_t i, int thread) {
    BestKeys* best = &parts[static_cast<std::size_t>(i)];
    best->start();
    const std::int64_t end = std::min(n_visible, (i + 1) * kSplitKeys);
    for (std::int64_t s = i * kSplitKeys; s < end && !cpu.stop.poll(thread); s += IndexScorer::kKeysPerTile) {
      best->raise_threshold(limit.load(std::memory_order_relaxed));
      scorers[static_cast<std::size_t>(thread)].add_keys(s, std::min(IndexScorer::kKeysPerTile, end - s),
                                                         &n_visible, &best);
      // Two threads at once may leave the lower of their limits: that one is true as well.
      if (best->threshold() > limit.load(std::memory_order_relaxed))
        limit.store(best->threshold(), std::memory_order_relaxed);
    }
  });
  const auto start = IndexScorer::Clock::now();
  BestKeys all(cpu.kernels, k);
  all.start();
  for (BestKeys& part : parts) part.move_to(all);
  all.finish();
  write_selection(args, 0, all);
  scorers[0].choosing += IndexScorer::Clock::now() - start;
}

/// Queries [first, first + n) of one thread: they share each tile of keys.
void select_block(Cpu& cpu, const SelectKeysArgs& args, std::int64_t first, int n, int thread,
                  IndexScorer& scorer, std::vector<BestKeys>& keys) {
  std::int64_t n_visible[IndexScorer::kQueries];
  BestKeys* best[IndexScorer::kQueries];
  for (int i = 0; i < n; ++i) {
    n_visible[i] = args.first_position + first + i + 1;
    best[i] = &keys[static_cast<std::size_t>(thread * IndexScorer::kQueries + i)];
    best[i]->start();
  }
  scorer.set_queries(first, n);
  for (std::int64_t s = 0; s < n_visible[n - 1] && !cpu.stop.poll(thread); s += IndexScorer::kKeysPerTile)
    scorer.add_keys(s, std::min(IndexScorer::kKeysPerTile, n_visible[n - 1] - s), n_visible, best);
  const auto start = IndexScorer::Clock::now();
  for (int i = 0; i < n; ++i) {
    best[i]->finish();
    write_selection(args, first + i, *best[i]);
  }
  scorer.choosing += IndexScorer::Clock::now() - start;
}

}  // namespace

void select_keys(Cpu& cpu, const SelectKeysArgs& args) {
  const std::int64_t n_queries = args.queries.shape[0];
  const std::int64_t k = args.indices.shape[1];
  auto* indices = args.indices.as<std::int32_t>();
  // While everything that is visible is selected, nothing has to be scored.
  const std::int64_t n_all = std::clamp<std::int64_t>(k - args.first_position, 0, n_queries);
  for (std::int64_t t = 0; t < n_all; ++t) {
    const std::int64_t position = args.first_position + t;
    std::int32_t* end = indices + t * k;
    for (std::int64_t s = 0; s <= position; ++s)
      if (args.n_mute_ranges == 0 || !is_muted(args, s, position)) *end++ = static_cast<std::int32_t>(s);
    std::fill(end, indices + (t + 1) * k, -1);
  }
  cpu.choosing_share = 0;
  if (n_all == n_queries) return;
  std::vector<IndexScorer> scorers =
      scorers_for_threads(cpu, args.queries, args.head_weights, panels(args.cache));
  const auto start = IndexScorer::Clock::now();
  if (n_queries == 1) {
    select_one(cpu, args, scorers);
  } else {
    std::vector<BestKeys> keys(scorers.size() * IndexScorer::kQueries,
                               BestKeys(cpu.kernels, n_wanted(args, n_queries - 1)));
    const std::int64_t n_blocks = (n_queries - n_all + IndexScorer::kQueries - 1) / IndexScorer::kQueries;
    cpu.pool.run(n_blocks, [&](std::int64_t i, int thread) {
      const std::int64_t first = n_all + i * IndexScorer::kQueries;
      const auto n = static_cast<int>(std::min<std::int64_t>(IndexScorer::kQueries, n_queries - first));
      select_block(cpu, args, first, n, thread, scorers[static_cast<std::size_t>(thread)], keys);
    });
  }
  const auto threads_time = (IndexScorer::Clock::now() - start) * static_cast<std::int64_t>(scorers.size());
  IndexScorer::Clock::duration choosing{};
  for (const IndexScorer& scorer : scorers) choosing += scorer.choosing;
  cpu.choosing_share = std::min(1.0, static_cast<double>(choosing.count()) / static_cast<double>(std::max<std::int64_t>(1, threads_time.count())));
}

void score_keys(Cpu& cpu, const ScoreKeysArgs& args) {
  const std::int64_t n_keys = args.scores.shape[1];
  std::vector<IndexScorer> scorers =
      scorers_for_threads(cpu, args.queries, args.head_weights, panels(args.cache));
  std::vector<BestKeys> keys(scorers.size(), BestKeys(cpu.kernels, n_keys + 1));
  cpu.pool.run(args.queries.shape[0], [&](std::int64_t t, int thread) {
    float* out = args.scores.as<float>() + t * n_keys;
    const std::int64_t n_visible = std::min(n_keys, std::max<std::int64_t>(0, args.first_position + t + 1));
    // "The best" of more keys than there are: every score, in order of position.
    BestKeys* all = &keys[static_cast<std::size_t>(thread)];
    all->start();
    scorers[static_cast<std::size_t>(thread)].set_queries(t, 1);
    for (std::int64_t s = 0; s < n_visible && !cpu.stop.poll(thread); s += IndexScorer::kKeysPerTile)
      scorers[static_cast<std::size_t>(thread)].add_keys(
          s, std::min(IndexScorer::kKeysPerTile, n_visible - s), &n_visible, &all);
    std::fill(out, out + n_keys, BestKeys::kEverything);
    for (std::int64_t i = 0; i < all->size(); ++i) out[all->position(i)] = all->score(i);
  });
}

}  // namespace kernels::cpu
