#pragma once

#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/cuda_storage.h"
#include "kernels/cuda/expert_streamer.h"

/// The operations that are more than one kernel: they plan the work memory, cut what does not fit into pieces, choose a
/// kernel by shape, and queue it. Errors are noted on the device.
namespace kernels::cuda {

void matmul(Device& device, const MatmulArgs& args);
void matmul_heads(Device& device, const MatmulHeadsArgs& args);
void feed_forward(Device& device, const FeedForwardArgs& args);
/// Makes `streamer` with `stream_bytes` of memory when an expert is not on the card.
void run_experts(Device& device, ExpertTables& tables, std::unique_ptr<ExpertStreamer>& streamer, std::size_t stream_bytes,
                 const RunExpertsArgs& args);

void select_keys(Device& device, const SelectKeysArgs& args);
void score_keys(Device& device, const ScoreKeysArgs& args);
void attention(Device& device, const AttentionArgs& args);
void attention_mass(Device& device, const AttentionMassArgs& args);
void save_keys(Device& device, const DeviceKeyCache& cache, std::int64_t first, std::int64_t n, std::byte* host);
void load_keys(Device& device, const DeviceKeyCache& cache, std::int64_t first, std::int64_t n, const std::byte* host);

}  // namespace kernels::cuda
