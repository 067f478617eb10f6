#include "kernels/cpu/best_keys.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

#include "kernels/reference/key_selection.h"

namespace kernels::cpu {

namespace {

constexpr std::int64_t kRegister = 16;
// Rarely enough that pruning costs little, often enough that few scores pass which a fresh limit would have stopped.
constexpr std::int64_t kSpare = 128;

/// Floats in the order of integers.
std::int64_t order_of(float value) {
  const auto bits = std::bit_cast<std::int32_t>(value);
  return bits < 0 ? std::int64_t{INT32_MIN} - bits : bits;
}
float float_at(std::int64_t order) {
  return std::bit_cast<float>(static_cast<std::int32_t>(order < 0 ? std::int64_t{INT32_MIN} - order : order));
}

}  // namespace

void BestKeys::start() {
  begin_ = end();
  n_ = 0;
  threshold_ = kEverything;
}

void BestKeys::reserve(std::int64_t n) {
  if (begin_ >= n + kRegister) return;
  // What is kept grows towards the front, by as much again before the next move.
  const std::int64_t new_begin = 2 * (n + kRegister) + n_;
  std::vector<float> scores(static_cast<std::size_t>(new_begin + n_ + kRegister));
  std::vector<std::int32_t> positions(scores.size());
  std::copy_n(scores_.begin() + begin_, n_, scores.begin() + new_begin);
  std::copy_n(positions_.begin() + begin_, n_, positions.begin() + new_begin);
  scores_.swap(scores);
  positions_.swap(positions);
  begin_ = new_begin;
}

void BestKeys::added(std::int64_t n) {
  begin_ -= n;
  n_ += n;
  std::copy_n(scores_.begin(), n, scores_.begin() + begin_);
  std::copy_n(positions_.begin(), n, positions_.begin() + begin_);
  if (n_ >= 2 * k_ + kSpare) prune(k_ / 8);
}

void BestKeys::prune(std::int64_t n_spare) {
  float* scores = scores_.data() + begin_;
  std::int32_t* positions = positions_.data() + begin_;
  const ScoreRange range = kernels_->range_of(scores, static_cast<int>(n_));
  // The largest limit that at least k scores reach, by halving: counting is one comparison per register, so
  // thirty passes over a few thousand scores cost less than one std::nth_element.
  std::int64_t low = order_of(range.lowest);        // reached by all, so by at least k
  std::int64_t high = order_of(range.highest) + 1;  // reached by none
  std::int64_t n_low = n_;
  while (high - low > 1 && n_low > k_ + n_spare) {
    const std::int64_t middle = low + (high - low) / 2;
    const int count = kernels_->count_from(scores, static_cast<int>(n_), float_at(middle));
    if (count >= k_) {
      low = middle;
      n_low = count;
    } else {
      high = middle;
    }
  }
  // More than wanted are left only when they are equal to the limit: the later ones win.
  const std::int64_t n_equal_dropped = n_low > k_ + n_spare ? n_low - k_ : 0;
  const float limit = float_at(low);
  const std::int64_t n_kept = kernels_->keep_from(scores, positions, static_cast<int>(n_), limit,
                                                  static_cast<int>(n_equal_dropped));
  std::copy_backward(scores, scores + n_kept, scores + n_);
  std::copy_backward(positions, positions + n_kept, positions + n_);
  begin_ += n_ - n_kept;
  n_ = n_kept;
  threshold_ = std::max(threshold_, limit);
}

void BestKeys::finish() {
  if (n_ > k_) prune(0);
}

void BestKeys::restart() {
  finish();
  if (n_ == k_) threshold_ = std::max(threshold_, kernels_->range_of(scores_.data() + begin_, static_cast<int>(n_)).lowest);
  begin_ = end();
  n_ = 0;
}

std::vector<std::uint64_t> BestKeys::ranked() const {
  std::vector<std::uint64_t> ranks;
  for (std::int64_t i = 0; i < n_; ++i) ranks.push_back(selection_rank(score(i), position(i)));
  std::sort(ranks.begin(), ranks.end(), std::greater<>());
  return ranks;
}

void BestKeys::move_to(BestKeys& other) {
  if (n_ > k_) prune(0);
  std::copy_n(scores_.begin() + begin_, n_, other.scores_room(n_));
  std::copy_n(positions_.begin() + begin_, n_, other.positions_room());
  other.added(n_);
}

}  // namespace kernels::cpu
