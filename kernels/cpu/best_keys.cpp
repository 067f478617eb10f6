#include "kernels/cpu/best_keys.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

#include "kernels/reference/key_selection.h"

namespace kernels::cpu {

namespace {

constexpr std::int64_t kRegister = 16;

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
  n_ = 0;
  threshold_ = kEverything;
}

void BestKeys::reserve(std::int64_t n) {
  const auto wanted = static_cast<std::size_t>(n_ + n + kRegister);
  if (scores_.size() >= wanted) return;
  scores_.resize(wanted);
  positions_.resize(wanted);
}

void BestKeys::added(std::int64_t n) {
  n_ += n;
  if (n_ >= 4 * k_ + 1024) prune(k_ / 4);
}

void BestKeys::prune(std::int64_t n_spare) {
  const ScoreRange range = kernels_->range_of(scores_.data(), static_cast<int>(n_));
  // The largest limit that at least k scores reach, by halving: counting is one comparison per register, so
  // thirty passes over a few thousand scores cost less than one std::nth_element.
  std::int64_t low = order_of(range.lowest);        // reached by all, so by at least k
  std::int64_t high = order_of(range.highest) + 1;  // reached by none
  std::int64_t n_low = n_;
  while (high - low > 1 && n_low > k_ + n_spare) {
    const std::int64_t middle = low + (high - low) / 2;
    const int count = kernels_->count_from(scores_.data(), static_cast<int>(n_), float_at(middle));
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
  n_ = kernels_->keep_from(scores_.data(), positions_.data(), static_cast<int>(n_), limit,
                           static_cast<int>(n_equal_dropped));
  threshold_ = std::max(threshold_, limit);
}

void BestKeys::finish() {
  if (n_ > k_) prune(0);
}

std::vector<std::uint64_t> BestKeys::ranked() const {
  std::vector<std::uint64_t> ranks;
  for (std::int64_t i = 0; i < n_; ++i) ranks.push_back(selection_rank(score(i), position(i)));
  std::sort(ranks.begin(), ranks.end(), std::greater<>());
  return ranks;
}

void BestKeys::move_to(BestKeys& other) {
  if (n_ > k_) prune(0);
  float* scores = other.scores_end(n_);
  std::copy_n(scores_.begin(), n_, scores);
  std::copy_n(positions_.begin(), n_, other.positions_end());
  other.added(n_);
}

}  // namespace kernels::cpu
