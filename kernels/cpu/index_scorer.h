#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cpu/best_keys.h"
#include "kernels/cpu/cpu_operations.h"

namespace kernels::cpu {

/// Scores of the lightning indexer for up to kQueries neighbouring queries: prepared once, then run over
/// tiles of keys. In f32 or in int8, as the cache's keys are. One scorer per thread.
class IndexScorer {
 public:
  static constexpr int kQueries = kIndexQueries;  // queries that share keys while they are in the cache
  static constexpr std::int64_t kKeysPerTile = 1024;

  IndexScorer(const Cpu& cpu, const TensorView& queries, const TensorView& head_weights,
              const PanelKeyCache& cache);

  using Clock = std::chrono::steady_clock;
  /// Time that went to choosing among scores, since the scorer was made.
  Clock::duration choosing{};

  /// Makes queries [first, first + n) the ones that are scored, n <= kQueries.
  void set_queries(std::int64_t first, int n);

  /// Adds keys [first_key, first_key + n_keys) to best[i] for each query i, as far as it sees them: query i
  /// sees the positions below n_visible[i]. first_key is a multiple of kKeysPerTile, n_keys at most kKeysPerTile.
  /// Later calls bring earlier keys.
  void add_keys(std::int64_t first_key, std::int64_t n_keys, const std::int64_t* n_visible,
                BestKeys* const* best);

  /// Before the first keys: all queries score the keys at `positions`, which they must see, so that best[i] begins with
  /// the limit that k of those reach. They are brought again by add_keys, so what is selected does not depend on them.
  /// Int8 keys only; of others nothing is done.
  void start_warm(std::span<const std::int32_t> positions, BestKeys* const* best);

 private:
  struct KeyRun {
    const std::byte* keys;
    const float* scales;
    std::int64_t first_position;
    std::int64_t n;
  };

  void pack_f32(std::int64_t query, int slot);
  void pack_i8(std::int64_t query, int slot);
  void add_f32(int slot, std::int64_t first_key, std::int64_t n_keys, BestKeys& best);
  void add_i8(const KeyRun& run, const std::int64_t* n_visible, BestKeys* const* best);

  const Cpu& cpu_;
  const PanelKeyCache& cache_;
  std::int64_t n_heads_;
  std::int64_t dim_;
  const float* queries_;
  const float* head_weights_;
  bool i8_;
  bool paired_;   // two queries of at most four heads fill one group of rows
  int n_groups_;  // i8: groups of kIndexRows rows per query (or per pair)
  std::int64_t first_ = 0;
  int n_ = 0;
  std::vector<std::byte> packed_;  // [kQueries][bytes of one query]
  std::int64_t query_bytes_;
  std::vector<std::int32_t> offsets_;  // i8: [kQueries][rows of one query]
  std::vector<float> weights_;         // i8: the same
  std::vector<std::int8_t> row_;       // i8: one query-head
  std::vector<float> tile_;            // f32: scores of one query
  std::vector<std::byte> chosen_keys_;  // start_warm: keys side by side, in panels as in the cache
  std::vector<float> chosen_scales_;
};

}  // namespace kernels::cpu
