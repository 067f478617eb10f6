#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {

/// Dense causal attention of one head whose keys and values are written out for every position: the form of
/// attention without latents. No model runs like this; it is what sparse attention is fairly compared with, since
/// it needs a third of the operations of dense attention in the absorbed form.
class ExpandedHead {
 public:
  /// In bf16 where the inner loops take it, unless `exact`.
  ExpandedHead(const TileKernels& kernels, int key_dim, int value_dim, std::int64_t n_keys, bool exact);

  void set(std::int64_t position, const float* key, const float* value);

  /// out[t] = softmax over s <= first_position + t of scale * dot(queries[t], key[s]), times value[s].
  ///   queries [n, key_dim], out [n, value_dim]
  void attend(const float* queries, std::int64_t n, std::int64_t first_position, float scale, float* out);

 private:
  static constexpr int kQueries = 32;            // that one call of the inner loops takes
  static constexpr std::int64_t kGroups = 4;     // of kQueries, that share each tile of keys while it is in the cache

  struct Group {
    int n = 0;
    std::int64_t first_position = 0;
    std::vector<float> q;     // [key_dim][kQueries], in pairs for bf16
    std::vector<float> sums;  // [value_dim][kQueries]
    float largest[kQueries];
    float sum[kQueries];
  };

  std::int64_t row_bytes(int n) const { return bf16_ ? (n + 31) / 32 * 64 : std::int64_t{n} * 4; }
  void set_row(std::byte* row, const float* values, int n) const;
  void start(Group& group, const float* queries, int n, std::int64_t first_position, float scale) const;
  void attend_tile(Group& group, std::int64_t first_key);
  void write(const Group& group, float* out) const;

  const TileKernels& kernels_;
  int key_dim_;
  int value_dim_;
  bool bf16_;
  std::vector<std::byte> keys_;
  std::vector<std::byte> values_;
  std::vector<Group> groups_;
  std::vector<float> scratch_;  // [kKeyTile][kQueries]
  std::vector<std::uint16_t> side_;
};

}  // namespace kernels::cpu
