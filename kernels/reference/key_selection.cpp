#include "kernels/reference/key_selection.h"

#include <algorithm>

namespace kernels {

bool is_muted(const SelectKeysArgs& args, std::int64_t position, std::int64_t query) {
  if (position == query) return false;
  for (int r = 0; r < args.n_mute_ranges; ++r) {
    if (position >= args.mute_ranges[2 * r] && position < args.mute_ranges[2 * r + 1]) return true;
  }
  return false;
}

std::int64_t n_muted(const SelectKeysArgs& args, std::int64_t query) {
  std::int64_t n = 0;
  for (int r = 0; r < args.n_mute_ranges; ++r) {
    const std::int64_t begin = std::max<std::int64_t>(0, args.mute_ranges[2 * r]);
    n += std::max<std::int64_t>(0, std::min(args.mute_ranges[2 * r + 1], query) - begin);
  }
  return n;
}

std::vector<std::int32_t> kept_positions(const SelectKeysArgs& args, std::int64_t n_visible, std::int64_t k) {
  std::vector<std::int32_t> kept;
  const std::int64_t window_begin = std::max<std::int64_t>(0, n_visible - args.keep_window);
  for (int r = 0; r < args.n_keep_ranges; ++r) {
    const std::int64_t begin = std::max<std::int64_t>(0, args.keep_ranges[2 * r]);
    const std::int64_t end = std::min(args.keep_ranges[2 * r + 1], window_begin);
    for (std::int64_t s = begin; s < end; ++s) kept.push_back(static_cast<std::int32_t>(s));
  }
  for (std::int64_t s = window_begin; s < n_visible; ++s) kept.push_back(static_cast<std::int32_t>(s));
  if (args.n_mute_ranges > 0) std::erase_if(kept, [&](std::int32_t s) { return is_muted(args, s, n_visible - 1); });
  if (static_cast<std::int64_t>(kept.size()) > k) kept.erase(kept.begin(), kept.end() - k);
  return kept;
}

}  // namespace kernels
