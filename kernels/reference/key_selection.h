#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "kernels/api/operations.h"

/// The order in which keys are selected, shared by every host backend.
namespace kernels {

/// Score and position as one number: a larger rank is selected first. Larger score first, ties to the
/// larger position, +0 equals -0, NaN counts as -infinity.
inline std::uint64_t selection_rank(float score, std::int32_t position) {
  if (std::isnan(score)) score = -INFINITY;
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0f);  // -0 + 0 = +0
  const std::uint32_t ordered = (bits & 0x80000000u) ? ~bits : bits | 0x80000000u;
  return (static_cast<std::uint64_t>(ordered) << 32) | static_cast<std::uint32_t>(position);
}

inline std::int32_t position_of(std::uint64_t rank) {
  return static_cast<std::int32_t>(rank & 0xffffffffu);
}

/// Whether `position` may not be selected by the query at position `query`.
bool is_muted(const SelectKeysArgs& args, std::int64_t position, std::int64_t query);
/// How many of the positions before `query` are muted.
std::int64_t n_muted(const SelectKeysArgs& args, std::int64_t query);

/// The positions below `n_visible` that "keep" always selects, ascending; at most the `k` newest of them.
std::vector<std::int32_t> kept_positions(const SelectKeysArgs& args, std::int64_t n_visible, std::int64_t k);

}  // namespace kernels
