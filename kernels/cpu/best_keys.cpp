#include "kernels/cpu/best_keys.h"

#include <algorithm>
#include <functional>

#include "kernels/reference/key_selection.h"

namespace kernels::cpu {

namespace {

constexpr std::int64_t kRegister = 16;

float score_of(std::uint64_t rank) {
  const auto ordered = static_cast<std::uint32_t>(rank >> 32);
  return std::bit_cast<float>((ordered & 0x80000000u) ? ordered & 0x7fffffffu : ~ordered);
}

}  // namespace

void BestKeys::start(float guess) {
  n_ = 0;
  threshold_ = guess;
}

void BestKeys::reserve(std::int64_t n) {
  const auto wanted = static_cast<std::size_t>(n_ + n + kRegister);
  if (scores_.size() >= wanted) return;
  scores_.resize(wanted);
  positions_.resize(wanted);
}

void BestKeys::added(std::int64_t n) {
  n_ += n;
  // Pruning at 4 k costs about one pass over 4 k numbers for every 3 k that came.
  if (n_ >= 4 * k_ + 1024) prune();
}

void BestKeys::prune() {
  ranks_.resize(static_cast<std::size_t>(n_));
  for (std::int64_t i = 0; i < n_; ++i)
    ranks_[static_cast<std::size_t>(i)] =
        selection_rank(scores_[static_cast<std::size_t>(i)], positions_[static_cast<std::size_t>(i)]);
  const auto kth = ranks_.begin() + k_ - 1;
  std::nth_element(ranks_.begin(), kth, ranks_.end(), std::greater<>());
  const std::uint64_t worst = *kth;
  threshold_ = std::max(threshold_, score_of(worst));
  // In place and in order, so that equal streams leave equal memory.
  std::int64_t kept = 0;
  for (std::int64_t i = 0; i < n_; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (selection_rank(scores_[at], positions_[at]) < worst) continue;
    scores_[static_cast<std::size_t>(kept)] = scores_[at];
    positions_[static_cast<std::size_t>(kept)] = positions_[at];
    ++kept;
  }
  n_ = kept;
}

std::vector<std::uint64_t> BestKeys::take_ranked() {
  if (n_ > k_) prune();
  std::vector<std::uint64_t> ranks;
  for (std::int64_t i = 0; i < n_; ++i) ranks.push_back(selection_rank(score(i), position(i)));
  std::sort(ranks.begin(), ranks.end(), std::greater<>());
  return ranks;
}

void BestKeys::move_to(BestKeys& other) {
  if (n_ > k_) prune();
  float* scores = other.scores_end(n_);
  std::copy_n(scores_.begin(), n_, scores);
  std::copy_n(positions_.begin(), n_, other.positions_end());
  other.added(n_);
}

const std::int32_t* BestKeys::take(std::int64_t& n) {
  if (n_ > k_) prune();
  const auto end = scores_.begin() + n_;
  worst_score_ = n_ > 0 ? *std::min_element(scores_.begin(), end) : 0.0f;
  best_score_ = n_ > 0 ? *std::max_element(scores_.begin(), end) : 0.0f;
  n = n_;
  return positions_.data();
}

}  // namespace kernels::cpu
