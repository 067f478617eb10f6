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
  q_.resize(static_cast<std::size_t>(key_dim + 1) * kQueries);
  sums_.resize(static_cast<std::size_t>(value_dim) * kQueries);
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

void ExpandedHead::pack_queries(const float* queries, int n, float scale) {
  std::fill(q_.begin(), q_.end(), 0.0f);
  std::vector<float> scaled(static_cast<std::size_t>(key_dim_));
  std::vector<std::uint32_t> pairs(static_cast<std::size_t>(row_bytes(key_dim_)) / 4);
  auto* words = reinterpret_cast<std::uint32_t*>(q_.data());
  for (int lane = 0; lane < n; ++lane, queries += key_dim_) {
    std::transform(queries, queries + key_dim_, scaled.begin(), [scale](float value) { return scale * value; });
    set_row(reinterpret_cast<std::byte*>(pairs.data()), scaled.data(), key_dim_);
    const int n_words = bf16_ ? (key_dim_ + 1) / 2 : key_dim_;
    for (int d = 0; d < n_words; ++d) words[d * kQueries + lane] = pairs[static_cast<std::size_t>(d)];
  }
}

void ExpandedHead::attend(const float* queries, std::int64_t n, std::int64_t first_position, float scale, float* out) {
  for (std::int64_t t = 0; t < n; t += kQueries)
    attend_group(queries + t * key_dim_, static_cast<int>(std::min<std::int64_t>(kQueries, n - t)),
                 first_position + t, scale, out + t * value_dim_);
}

void ExpandedHead::attend_group(const float* queries, int n, std::int64_t first_position, float scale, float* out) {
  pack_queries(queries, n, scale);
  std::fill(sums_.begin(), sums_.end(), 0.0f);
  float largest[kQueries];
  float sum[kQueries] = {};
  std::fill(largest, largest + kQueries, -INFINITY);
  const void* rows[kKeyTile];
  const void* value_rows[kKeyTile];
  int n_visible[kQueries];
  const std::int64_t n_keys = first_position + n;
  for (std::int64_t s = 0; s < n_keys; s += kKeyTile) {
    const int n_here = static_cast<int>(std::min<std::int64_t>(kKeyTile, n_keys - s));
    for (int j = 0; j < n_here; ++j) {
      rows[j] = keys_.data() + (s + j) * row_bytes(key_dim_);
      value_rows[j] = values_.data() + (s + j) * row_bytes(value_dim_);
    }
    for (int lane = 0; lane < kQueries; ++lane)
      n_visible[lane] =
          static_cast<int>(std::clamp<std::int64_t>(first_position + std::min(lane, n - 1) + 1 - s, 0, n_here));
    const AttentionTile tile{rows,      value_rows, n_here,       value_dim_,      key_dim_, kQueries, q_.data(),
                             n_visible, largest,    sum,          sums_.data(),    scratch_.data(), nullptr, 0, side_.data()};
    (bf16_ ? kernels_.attend_bf16 : kernels_.attend_f32)(tile);
  }
  for (int lane = 0; lane < n; ++lane)
    for (int d = 0; d < value_dim_; ++d)
      out[lane * value_dim_ + d] = sums_[static_cast<std::size_t>(d * kQueries + lane)] / sum[lane];
}

}  // namespace kernels::cpu
