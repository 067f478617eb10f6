#include "engine/forward/workspace.h"

#include <utility>

namespace engine {

Result<void> Activation::reserve(kernels::Backend& backend, std::int64_t n_elements) {
  const std::size_t n_bytes = static_cast<std::size_t>(n_elements) * sizeof(float);
  if (buffer_ && buffer_->size_bytes() >= n_bytes) return {};
  buffer_.reset();
  auto made = backend.allocate(n_bytes);
  if (auto* error = std::get_if<kernels::DeviceError>(&made)) {
    return Error{error->out_of_memory ? ErrorCode::kOutOfMemory : ErrorCode::kDevice, error->message};
  }
  buffer_ = std::move(std::get<std::unique_ptr<kernels::Buffer>>(made));
  return {};
}

kernels::TensorView Activation::view(std::int64_t d0, std::int64_t d1, std::int64_t d2, kernels::DType dtype) const {
  CHECK(buffer_ && static_cast<std::size_t>(d0 * d1 * d2) * kernels::size_of(dtype) <= buffer_->size_bytes());
  return {buffer_->data(), dtype, {d0, d1, d2}};
}

Result<Workspace> Workspace::create(kernels::Backend& backend, const ModelConfig& config, std::int64_t n_tokens) {
  Workspace space;
  space.n_tokens = n_tokens;
  const std::int64_t n_heads = config.n_heads;
  const std::pair<Activation*, std::int64_t> sizes[] = {
      {&space.hidden, config.n_hidden},
      {&space.normed, config.n_hidden},
      {&space.query_raw, config.q_rank},
      {&space.query_latent, config.q_rank},
      {&space.query_nope, n_heads * config.nope_dim},
      {&space.query_rope, n_heads * config.rope_dim},
      {&space.query_absorbed, n_heads * config.kv_rank},
      {&space.key_raw, config.kv_rank},
      {&space.key_latent, config.kv_rank},
      {&space.key_rope, config.rope_dim},
      {&space.index_queries, std::int64_t{config.indexer.n_heads} * config.indexer.head_dim},
      {&space.index_weights, config.indexer.n_heads},
      {&space.index_raw, config.indexer.head_dim},
      {&space.index_keys, config.indexer.head_dim},
      {&space.attended, n_heads * config.kv_rank},
      {&space.values, n_heads * config.value_dim},
      {&space.router_logits, config.experts.n_experts},
      {&space.experts, config.experts.n_used},
      {&space.expert_weights, config.experts.n_used},
  };
  for (const auto& [activation, width] : sizes) {
    if (width > 0) TRY(activation->reserve(backend, n_tokens * width));
  }
  TRY(space.logits.reserve(backend, config.n_vocab));
  return space;
}

}  // namespace engine
