#include "kernels/cpu/expanded_head.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace kernels::cpu {

ExpandedHead::ExpandedHead(const TileKernels& kernels, int key_dim, int value_dim, std::int64_t n_keys, bool exact)
    : kernels_(kernels), key_dim_(key_dim), value_dim_(value_dim), bf16_(kernels.native_bf16 && !exact) {
  const std::size_t padded = static_cast<std::size_t>(value_dim + 31) / 32 * 32;
  keys_.resize(static_cast<std::size_t>(n_keys * row_bytes(key_dim)));
  values_.resize(static_cast<std::size_t>(n_keys * row_bytes(value_dim)));
  groups_.resize(kGroups);
  for (Group& group : groups_) {
    group.q.resize(static_cast<std::size_t>(key_dim + 1) * kQueries);
    group.sums.resize(static_cast<std::size_t>(value_dim) * kQueries);
  }
  scratch_.resize(kKeyTile * kQueries);
  side_.resize(kKeyTile * (padded + kQueries));
}

void ExpandedHead::set_row(std::byte* row, const float* values, int n) const {
  if (bf16_) return kernels_.pack_bf16(values, n, row, kChunkBytes);
  std::memcpy(row, values, static_cast<std::size_t>(n) * sizeof(float));
}

void ExpandedHead::set(std::int64_t position, const float* key, const float* value) {
  set_row(keys_.data() + position * row_bytes(key_dim_), key, key_dim_);
  set_row(values_.data() + position * row_bytes(value_dim_), value, value_dim_);
}

void ExpandedHead::start(Group& group, const float* queries, int n, std::int64_t first_position, float scale) const {
  group.n = n;
  group.first_position = first_position;
  std::fill(group.q.begin(), group.q.end(), 0.0f);
  std::fill(group.sums.begin(), group.sums.end(), 0.0f);
  std::fill(group.largest, group.largest + kQueries, -INFINITY);
  std::fill(group.sum, group.sum + kQueries, 0.0f);
  std::vector<float> scaled(static_cast<std::size_t>(key_dim_));
  std::vector<std::uint32_t> pairs(static_cast<std::size_t>(row_bytes(key_dim_)) / 4);
  auto* words = reinterpret_cast<std::uint32_t*>(group.q.data());
  for (int lane = 0; lane < n; ++lane, queries += key_dim_) {
    std::transform(queries, queries + key_dim_, scaled.begin(), [scale](float value) { return scale * value; });
    set_row(reinterpret_cast<std::byte*>(pairs.data()), scaled.data(), key_dim_);
    const int n_words = bf16_ ? (key_dim_ + 1) / 2 : key_dim_;
    for (int d = 0; d < n_words; ++d) words[d * kQueries + lane] = pairs[static_cast<std::size_t>(d)];
  }
}

void ExpandedHead::attend(const float* queries, std::int64_t n, std::int64_t first_position, float scale, float* out) {
  for (std::int64_t first = 0; first < n; first += kGroups * kQueries) {
    const std::int64_t end = std::min(n, first + kGroups * kQueries);
    std::size_t n_groups = 0;
    for (std::int64_t t = first; t < end; t += kQueries)
      start(groups_[n_groups++], queries + t * key_dim_, static_cast<int>(std::min<std::int64_t>(kQueries, end - t)), first_position + t, scale);
    for (std::int64_t s = 0; s < first_position + end; s += kKeyTile)
      for (std::size_t i = 0; i < n_groups; ++i) attend_tile(groups_[i], s);
    for (std::size_t i = 0; i < n_groups; ++i) write(groups_[i], out + (first + static_cast<std::int64_t>(i) * kQueries) * value_dim_);
  }
}

void ExpandedHead::attend_tile(Group& group, std::int64_t first_key) {
  const int n_here = static_cast<int>(std::clamp<std::int64_t>(group.first_position + group.n - first_key, 0, kKeyTile));
  if (n_here == 0) return;
  const void* rows[kKeyTile];
  const void* value_rows[kKeyTile];
  int n_visible[kQueries];
  for (int j = 0; j < n_here; ++j) {
    rows[j] = keys_.data() + (first_key + j) * row_bytes(key_dim_);
    value_rows[j] = values_.data() + (first_key + j) * row_bytes(value_dim_);
  }
  for (int lane = 0; lane < kQueries; ++lane)
    n_visible[lane] =
        static_cast<int>(std::clamp<std::int64_t>(group.first_position + std::min(lane, group.n - 1) + 1 - first_key, 0, n_here));
  const AttentionTile tile{rows,      value_rows,    n_here,    value_dim_,        key_dim_,        kQueries, group.q.data(),
                           n_visible, group.largest, group.sum, group.sums.data(), scratch_.data(), nullptr,  0, side_.data()};
  (bf16_ ? kernels_.attend_bf16 : kernels_.attend_f32)(tile);
}

void ExpandedHead::write(const Group& group, float* out) const {
  for (int lane = 0; lane < group.n; ++lane)
    for (int d = 0; d < value_dim_; ++d)
      out[lane * value_dim_ + d] = group.sums[static_cast<std::size_t>(d * kQueries + lane)] / group.sum[lane];
}

}  // namespace kernels::cpu
