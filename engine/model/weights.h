#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/checkpoint.h"
#include "engine/model/config.h"
#include "kernels/api/backend.h"

namespace engine {

/// A vector on the device, f32.
struct DeviceVector {
  std::unique_ptr<kernels::Buffer> buffer;
  std::int64_t n = 0;
  kernels::TensorView view() const;  // [n]; data null when there is none
};

struct FeedForward {
  std::unique_ptr<kernels::Matrix> gate, up, down;
  kernels::FeedForwardWeights view() const { return {gate.get(), up.get(), down.get()}; }
};

struct IndexerWeights {
  std::unique_ptr<kernels::Matrix> queries;       // [n_heads * head_dim, q_rank]
  std::unique_ptr<kernels::Matrix> keys;          // [head_dim, n_hidden], f32
  std::unique_ptr<kernels::Matrix> head_weights;  // [n_heads, n_hidden], f32, (n_heads * head_dim)^-0.5 folded in
  DeviceVector key_norm, key_norm_bias;           // [head_dim]
};

/// Projections are stored split, so that every activation is dense: a query head's part without
/// position and its rotated part, the key latent and the rotated key, W_UK and W_UV of kv_b_proj.
struct LayerWeights {
  DeviceVector attention_norm;                     // [n_hidden]
  std::unique_ptr<kernels::Matrix> query_latent;   // [q_rank, n_hidden]; null without q-LoRA
  DeviceVector query_norm;                         // [q_rank]
  std::unique_ptr<kernels::Matrix> query_nope;     // [n_heads * nope_dim, q_rank or n_hidden]
  std::unique_ptr<kernels::Matrix> query_rope;     // [n_heads * rope_dim, q_rank or n_hidden]
  std::unique_ptr<kernels::Matrix> key_latent;     // [kv_rank, n_hidden]
  std::unique_ptr<kernels::Matrix> key_rope;       // [rope_dim, n_hidden]
  DeviceVector key_norm;                           // [kv_rank]
  std::unique_ptr<kernels::Matrix> key_up;         // [n_heads * kv_rank, nope_dim]: W_UK transposed per head
  std::unique_ptr<kernels::Matrix> value_up;       // [n_heads * value_dim, kv_rank]: W_UV
  std::unique_ptr<kernels::Matrix> output;         // [n_hidden, n_heads * value_dim]
  std::unique_ptr<IndexerWeights> indexer;         // of a full indexer layer

  DeviceVector feed_forward_norm;                  // [n_hidden]
  std::unique_ptr<FeedForward> dense;              // of a dense layer
  std::unique_ptr<kernels::Matrix> router;         // [n_experts, n_hidden], f32
  DeviceVector router_bias;                        // [n_experts], or none
  std::vector<FeedForward> experts;
  std::vector<kernels::FeedForwardWeights> expert_table;
  std::unique_ptr<FeedForward> shared;             // or null
};

struct Weights {
  std::unique_ptr<kernels::Matrix> embedding;  // [n_vocab, n_hidden]
  std::unique_ptr<kernels::Matrix> head;       // [n_vocab, n_hidden]; null: the embedding
  DeviceVector final_norm;                     // [n_hidden]
  DeviceVector inverse_frequencies;            // [rope_dim / 2]
  std::vector<LayerWeights> layers;
  std::int64_t size_bytes = 0;                 // of all matrices, as packed

  const kernels::Matrix& head_or_embedding() const { return head ? *head : *embedding; }
};

/// Sees the share done, 0..1, and what is being read.
using WeightObserver = std::function<void(double fraction, const std::string& what)>;

/// Puts the weights of the executed layers on the device; further layers in the file are ignored.
/// When the checkpoint has no indexer tensors at all, `config` loses its indexer: such files run dense.
Result<Weights> load_weights(const Checkpoint& checkpoint, ModelConfig& config, kernels::Backend& backend,
                             const WeightObserver& observer = {}, std::stop_token stop = {});

}  // namespace engine
