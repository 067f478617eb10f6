#pragma once

#include "kernels/cuda/launch.h"

/// What the attention kernels share: which rows and keys a block has, and where its result goes.
///
/// A row is one head of one query. With indices a block's rows are heads of one query, whose keys it gathers;
/// dense, its rows are neighbours in [query, head] and go over the same keys.
namespace kernels::cuda {

struct AttentionTile {
  std::int64_t row0;      // first row, in [query, head] order
  int n_rows;             // rows that exist
  std::int64_t query0;    // query of the first row
  std::int64_t n_keys;    // keys or slots of indices that the block may have to look at
  std::int64_t first_key; // of this split
  std::int64_t last_key;  // behind the last
};

__device__ inline AttentionTile attention_tile(const AttentionTask& task, int rows_per_block, int keys_per_tile, int n_splits) {
  AttentionTile tile;
  if (task.indices != nullptr) {
    tile.query0 = blockIdx.x;
    const int head0 = blockIdx.y * rows_per_block;
    tile.row0 = tile.query0 * task.n_heads + head0;
    tile.n_rows = min(rows_per_block, task.n_heads - head0);
    tile.n_keys = task.k;
  } else {
    tile.row0 = static_cast<std::int64_t>(blockIdx.x) * rows_per_block;
    const std::int64_t left = task.n * task.n_heads - tile.row0;
    tile.n_rows = left < rows_per_block ? static_cast<int>(left) : rows_per_block;
    tile.query0 = tile.row0 / task.n_heads;
    tile.n_keys = task.first_position + (tile.row0 + tile.n_rows - 1) / task.n_heads + 1;
  }
  const std::int64_t n_tiles = (tile.n_keys + keys_per_tile - 1) / keys_per_tile;
  const std::int64_t per_split = (n_tiles + n_splits - 1) / n_splits * keys_per_tile;
  tile.first_key = blockIdx.z * per_split;
  tile.last_key = tile.first_key + per_split < tile.n_keys ? tile.first_key + per_split : tile.n_keys;
  return tile;
}

/// The position behind slot `j` of the block's keys, or -1.
__device__ inline std::int64_t key_at(const AttentionTask& task, const AttentionTile& tile, std::int64_t j) {
  if (j >= tile.last_key) return -1;
  if (task.indices == nullptr) return j;
  const std::int64_t s = task.indices[tile.query0 * task.k + j];
  return s <= task.first_position + tile.query0 ? s : -1;
}

/// The last position that row `r` of the block may see.
__device__ inline std::int64_t last_visible(const AttentionTask& task, const AttentionTile& tile, int r) {
  return task.first_position + (tile.row0 + r) / task.n_heads;
}

}  // namespace kernels::cuda
