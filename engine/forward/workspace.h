#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/result.h"
#include "engine/model/config.h"
#include "kernels/api/backend.h"

namespace engine {

/// Device memory of one activation, viewed with whatever row count a step has.
class Activation {
 public:
  /// Keeps what is there when it is large enough.
  Result<void> reserve(kernels::Backend& backend, std::int64_t n_elements);
  kernels::TensorView view(std::int64_t d0, std::int64_t d1 = 1, std::int64_t d2 = 1,
                           kernels::DType dtype = kernels::DType::kF32) const;

 private:
  std::unique_ptr<kernels::Buffer> buffer_;
};

/// All activations of a forward pass over up to `n_tokens` tokens, allocated once. Shapes below are
/// those of a full step; every value is f32 but for indices and experts, which are i32.
struct Workspace {
  std::int64_t n_tokens = 0;
  Activation hidden;         // [n_tokens, n_hidden], the residual stream
  Activation normed;         // [n_tokens, n_hidden]
  Activation query_raw;      // [n_tokens, q_rank]
  Activation query_latent;   // [n_tokens, q_rank]
  Activation query_nope;     // [n_tokens, n_heads, nope_dim]
  Activation query_rope;     // [n_tokens, n_heads, rope_dim]
  Activation query_absorbed; // [n_tokens, n_heads, kv_rank]
  Activation key_raw;        // [n_tokens, kv_rank]
  Activation key_latent;     // [n_tokens, kv_rank]
  Activation key_rope;       // [n_tokens, rope_dim]
  Activation index_queries;  // [n_tokens, indexer heads, head_dim]
  Activation index_weights;  // [n_tokens, indexer heads]
  Activation index_raw;      // [n_tokens, head_dim]
  Activation index_keys;     // [n_tokens, head_dim]
  Activation indices;        // [n_tokens, top_k]
  Activation attended;       // [n_tokens, n_heads, kv_rank]
  Activation values;         // [n_tokens, n_heads, value_dim]
  Activation router_logits;  // [n_tokens, n_experts]
  Activation experts;        // [n_tokens, n_used]
  Activation expert_weights; // [n_tokens, n_used]
  Activation logits;         // [rows asked for, n_vocab]

  static Result<Workspace> create(kernels::Backend& backend, const ModelConfig& config, std::int64_t n_tokens);
};

}  // namespace engine
