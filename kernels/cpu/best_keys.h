#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {

/// The best k of a stream of scores, exact: it drops only what k better ones have been seen for. A guess
/// of the last score that will be selected makes it drop more at once; whether the guess was too high shows
/// in the number of keys at the end, and then the stream has to be read again.
class BestKeys {
 public:
  BestKeys(const TileKernels& kernels, std::int64_t k) : kernels_(&kernels), k_(k) {}

  void start(float guess = -std::numeric_limits<float>::infinity());

  /// Scores that are less than this need not be added.
  float threshold() const { return threshold_; }

  /// Where the next scores and positions go: room for n more and one register.
  float* scores_end(std::int64_t n) {
    reserve(n);
    return scores_.data() + n_;
  }
  std::int32_t* positions_end() { return positions_.data() + n_; }
  std::int64_t size() const { return n_; }
  float score(std::int64_t i) const { return scores_[static_cast<std::size_t>(i)]; }
  std::int32_t position(std::int64_t i) const { return positions_[static_cast<std::size_t>(i)]; }
  /// Takes `n` keys that were written there. Positions ascend over the whole stream.
  void added(std::int64_t n);

  /// The positions of the best min(k, seen) keys, ascending.
  const std::int32_t* take(std::int64_t& n);
  /// The same as ranks (see selection_rank), best first.
  std::vector<std::uint64_t> take_ranked();
  /// Adds what this stream kept to `other`, whose stream ended before this one began.
  void move_to(BestKeys& other);
  /// After `take`: a guess for a stream like this one. A little below the last selected score, so that a
  /// stream that differs a little still has k keys above it.
  float guess() const { return range_.lowest - 0.05f * (range_.highest - range_.lowest); }

 private:
  void reserve(std::int64_t n);
  /// Drops what is not among the best: down to exactly k, or to about k, which is faster.
  void prune(std::int64_t n_spare);

  const TileKernels* kernels_;
  std::int64_t k_;
  std::int64_t n_ = 0;
  float threshold_ = 0;
  ScoreRange range_{0, 0};  // of what was taken
  std::vector<float> scores_;
  std::vector<std::int32_t> positions_;
};

}  // namespace kernels::cpu
