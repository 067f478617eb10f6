#include "kernels/reference/key_selection.h"

#include <algorithm>

namespace kernels {

std::vector<std::int32_t> kept_positions(const SelectKeysArgs& args, std::int64_t n_visible, std::int64_t k) {
  std::vector<std::int32_t> kept;
  const std::int64_t window_begin = std::max<std::int64_t>(0, n_visible - args.keep_window);
  for (int r = 0; r < args.n_keep_ranges; ++r) {
    const std::int64_t begin = std::max<std::int64_t>(0, args.keep_ranges[2 * r]);
    const std::int64_t end = std::min(args.keep_ranges[2 * r + 1], window_begin);
    for (std::int64_t s = begin; s < end; ++s) kept.push_back(static_cast<std::int32_t>(s));
  }
  for (std::int64_t s = window_begin; s < n_visible; ++s) kept.push_back(static_cast<std::int32_t>(s));
  if (static_cast<std::int64_t>(kept.size()) > k) kept.erase(kept.begin(), kept.end() - k);
  return kept;
}

}  // namespace kernels
