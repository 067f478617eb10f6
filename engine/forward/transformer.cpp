#include "engine/forward/transformer.h"

#include <algorithm>
#include <utility>

namespace engine {
namespace {

using kernels::DType;
using kernels::TensorView;

/// The last `n` rows of a two-dimensional view.
TensorView last_rows(TensorView view, std::int64_t n) {
  const std::int64_t skipped = (view.shape[0] - n) * view.shape[1] * view.shape[2];
  view.data = static_cast<std::byte*>(view.data) + static_cast<std::size_t>(skipped) * kernels::size_of(view.dtype);
  view.shape[0] = n;
  return view;
}

/// [a, b, c] as [a * b, c].
TensorView flat(TensorView view) {
  view.shape = {view.shape[0] * view.shape[1], view.shape[2], 1};
  return view;
}

TensorView one_row(TensorView view, std::int64_t row) {
  view = last_rows(view, view.shape[0] - row);
  view.shape[0] = 1;
  return view;
}

}  // namespace

Result<std::unique_ptr<Transformer>> Transformer::create(kernels::Backend& backend, const ModelConfig& config,
                                                         const Weights& weights, std::int64_t chunk) {
  TRY_ASSIGN(Workspace space, Workspace::create(backend, config, chunk));
  return std::unique_ptr<Transformer>(new Transformer(backend, config, weights, std::move(space)));
}

Transformer::Transformer(kernels::Backend& backend, const ModelConfig& config, const Weights& weights, Workspace space)
    : backend_(backend), config_(config), weights_(weights), space_(std::move(space)) {}

Result<StepEnd> Transformer::step(std::span<const std::int32_t> tokens, std::int64_t first, KeyStore& keys,
                                  const StepOptions& options, std::span<float> logits) {
  Step step = step_of(tokens.size(), first, keys, options, logits);
  CHECK(step.n > 0 && step.n <= space_.n_tokens && first + step.n <= keys.capacity());
  if (options.top_k > 0) TRY(space_.indices.reserve(backend_, step.n * options.top_k));
  TRY(space_.logits.reserve(backend_, static_cast<std::int64_t>(logits.size())));

  backend_.embed({tokens.data(), weights_.embedding.get(), hidden_rows(step)});
  inspect(-1, step);
  watch(-1, "model.embed_tokens.weight", hidden_rows(step), step);
  for (int i = 0; i < config_.n_layers; ++i) {
    TRY(attention(i, step));
    if (is_stopped(step)) return StepEnd::kStopped;
    if (step.n > 0) feed_forward(i, weights_.layers[static_cast<std::size_t>(i)], step);
    if (is_stopped(step)) return StepEnd::kStopped;
    inspect(i, step);
  }
  if (!logits.empty()) head(step, logits);
  return finish(step);
}

Result<StepEnd> Transformer::finish(const Step& step) {
  if (const auto error = backend_.synchronize()) {
    return Error{error->out_of_memory ? ErrorCode::kOutOfMemory : ErrorCode::kDevice, error->message};
  }
  return is_stopped(step) ? StepEnd::kStopped : StepEnd::kDone;
}

Transformer::Step Transformer::step_of(std::size_t n, std::int64_t first, KeyStore& keys, const StepOptions& options,
                                       std::span<const float> logits) const {
  Step step;
  step.n = static_cast<std::int64_t>(n);
  step.first = first;
  step.keys = &keys;
  step.options = &options;
  step.n_wanted = options.inspect ? step.n : static_cast<std::int64_t>(logits.size()) / config_.n_vocab;
  step.residual = &space_.hidden;
  step.indices = &space_.indices;
  return step;
}

Result<StepEnd> Transformer::step_by_layer(std::span<const std::int32_t> tokens, std::int64_t first, KeyStore& keys,
                                           const StepOptions& options, std::span<float> logits,
                                           const std::function<void(double)>& on_layer) {
  const auto n = static_cast<std::int64_t>(tokens.size());
  CHECK(n > 0 && first + n <= keys.capacity());
  TRY(all_hidden_.reserve(backend_, n * config_.n_hidden));
  if (options.top_k > 0) TRY(all_indices_.reserve(backend_, n * options.top_k));
  TRY(space_.logits.reserve(backend_, static_cast<std::int64_t>(logits.size())));
  std::vector<Step> chunks;
  for (std::int64_t done = 0; done < n; done += space_.n_tokens) {
    const auto part = tokens.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(std::min(space_.n_tokens, n - done)));
    const bool is_last = done + space_.n_tokens >= n;
    Step& step = chunks.emplace_back(step_of(part.size(), first + done, keys, options, is_last ? logits : std::span<float>{}));
    step.residual = &all_hidden_;
    step.indices = &all_indices_;
    step.first_row = done;
    backend_.embed({part.data(), weights_.embedding.get(), hidden_rows(step)});
  }
  for (int i = 0; i < config_.n_layers; ++i) {
    for (Step& step : chunks) {
      TRY(attention(i, step));
      if (is_stopped(step)) return StepEnd::kStopped;
      if (step.n > 0) feed_forward(i, weights_.layers[static_cast<std::size_t>(i)], step);
      if (is_stopped(step)) return StepEnd::kStopped;
    }
    if (on_layer) on_layer(static_cast<double>(i + 1) / config_.n_layers);
  }
  if (!logits.empty()) head(chunks.back(), logits);
  return finish(chunks.back());
}

Result<void> Transformer::attention(int index, Step& step) {
  const LayerWeights& layer = weights_.layers[static_cast<std::size_t>(index)];
  const std::int64_t n_heads = config_.n_heads;
  norm(hidden_rows(step), layer.attention_norm, rows(space_.normed, step, config_.n_hidden));
  watch(index, "input_layernorm.weight", rows(space_.normed, step, config_.n_hidden), step);
  store_keys(index, layer, step);
  watch(index, "self_attn.kv_a_layernorm.weight", rows(space_.key_latent, step, config_.kv_rank), step);
  watch(index, "self_attn.kv_a_proj_with_mqa.weight", rows(space_.key_rope, step, config_.rope_dim), step);
  if (index + 1 == config_.n_layers) {
    keep_last_rows(step);
    if (step.n == 0) return {};
  }
  project_queries(index, layer, step);
  TRY(select(index, layer, step));
  // A stopped operation leaves its output undefined, and the next one would read through these indices.
  if (is_stopped(step)) return {};
  report_selection(index, step);
  TRY(measure_recall(index, step));

  kernels::AttentionArgs args;
  args.q_latent = rows(space_.query_absorbed, step, n_heads, config_.kv_rank);
  args.q_rope = rows(space_.query_rope, step, n_heads, config_.rope_dim);
  args.cache = &step.keys->layer(index);
  args.scale = static_cast<float>(config_.softmax_scale());
  args.first_position = step.first;
  if (step.is_selected) args.indices = index_rows(step, step.options->top_k);
  args.out = rows(space_.attended, step, n_heads, config_.kv_rank);
  backend_.attention(args);

  const TensorView values = rows(space_.values, step, n_heads, config_.value_dim);
  backend_.matmul_heads({args.out, layer.value_up.get(), values});
  backend_.matmul({rows(space_.values, step, n_heads * config_.value_dim), layer.output.get(),
                   hidden_rows(step), /*accumulate=*/true});
  watch(index, "self_attn.kv_b_proj.weight", values, step);
  watch(index, "self_attn.o_proj.weight", hidden_rows(step), step);
  return {};
}

TensorView Transformer::hidden_rows(const Step& step) const {
  return last_rows(step.residual->view(step.first_row + step.skipped + step.n, config_.n_hidden), step.n);
}

TensorView Transformer::index_rows(const Step& step, std::int64_t k) {
  return last_rows(step.indices->view(step.first_row + step.skipped + step.n, k, 1, DType::kI32), step.n);
}

void Transformer::keep_last_rows(Step& step) {
  const std::int64_t skipped = step.n - std::min(step.n, step.n_wanted);
  step.first += skipped;
  step.skipped += skipped;
  step.n -= skipped;
}

TensorView Transformer::rows(const Activation& activation, const Step& step, std::int64_t d1, std::int64_t d2, DType dtype) {
  return last_rows(activation.view(step.skipped + step.n, d1, d2, dtype), step.n);
}

void Transformer::project_queries(int index, const LayerWeights& layer, const Step& step) {
  const std::int64_t n_heads = config_.n_heads;
  TensorView in = rows(space_.normed, step, config_.n_hidden);
  if (layer.query_latent) {
    const TensorView raw = rows(space_.query_raw, step, config_.q_rank);
    backend_.matmul({in, layer.query_latent.get(), raw});
    in = rows(space_.query_latent, step, config_.q_rank);
    norm(raw, layer.query_norm, in);
    watch(index, "self_attn.q_a_layernorm.weight", in, step);
  }
  backend_.matmul({in, layer.query_nope.get(), rows(space_.query_nope, step, n_heads * config_.nope_dim)});
  backend_.matmul({in, layer.query_rope.get(), rows(space_.query_rope, step, n_heads * config_.rope_dim)});
  rotate(rows(space_.query_rope, step, n_heads, config_.rope_dim), step.first, /*is_interleaved=*/true);
  backend_.matmul_heads({rows(space_.query_nope, step, n_heads, config_.nope_dim), layer.key_up.get(),
                         rows(space_.query_absorbed, step, n_heads, config_.kv_rank)});
  watch(index, layer.query_latent ? "self_attn.q_b_proj.weight" : "self_attn.q_proj.weight",
        rows(space_.query_nope, step, n_heads * config_.nope_dim), step);
  watch(index, "self_attn.kv_b_proj.weight", rows(space_.query_absorbed, step, n_heads, config_.kv_rank), step);
}

void Transformer::store_keys(int index, const LayerWeights& layer, const Step& step) {
  const TensorView in = rows(space_.normed, step, config_.n_hidden);
  const TensorView raw = rows(space_.key_raw, step, config_.kv_rank);
  kernels::StoreKeysArgs args;
  args.cache = &step.keys->layer(index);
  args.latent = rows(space_.key_latent, step, config_.kv_rank);
  args.rope = rows(space_.key_rope, step, config_.rope_dim);
  args.first_position = step.first;
  backend_.matmul({in, layer.key_latent.get(), raw});
  norm(raw, layer.key_norm, args.latent);
  backend_.matmul({in, layer.key_rope.get(), args.rope});
  rotate(rows(space_.key_rope, step, 1, config_.rope_dim), step.first, /*is_interleaved=*/true);
  if (layer.indexer) {
    // Stored even where no scores are needed yet: later queries will look at them.
    const IndexerConfig& indexer = config_.indexer;
    const TensorView raw_index = rows(space_.index_raw, step, indexer.head_dim);
    args.index_keys = rows(space_.index_keys, step, indexer.head_dim);
    backend_.matmul({in, layer.indexer->keys.get(), raw_index});
    backend_.layer_norm({raw_index, layer.indexer->key_norm.view(), layer.indexer->key_norm_bias.view(),
                         args.index_keys, indexer.norm_epsilon});
    rotate(rows(space_.index_keys, step, 1, indexer.head_dim), step.first, indexer.interleaved);
    if (indexer.hadamard) backend_.hadamard({args.index_keys});
  }
  backend_.store_keys(args);
}

Result<void> Transformer::select_blocks(int index, Step& step) {
  const int budget = step.options->top_k;
  step.is_selected = step.first + step.n > budget || !step.options->mute_ranges.empty();
  if (!step.is_selected) return {};
  const BlockOptions options{budget, step.options->keep_window, step.options->keep_ranges, step.options->mute_ranges};
  TRY(step.options->blocks->select(index, *step.keys, rows(space_.query_absorbed, step, config_.n_heads, config_.kv_rank),
                                   rows(space_.query_rope, step, config_.n_heads, config_.rope_dim), step.first, options,
                                   host_indices_));
  backend_.copy_to_device(host_indices_.data(), index_rows(step, budget));
  return {};
}

Result<void> Transformer::select(int index, const LayerWeights& layer, Step& step) {
  if (step.options->blocks != nullptr) return select_blocks(index, step);
  const int top_k = step.options->top_k;
  const IndexerKind kind = config_.indexers[static_cast<std::size_t>(index)];
  if (kind == IndexerKind::kShared) return {};  // keeps the selection of the layer before
  const bool leaves_out = step.first + step.n > top_k || !step.options->mute_ranges.empty();
  step.is_selected = top_k > 0 && kind == IndexerKind::kFull && leaves_out;
  if (!step.is_selected) return {};
  const IndexerConfig& indexer = config_.indexer;
  const std::int64_t n_heads = indexer.n_heads;
  kernels::SelectKeysArgs args;
  args.queries = rows(space_.index_queries, step, n_heads, indexer.head_dim);
  args.head_weights = rows(space_.index_weights, step, n_heads);
  args.cache = &step.keys->layer(index);
  args.first_position = step.first;
  args.indices = index_rows(step, top_k);
  args.keep_window = step.options->keep_window;
  args.keep_ranges = step.options->keep_ranges.data();
  args.n_keep_ranges = static_cast<int>(step.options->keep_ranges.size() / 2);
  args.mute_ranges = step.options->mute_ranges.data();
  args.n_mute_ranges = static_cast<int>(step.options->mute_ranges.size() / 2);
  backend_.matmul({rows(space_.query_latent, step, config_.q_rank), layer.indexer->queries.get(),
                   rows(space_.index_queries, step, n_heads * indexer.head_dim)});
  rotate(args.queries, step.first, indexer.interleaved);
  if (indexer.hadamard) backend_.hadamard({flat(rows(space_.index_queries, step, n_heads, indexer.head_dim))});
  backend_.matmul({rows(space_.normed, step, config_.n_hidden), layer.indexer->head_weights.get(), args.head_weights});
  backend_.select_keys(args);
  return {};
}

void Transformer::report_selection(int index, const Step& step) {
  SelectionSink* sink = step.options->sink;
  if (sink == nullptr || is_stopped(step)) return;
  if (!step.is_selected) {
    sink->on_selection(index, step.first, step.n, 0, nullptr);
    return;
  }
  const std::int64_t k = step.options->top_k;
  host_indices_.resize(static_cast<std::size_t>(step.n * k));
  backend_.copy_to_host(index_rows(step, k), host_indices_.data());
  sink->on_selection(index, step.first, step.n, k, host_indices_.data());
}

Result<void> Transformer::measure_recall(int index, const Step& step) {
  for (const std::int64_t position : step.options->recall_positions) {
    if (position < step.first || position >= step.first + step.n || is_stopped(step)) continue;
    if (!step.is_selected) {
      step.options->on_recall(index, 1.0f);
      continue;
    }
    const std::int64_t row = position - step.first;
    const std::int64_t n_keys = position + 1;
    TRY(mass_.reserve(backend_, n_keys));
    kernels::AttentionMassArgs args;
    args.q_latent = one_row(rows(space_.query_absorbed, step, config_.n_heads, config_.kv_rank), row);
    args.q_rope = one_row(rows(space_.query_rope, step, config_.n_heads, config_.rope_dim), row);
    args.cache = &step.keys->layer(index);
    args.scale = static_cast<float>(config_.softmax_scale());
    args.first_position = position;
    args.mass = mass_.view(1, n_keys);
    backend_.attention_mass(args);
    host_mass_.resize(static_cast<std::size_t>(n_keys));
    backend_.copy_to_host(args.mass, host_mass_.data());
    const std::int64_t k = step.options->top_k;
    host_indices_.resize(static_cast<std::size_t>(step.n * k));
    backend_.copy_to_host(index_rows(step, k), host_indices_.data());
    double share = 0.0;
    for (const std::int32_t s : std::span(host_indices_).subspan(static_cast<std::size_t>(row * k), static_cast<std::size_t>(k))) {
      if (s >= 0) share += host_mass_[static_cast<std::size_t>(s)];
    }
    step.options->on_recall(index, static_cast<float>(share));
  }
  return {};
}

void Transformer::feed_forward(int index, const LayerWeights& layer, const Step& step) {
  const TensorView hidden = hidden_rows(step);
  const TensorView in = rows(space_.normed, step, config_.n_hidden);
  norm(hidden, layer.feed_forward_norm, in);
  watch(index, "post_attention_layernorm.weight", in, step);
  if (layer.dense) {
    backend_.feed_forward({in, layer.dense->view(), hidden, /*accumulate=*/true});
    watch(index, "mlp.gate_proj, up_proj and down_proj", hidden, step);
    return;
  }
  const ExpertConfig& experts = config_.experts;
  kernels::RouteExpertsArgs route;
  route.logits = rows(space_.router_logits, step, experts.n_experts);
  route.bias = layer.router_bias.view();
  route.score = experts.router == RouterKind::kSoftmax ? kernels::RouterScore::kSoftmax : kernels::RouterScore::kSigmoid;
  route.n_groups = experts.n_groups;
  route.n_groups_kept = experts.n_groups_kept;
  route.n_best_of_group = experts.n_best_of_group;
  route.normalise = experts.normalise;
  route.scale = experts.scale;
  route.experts = rows(space_.experts, step, experts.n_used, 1, DType::kI32);
  route.weights = rows(space_.expert_weights, step, experts.n_used);
  backend_.matmul({in, layer.router.get(), route.logits});
  watch(index, "mlp.gate.weight", route.logits, step);
  backend_.route_experts(route);
  if (is_stopped(step)) return;  // as above: expert numbers would be undefined
  kernels::RunExpertsArgs run;
  run.in = in;
  run.experts = layer.expert_table.data();
  run.n_experts = experts.n_experts;
  run.chosen = route.experts;
  run.weights = route.weights;
  run.out = hidden;
  run.accumulate = true;
  backend_.run_experts(run);
  watch(index, "mlp.experts", hidden, step);
  if (!layer.shared) return;
  backend_.feed_forward({in, layer.shared->view(), hidden, /*accumulate=*/true});
  watch(index, "mlp.shared_experts", hidden, step);
}

void Transformer::head(const Step& step, std::span<float> logits) {
  const std::int64_t n = static_cast<std::int64_t>(logits.size()) / config_.n_vocab;
  CHECK(n >= 1 && n <= step.n && n * config_.n_vocab == static_cast<std::int64_t>(logits.size()));
  const TensorView hidden = last_rows(hidden_rows(step), n);
  const TensorView normed = space_.normed.view(n, config_.n_hidden);
  const TensorView out = space_.logits.view(n, config_.n_vocab);
  norm(hidden, weights_.final_norm, normed);
  backend_.matmul({normed, &weights_.head_or_embedding(), out});
  backend_.copy_to_host(out, logits.data());
}

void Transformer::norm(const TensorView& in, const DeviceVector& weight, const TensorView& out) {
  kernels::RmsNormArgs args;
  args.in = in;
  args.weight = weight.view();
  args.out = out;
  args.eps = config_.norm_epsilon;
  backend_.rms_norm(args);
}

void Transformer::rotate(const TensorView& values, std::int64_t first, bool is_interleaved) {
  kernels::RotateArgs args;
  args.values = values;
  args.inverse_frequencies = weights_.inverse_frequencies.view();
  args.rope_dim = config_.rope_dim;
  args.pairs = is_interleaved ? kernels::RopePairs::kInterleaved : kernels::RopePairs::kHalfSplit;
  args.first_position = first;
  backend_.rotate(args);
}

void Transformer::watch(int layer, const char* tensor, const TensorView& values, const Step& step) {
  if (!step.options->watch || step.n == 0) return;
  std::vector<float> host(static_cast<std::size_t>(values.n_elements()));
  backend_.copy_to_host(values, host.data());
  step.options->watch(layer, tensor, host);
}

void Transformer::inspect(int layer, const Step& step) {
  if (!step.options->inspect) return;
  host_hidden_.resize(static_cast<std::size_t>(step.n * config_.n_hidden));
  backend_.copy_to_host(hidden_rows(step), host_hidden_.data());
  step.options->inspect(layer, host_hidden_);
}

}  // namespace engine
