#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {

/// The best k of a stream of scores, exact: it drops only what k better ones are known for. The stream brings runs of
/// keys from the newest to the oldest: the newest are mostly among the best, and so the limit is a good one from the
/// start.
class BestKeys {
 public:
  static constexpr float kEverything = -std::numeric_limits<float>::infinity();

  BestKeys(const TileKernels& kernels, std::int64_t k) : kernels_(&kernels), k_(k) {}

  void start();

  /// Scores that are less than this need not be added.
  float threshold() const { return threshold_; }
  /// Somebody knows k keys, of this stream or of those it will be joined with, that reach `limit`.
  void raise_threshold(float limit) { threshold_ = std::max(threshold_, limit); }

  /// Where the scores and positions of the next run go: room for n and one register.
  float* scores_room(std::int64_t n) {
    reserve(n);
    return scores_.data();
  }
  std::int32_t* positions_room() { return positions_.data(); }
  /// Takes the `n` keys that were written there: by ascending position, all of them before those of earlier runs.
  void added(std::int64_t n);
  /// Adds what this stream kept to `other`, whose keys all lie behind.
  void move_to(BestKeys& other);

  /// Forgets the keys, which the stream will bring once more, but keeps what k of them reach as a limit.
  void restart();

  /// Ends the stream: what is left are the best min(k, seen) keys.
  void finish();

  /// What is left, by ascending position; before `finish` a few more.
  std::int64_t size() const { return n_; }
  float score(std::int64_t i) const { return scores_[static_cast<std::size_t>(begin_ + i)]; }
  std::int32_t position(std::int64_t i) const { return positions_[static_cast<std::size_t>(begin_ + i)]; }
  /// The same as ranks (see selection_rank), best first.
  std::vector<std::uint64_t> ranked() const;

 private:
  void reserve(std::int64_t n);
  std::int64_t end() const { return begin_ + n_; }
  /// Drops what is not among the best: down to exactly k, or to about k, which is faster.
  void prune(std::int64_t n_spare);

  const TileKernels* kernels_;
  std::int64_t k_;
  std::int64_t begin_ = 0;  // of what is kept, at the end of both arrays but for one register; the front is for the next run
  std::int64_t n_ = 0;
  float threshold_ = 0;
  std::vector<float> scores_;
  std::vector<std::int32_t> positions_;
};

}  // namespace kernels::cpu
