#include "engine/model/weights.h"

#include <cmath>
#include <cstring>
#include <utility>

#include "engine/base/log.h"

namespace engine {
namespace {

using kernels::DType;
using MatrixPointer = std::unique_ptr<kernels::Matrix>;

Error from_device(const kernels::DeviceError& error) {
  return Error{error.out_of_memory ? ErrorCode::kOutOfMemory : ErrorCode::kDevice, error.message};
}

/// Reads tensors by name and puts them on the device.
class Loader {
 public:
  Loader(const Checkpoint& checkpoint, const ModelConfig& config, kernels::Backend& backend)
      : checkpoint_(checkpoint), config_(config), backend_(backend) {}

  std::int64_t size_bytes() const { return size_bytes_; }

  Result<MatrixPointer> matrix(const std::string& name, std::int64_t n_out, std::int64_t n_in, bool may_stay = false) {
    TRY_ASSIGN(const HostMatrix host, checkpoint_.matrix(name, n_out, n_in));
    return put(host, /*keep_f32=*/false, may_stay);
  }

  /// `keep_f32`: rounding these weights would change what is chosen (experts, keys).
  /// `may_stay`: a device without room may leave the values in this computer's memory.
  Result<MatrixPointer> put(const HostMatrix& host, bool keep_f32 = false, bool may_stay = false) {
    kernels::MatrixSource source = host.source();
    source.keep_f32 = keep_f32;
    if (may_stay) source.owner = host.owned;
    auto made = backend_.load_matrix(source);
    if (auto* error = std::get_if<kernels::DeviceError>(&made)) return from_device(*error);
    auto& matrix = std::get<MatrixPointer>(made);
    size_bytes_ += static_cast<std::int64_t>(matrix->size_bytes());
    return std::move(matrix);
  }

  Result<DeviceVector> vector(const std::string& name, std::int64_t n) {
    TRY_ASSIGN(const std::vector<float> values, checkpoint_.vector(name, n));
    return put_vector(values);
  }

  Result<DeviceVector> put_vector(const std::vector<float>& values) {
    DeviceVector vector;
    vector.n = static_cast<std::int64_t>(values.size());
    auto made = backend_.allocate(values.size() * sizeof(float));
    if (auto* error = std::get_if<kernels::DeviceError>(&made)) return from_device(*error);
    vector.buffer = std::move(std::get<std::unique_ptr<kernels::Buffer>>(made));
    backend_.copy_to_device(values.data(), vector.view());
    size_bytes_ += static_cast<std::int64_t>(values.size() * sizeof(float));
    return vector;
  }

  Result<FeedForward> feed_forward(const std::string& prefix, std::int64_t n_inner, bool may_stay = false) {
    FeedForward made;
    TRY_ASSIGN(made.gate, matrix(prefix + "gate_proj.weight", n_inner, config_.n_hidden, may_stay));
    TRY_ASSIGN(made.up, matrix(prefix + "up_proj.weight", n_inner, config_.n_hidden, may_stay));
    TRY_ASSIGN(made.down, matrix(prefix + "down_proj.weight", config_.n_hidden, n_inner, may_stay));
    return made;
  }

  /// The rows whose products are rotated, from `first` of each head. What YaRN may scale after the rotation
  /// is scaled before it, here.
  HostMatrix rotated_rows(const HostMatrix& matrix, int n_heads, std::int64_t first) const {
    const HostMatrix rows = head_rows(matrix, n_heads, first, config_.rope_dim);
    const double factor = config_.yarn ? config_.yarn->rope_factor() : 1.0;
    return factor == 1.0 ? rows : scaled(rows, static_cast<float>(factor));
  }

  Result<void> attention(const std::string& prefix, LayerWeights& layer);
  Result<void> queries(const std::string& prefix, LayerWeights& layer);
  Result<std::unique_ptr<IndexerWeights>> indexer(const std::string& prefix);
  Result<void> experts(const std::string& prefix, LayerWeights& layer, std::stop_token stop);
  Result<LayerWeights> layer(int index, std::stop_token stop);

 private:
  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  kernels::Backend& backend_;
  std::int64_t size_bytes_ = 0;
};

Result<void> Loader::queries(const std::string& prefix, LayerWeights& layer) {
  const bool has_latent = config_.q_rank > 0;
  const std::int64_t n_in = has_latent ? config_.q_rank : config_.n_hidden;
  const std::int64_t head_dim = config_.nope_dim + config_.rope_dim;
  if (has_latent) {
    TRY_ASSIGN(layer.query_latent, matrix(prefix + "q_a_proj.weight", config_.q_rank, config_.n_hidden));
    TRY_ASSIGN(layer.query_norm, vector(prefix + "q_a_layernorm.weight", config_.q_rank));
  }
  const std::string name = prefix + (has_latent ? "q_b_proj.weight" : "q_proj.weight");
  TRY_ASSIGN(const HostMatrix all, checkpoint_.matrix(name, config_.n_heads * head_dim, n_in));
  TRY_ASSIGN(layer.query_nope, put(head_rows(all, config_.n_heads, 0, config_.nope_dim)));
  TRY_ASSIGN(layer.query_rope, put(rotated_rows(all, config_.n_heads, config_.nope_dim)));
  return {};
}

Result<void> Loader::attention(const std::string& prefix, LayerWeights& layer) {
  TRY(queries(prefix, layer));
  TRY_ASSIGN(const HostMatrix key, checkpoint_.matrix(prefix + "kv_a_proj_with_mqa.weight",
                                                     config_.kv_rank + config_.rope_dim, config_.n_hidden));
  TRY_ASSIGN(layer.key_latent, put(head_rows(key, 1, 0, config_.kv_rank)));
  TRY_ASSIGN(layer.key_rope, put(rotated_rows(key, 1, config_.kv_rank)));
  TRY_ASSIGN(layer.key_norm, vector(prefix + "kv_a_layernorm.weight", config_.kv_rank));
  const std::int64_t n_up = config_.n_heads * std::int64_t{config_.nope_dim + config_.value_dim};
  TRY_ASSIGN(const HostMatrix up, checkpoint_.matrix(prefix + "kv_b_proj.weight", n_up, config_.kv_rank));
  const HostMatrix key_up = head_rows(up, config_.n_heads, 0, config_.nope_dim);
  TRY_ASSIGN(layer.key_up, put(transposed_heads(key_up, config_.n_heads)));
  TRY_ASSIGN(layer.value_up, put(head_rows(up, config_.n_heads, config_.nope_dim, config_.value_dim)));
  TRY_ASSIGN(layer.output, matrix(prefix + "o_proj.weight", config_.n_hidden,
                                  config_.n_heads * std::int64_t{config_.value_dim}));
  return {};
}

Result<std::unique_ptr<IndexerWeights>> Loader::indexer(const std::string& prefix) {
  const std::int64_t n_heads = config_.indexer.n_heads;
  const std::int64_t head_dim = config_.indexer.head_dim;
  auto made = std::make_unique<IndexerWeights>();
  TRY_ASSIGN(made->queries, matrix(prefix + "wq_b.weight", n_heads * head_dim, config_.q_rank));
  // Keys and head weights decide between keys that score almost the same: never below f32.
  TRY_ASSIGN(const HostMatrix keys, checkpoint_.matrix(prefix + "wk.weight", head_dim, config_.n_hidden));
  TRY_ASSIGN(made->keys, put(widened(keys), /*keep_f32=*/true));
  TRY_ASSIGN(const HostMatrix stored, checkpoint_.matrix(prefix + "weights_proj.weight", n_heads, config_.n_hidden));
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(n_heads * head_dim)));
  TRY_ASSIGN(made->head_weights, put(scaled(stored, scale), /*keep_f32=*/true));
  TRY_ASSIGN(made->key_norm, vector(prefix + "k_norm.weight", head_dim));
  TRY_ASSIGN(made->key_norm_bias, vector(prefix + "k_norm.bias", head_dim));
  return made;
}

Result<void> Loader::experts(const std::string& prefix, LayerWeights& layer, std::stop_token stop) {
  const ExpertConfig& experts = config_.experts;
  TRY_ASSIGN(const HostMatrix router, checkpoint_.matrix(prefix + "gate.weight", experts.n_experts, config_.n_hidden));
  TRY_ASSIGN(layer.router, put(widened(router), /*keep_f32=*/true));
  if (experts.has_bias) {
    TRY_ASSIGN(layer.router_bias, vector(prefix + "gate.e_score_correction_bias", experts.n_experts));
  }
  for (int e = 0; e < experts.n_experts; ++e) {
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "Loading the model was cancelled."};
    TRY_ASSIGN(FeedForward expert, feed_forward(prefix + "experts." + std::to_string(e) + ".", experts.n_inner, /*may_stay=*/true));
    layer.experts.push_back(std::move(expert));
    layer.expert_table.push_back(layer.experts.back().view());
  }
  if (experts.n_shared > 0) {
    const std::int64_t n_inner = std::int64_t{experts.n_inner} * experts.n_shared;
    TRY_ASSIGN(FeedForward shared, feed_forward(prefix + "shared_experts.", n_inner));
    layer.shared = std::make_unique<FeedForward>(std::move(shared));
  }
  return {};
}

Result<LayerWeights> Loader::layer(int index, std::stop_token stop) {
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  LayerWeights layer;
  TRY_ASSIGN(layer.attention_norm, vector(prefix + "input_layernorm.weight", config_.n_hidden));
  TRY(attention(prefix + "self_attn.", layer));
  if (config_.indexers[static_cast<std::size_t>(index)] == IndexerKind::kFull) {
    TRY_ASSIGN(layer.indexer, indexer(prefix + "self_attn.indexer."));
  }
  TRY_ASSIGN(layer.feed_forward_norm, vector(prefix + "post_attention_layernorm.weight", config_.n_hidden));
  if (config_.is_moe[static_cast<std::size_t>(index)]) {
    TRY(experts(prefix + "mlp.", layer, stop));
  } else {
    TRY_ASSIGN(FeedForward dense, feed_forward(prefix + "mlp.", config_.n_dense_inner));
    layer.dense = std::make_unique<FeedForward>(std::move(dense));
  }
  return layer;
}

bool has_any_indexer(const Checkpoint& checkpoint, const ModelConfig& config) {
  for (int i = 0; i < config.n_layers; ++i) {
    if (checkpoint.has("model.layers." + std::to_string(i) + ".self_attn.indexer.wq_b.weight")) return true;
  }
  return false;
}

}  // namespace

kernels::TensorView DeviceVector::view() const {
  if (!buffer) return {};
  return {buffer->data(), DType::kF32, {n, 1, 1}};
}

Result<Weights> load_weights(const Checkpoint& checkpoint, ModelConfig& config, kernels::Backend& backend,
                             const WeightObserver& observer, std::stop_token stop) {
  if (config.has_indexer() && !has_any_indexer(checkpoint, config)) {
    log(LogLevel::kWarning, "The model's files hold no indexer: short prompts are read whole, for long ones blocks are chosen without it.");
    drop_indexer(config);
  }
  Loader loader(checkpoint, config, backend);
  Weights weights;
  TRY_ASSIGN(weights.embedding, loader.matrix("model.embed_tokens.weight", config.n_vocab, config.n_hidden));
  const double n_steps = config.n_layers + 1;
  for (int i = 0; i < config.n_layers; ++i) {
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "Loading the model was cancelled."};
    if (observer) observer((i + 0.5) / n_steps, "layer " + std::to_string(i + 1) + " of " + std::to_string(config.n_layers));
    TRY_ASSIGN(LayerWeights layer, loader.layer(i, stop));
    weights.layers.push_back(std::move(layer));
  }
  TRY_ASSIGN(weights.final_norm, loader.vector("model.norm.weight", config.n_hidden));
  if (!config.tied_head) {
    TRY_ASSIGN(weights.head, loader.matrix("lm_head.weight", config.n_vocab, config.n_hidden));
  }
  TRY_ASSIGN(weights.inverse_frequencies, loader.put_vector(config.inverse_frequencies()));
  weights.size_bytes = loader.size_bytes();
  if (observer) observer(1.0, "ready");
  return weights;
}

}  // namespace engine
