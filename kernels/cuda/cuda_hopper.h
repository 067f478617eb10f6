#pragma once

#include "kernels/cuda/cuda_operations.h"

/// Where the kernels written for Hopper are better and take the shape. Each says whether it did the work; when it did
/// not, nothing was queued and the portable kernels have to. An error counts as done: it is noted on the device.
namespace kernels::cuda {

/// Whether new caches of this shape should hold indexer keys in FP8, as the model family's own implementation does.
bool hopper_wants_f8_index(const Device& device, const KeyCacheShape& shape);

/// FP8 keys only. Query scales are in queries.weights.
bool hopper_score(Device& device, const Keys& keys, const IndexQueries& queries, std::int64_t first_position, std::int64_t n_keys,
                  float* scores, std::int64_t scores_pitch);
bool hopper_select(Device& device, const TopArgs& args);
bool hopper_attention(Device& device, const AttentionArgs& args);

}  // namespace kernels::cuda
