#include <algorithm>
#include <atomic>
#include <bit>
#include <span>

#include "kernels/cpu/index_scorer.h"
#include "kernels/reference/key_selection.h"

namespace kernels::cpu {
namespace {

constexpr std::int64_t kSplitKeys = 16384;  // keys of one task when one query alone uses every thread
// Keys that a neighbouring query selected are scored first where they are at most one in so many: most of them are among
// the best again, and what k of them reach drops nearly all others at once.
constexpr std::int64_t kWarmShare = 64;

/// What one thread keeps from block to block.
struct Worker {
  IndexScorer scorer;
  std::vector<BestKeys> keys;           // [kQueries]
  std::vector<std::int32_t> likely;     // ascending: what the block before selected
  std::vector<std::uint64_t> selected;  // one bit per position
};

/// The selections of `n_rows` queries together, newest queries first, until they are one in kWarmShare of `n_keys`.
void unite(const std::int32_t* rows, std::int64_t n_rows, std::int64_t k, std::int64_t n_keys, Worker& worker) {
  worker.selected.assign(static_cast<std::size_t>(n_keys / 64 + 1), 0);
  std::int64_t n = 0;
  for (std::int64_t row = n_rows - 1; row >= 0 && (n + k) * kWarmShare <= n_keys; --row) {
    for (std::int64_t i = 0; i < k && rows[row * k + i] >= 0; ++i) {
      const auto s = static_cast<std::uint32_t>(rows[row * k + i]);
      std::uint64_t& word = worker.selected[s / 64];
      n += (word >> (s % 64) & 1) == 0;
      word |= std::uint64_t{1} << (s % 64);
    }
  }
  worker.likely.clear();
  for (std::size_t at = 0; at < worker.selected.size(); ++at)
    for (std::uint64_t word = worker.selected[at]; word != 0; word &= word - 1)
      worker.likely.push_back(static_cast<std::int32_t>(at * 64) + std::countr_zero(word));
}

/// Those of `positions`, ascending, that lie before `n_visible`; none where they are too many to be worth it.
std::span<const std::int32_t> worth_scoring_first(const std::vector<std::int32_t>& positions, std::int64_t n_visible) {
  const auto end = std::lower_bound(positions.begin(), positions.end(), n_visible);
  const auto n = static_cast<std::size_t>(end - positions.begin());
  if (static_cast<std::int64_t>(n) * kWarmShare > n_visible) return {};
  return std::span(positions).first(n);
}

/// Tiles of keys [begin, end) from the last to the first: calls tile(first key, keys). `begin` is where a tile begins.
template <typename Tile>
void for_tiles(std::int64_t begin, std::int64_t end, const Tile& tile) {
  constexpr std::int64_t kKeys = IndexScorer::kKeysPerTile;
  while (end > begin) {
    const std::int64_t first = (end - 1) / kKeys * kKeys;
    tile(first, end - first);
    end = first;
  }
}

/// What the newest query selected, for the one that follows it.
void remember(const std::int32_t* row, std::int64_t k, const PanelKeyCache& cache) {
  cache.last_selected().assign(row, std::find(row, row + k, -1));
}

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
  if (const auto likely = worth_scoring_first(panels(args.cache).last_selected(), n_visible); !likely.empty()) {
    BestKeys first(cpu.kernels, k);
    BestKeys* best = &first;
    first.start();
    scorers[0].start_warm(likely, &best);
    limit = first.threshold();
  }
  cpu.pool.run(n_splits, [&](std::int64_t task, int thread) {
    const std::int64_t i = n_splits - 1 - task;
    BestKeys* best = &parts[static_cast<std::size_t>(i)];
    best->start();
    for_tiles(i * kSplitKeys, std::min(n_visible, (i + 1) * kSplitKeys), [&](std::int64_t s, std::int64_t n) {
      if (cpu.stop.poll(thread)) return;
      best->raise_threshold(limit.load(std::memory_order_relaxed));
      scorers[static_cast<std::size_t>(thread)].add_keys(s, n, &n_visible, &best);
      // Two threads at once may leave the lower of their limits: that one is true as well.
      if (best->threshold() > limit.load(std::memory_order_relaxed))
        limit.store(best->threshold(), std::memory_order_relaxed);
    });
  });
  const auto start = IndexScorer::Clock::now();
  BestKeys all(cpu.kernels, k);
  all.start();
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) part->move_to(all);
  all.finish();
  write_selection(args, 0, all);
  scorers[0].choosing += IndexScorer::Clock::now() - start;
}

/// Queries [first, first + n) of one thread: they share each tile of keys.
void select_block(Cpu& cpu, const SelectKeysArgs& args, std::int64_t first, int n, int thread, Worker& worker) {
  std::int64_t n_visible[IndexScorer::kQueries];
  BestKeys* best[IndexScorer::kQueries];
  for (int i = 0; i < n; ++i) {
    n_visible[i] = args.first_position + first + i + 1;
    best[i] = &worker.keys[static_cast<std::size_t>(i)];
    best[i]->start();
  }
  IndexScorer& scorer = worker.scorer;
  scorer.set_queries(first, n);
  if (const auto likely = worth_scoring_first(worker.likely, n_visible[0]); !likely.empty()) scorer.start_warm(likely, best);
  for_tiles(0, n_visible[n - 1], [&](std::int64_t s, std::int64_t n_keys) {
    if (!cpu.stop.poll(thread)) scorer.add_keys(s, n_keys, n_visible, best);
  });
  const auto start = IndexScorer::Clock::now();
  for (int i = 0; i < n; ++i) {
    best[i]->finish();
    write_selection(args, first + i, *best[i]);
  }
  const std::int64_t k = args.indices.shape[1];
  unite(args.indices.as<const std::int32_t>() + first * k, n, k, n_visible[n - 1], worker);
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
  const PanelKeyCache& cache = panels(args.cache);
  std::vector<IndexScorer> scorers = scorers_for_threads(cpu, args.queries, args.head_weights, cache);
  const auto n_threads = static_cast<std::int64_t>(scorers.size());
  const auto start = IndexScorer::Clock::now();
  IndexScorer::Clock::duration choosing{};
  if (n_queries == 1) {
    select_one(cpu, args, scorers);
    for (const IndexScorer& scorer : scorers) choosing += scorer.choosing;
  } else {
    const BestKeys keys(cpu.kernels, n_wanted(args, n_queries - 1));
    std::vector<Worker> workers;
    for (IndexScorer& scorer : scorers)
      workers.push_back({std::move(scorer), std::vector<BestKeys>(IndexScorer::kQueries, keys), cache.last_selected(), {}});
    const std::int64_t n_blocks = (n_queries - n_all + IndexScorer::kQueries - 1) / IndexScorer::kQueries;
    cpu.pool.run(n_blocks, [&](std::int64_t i, int thread) {
      const std::int64_t first = n_all + i * IndexScorer::kQueries;
      const auto n = static_cast<int>(std::min<std::int64_t>(IndexScorer::kQueries, n_queries - first));
      select_block(cpu, args, first, n, thread, workers[static_cast<std::size_t>(thread)]);
    });
    for (const Worker& worker : workers) choosing += worker.scorer.choosing;
  }
  remember(indices + (n_queries - 1) * k, k, cache);
  const auto threads_time = (IndexScorer::Clock::now() - start) * n_threads;
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
    for_tiles(0, n_visible, [&](std::int64_t s, std::int64_t n) {
      if (!cpu.stop.poll(thread)) scorers[static_cast<std::size_t>(thread)].add_keys(s, n, &n_visible, &all);
    });
    std::fill(out, out + n_keys, BestKeys::kEverything);
    for (std::int64_t i = 0; i < all->size(); ++i) out[all->position(i)] = all->score(i);
  });
}

}  // namespace kernels::cpu
