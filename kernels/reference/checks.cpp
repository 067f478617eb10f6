#include "kernels/reference/checks.h"

#include <cstdio>
#include <cstdlib>

namespace kernels {

void require_shape(const char* operation, const char* name, const TensorView& view, DType dtype,
                   std::int64_t d0, std::int64_t d1, std::int64_t d2) {
  const bool same = view.dtype == dtype && view.shape[0] == d0 && view.shape[1] == d1 && view.shape[2] == d2;
  if (same && (view.data != nullptr || view.n_elements() == 0)) return;
  std::fprintf(stderr, "%s: %s is [%lld, %lld, %lld] of type %d%s, wanted is [%lld, %lld, %lld] of type %d\n",
               operation, name, static_cast<long long>(view.shape[0]), static_cast<long long>(view.shape[1]),
               static_cast<long long>(view.shape[2]), static_cast<int>(view.dtype),
               view.data == nullptr ? " without data" : "", static_cast<long long>(d0),
               static_cast<long long>(d1), static_cast<long long>(d2), static_cast<int>(dtype));
  std::abort();
}

void require_matrix(const char* operation, const char* name, const Matrix* matrix, std::int64_t n_out,
                    std::int64_t n_in) {
  if (matrix != nullptr && matrix->n_out() == n_out && matrix->n_in() == n_in) return;
  std::fprintf(stderr, "%s: %s is [%lld, %lld], wanted is [%lld, %lld]\n", operation, name,
               static_cast<long long>(matrix ? matrix->n_out() : -1),
               static_cast<long long>(matrix ? matrix->n_in() : -1), static_cast<long long>(n_out),
               static_cast<long long>(n_in));
  std::abort();
}

void require(const char* operation, bool condition, const char* text) {
  if (condition) return;
  std::fprintf(stderr, "%s: %s\n", operation, text);
  std::abort();
}

void check(const EmbedArgs& args) {
  require("embed", args.table != nullptr && (args.ids != nullptr || args.out.shape[0] == 0),
          "table or ids are missing");
  require_shape("embed", "out", args.out, DType::kF32, args.out.shape[0], args.table->n_in());
  for (std::int64_t t = 0; t < args.out.shape[0]; ++t)
    require("embed", args.ids[t] >= 0 && args.ids[t] < args.table->n_out(), "an id is outside of the table");
}

void check(const MatmulArgs& args) {
  require("matmul", args.weight != nullptr, "weight is missing");
  require_shape("matmul", "in", args.in, DType::kF32, args.in.shape[0], args.weight->n_in());
  require_shape("matmul", "out", args.out, DType::kF32, args.in.shape[0], args.weight->n_out());
}

void check(const MatmulHeadsArgs& args) {
  const auto& in = args.in.shape;
  const auto& out = args.out.shape;
  require_shape("matmul_heads", "in", args.in, DType::kF32, in[0], in[1], in[2]);
  require_shape("matmul_heads", "out", args.out, DType::kF32, in[0], in[1], out[2]);
  require_matrix("matmul_heads", "weight", args.weight, in[1] * out[2], in[2]);
}

void check(const RmsNormArgs& args) {
  const std::int64_t rows = args.in.shape[0];
  const std::int64_t n = args.weight.shape[0];
  require_shape("rms_norm", "in", args.in, DType::kF32, rows, n);
  require_shape("rms_norm", "weight", args.weight, DType::kF32, n);
  require_shape("rms_norm", "out", args.out, DType::kF32, rows, n);
  require("rms_norm", args.in_row_stride == 0 || args.in_row_stride >= n,
          "in_row_stride is shorter than a row");
  require("rms_norm", args.out_row_stride == 0 || args.out_row_stride >= n,
          "out_row_stride is shorter than a row");
}

void check(const LayerNormArgs& args) {
  const std::int64_t rows = args.in.shape[0];
  const std::int64_t n = args.weight.shape[0];
  require_shape("layer_norm", "in", args.in, DType::kF32, rows, n);
  require_shape("layer_norm", "weight", args.weight, DType::kF32, n);
  require_shape("layer_norm", "bias", args.bias, DType::kF32, n);
  require_shape("layer_norm", "out", args.out, DType::kF32, rows, n);
}

void check(const RotateArgs& args) {
  const auto& shape = args.values.shape;
  require_shape("rotate", "values", args.values, DType::kF32, shape[0], shape[1], shape[2]);
  require("rotate", args.rope_dim > 0 && args.rope_dim % 2 == 0, "rope_dim is not a positive even number");
  require("rotate", args.offset >= 0 && args.offset + args.rope_dim <= shape[2],
          "the rotated part leaves the head");
  require_shape("rotate", "inverse_frequencies", args.inverse_frequencies, DType::kF32, args.rope_dim / 2);
}

void check(const HadamardArgs& args) {
  const std::int64_t n = args.values.shape[1];
  require_shape("hadamard", "values", args.values, DType::kF32, args.values.shape[0], n);
  require("hadamard", n > 0 && (n & (n - 1)) == 0, "the row length is not a power of two");
}

void check(const StoreKeysArgs& args, const KeyCacheShape& cache) {
  const std::int64_t n = args.latent.shape[0];
  require_shape("store_keys", "latent", args.latent, DType::kF32, n, cache.latent_dim);
  require_shape("store_keys", "rope", args.rope, DType::kF32, n, cache.rope_dim);
  if (cache.index_dim > 0)
    require_shape("store_keys", "index_keys", args.index_keys, DType::kF32, n, cache.index_dim);
  require("store_keys", args.first_position >= 0 && args.first_position + n <= cache.capacity,
          "the rows leave the cache");
}

namespace {

void check_queries(const char* operation, const TensorView& queries, const TensorView& head_weights,
                   const KeyCacheShape& cache) {
  const std::int64_t n = queries.shape[0];
  const std::int64_t heads = queries.shape[1];
  require(operation, cache.index_dim > 0, "the cache has no indexer keys");
  require_shape(operation, "queries", queries, DType::kF32, n, heads, cache.index_dim);
  require_shape(operation, "head_weights", head_weights, DType::kF32, n, heads);
}

}  // namespace

void check(const SelectKeysArgs& args, const KeyCacheShape& cache) {
  const std::int64_t n = args.queries.shape[0];
  check_queries("select_keys", args.queries, args.head_weights, cache);
  require("select_keys", args.first_position >= 0 && args.first_position + n <= cache.capacity,
          "the queries leave the cache");
  require("select_keys", args.indices.shape[1] > 0, "k is not positive");
  require_shape("select_keys", "indices", args.indices, DType::kI32, n, args.indices.shape[1]);
  require("select_keys", args.keep_window >= 0 && (args.n_keep_ranges == 0 || args.keep_ranges != nullptr),
          "keep_window or keep_ranges are wrong");
  require("select_keys", args.n_mute_ranges == 0 || args.mute_ranges != nullptr, "mute_ranges are missing");
}

void check(const ScoreKeysArgs& args, const KeyCacheShape& cache) {
  check_queries("score_keys", args.queries, args.head_weights, cache);
  require_shape("score_keys", "scores", args.scores, DType::kF32, args.queries.shape[0],
                args.scores.shape[1]);
  require("score_keys", args.scores.shape[1] <= cache.capacity, "more keys than the cache holds");
}

void check(const AttentionArgs& args, const KeyCacheShape& cache) {
  const std::int64_t n = args.q_latent.shape[0];
  const std::int64_t heads = args.q_latent.shape[1];
  require_shape("attention", "q_latent", args.q_latent, DType::kF32, n, heads, cache.latent_dim);
  require_shape("attention", "q_rope", args.q_rope, DType::kF32, n, heads, cache.rope_dim);
  require_shape("attention", "out", args.out, DType::kF32, n, heads, cache.latent_dim);
  require("attention", args.first_position >= 0 && args.first_position + n <= cache.capacity,
          "the queries leave the cache");
  if (args.indices.data != nullptr)
    require_shape("attention", "indices", args.indices, DType::kI32, n, args.indices.shape[1]);
}

void check(const AttentionMassArgs& args, const KeyCacheShape& cache) {
  const std::int64_t n = args.q_latent.shape[0];
  const std::int64_t heads = args.q_latent.shape[1];
  require_shape("attention_mass", "q_latent", args.q_latent, DType::kF32, n, heads, cache.latent_dim);
  require_shape("attention_mass", "q_rope", args.q_rope, DType::kF32, n, heads, cache.rope_dim);
  require_shape("attention_mass", "mass", args.mass, DType::kF32, n, args.mass.shape[1]);
  require("attention_mass", args.mass.shape[1] <= cache.capacity, "more keys than the cache holds");
}

void check(const RouteExpertsArgs& args) {
  const std::int64_t n = args.logits.shape[0];
  const std::int64_t n_experts = args.logits.shape[1];
  const std::int64_t n_used = args.experts.shape[1];
  require_shape("route_experts", "logits", args.logits, DType::kF32, n, n_experts);
  if (args.bias.data != nullptr) require_shape("route_experts", "bias", args.bias, DType::kF32, n_experts);
  require_shape("route_experts", "experts", args.experts, DType::kI32, n, n_used);
  require_shape("route_experts", "weights", args.weights, DType::kF32, n, n_used);
  require("route_experts", args.n_groups > 0 && n_experts % args.n_groups == 0,
          "the groups do not divide the experts");
  require("route_experts", args.n_groups_kept > 0 && args.n_groups_kept <= args.n_groups,
          "n_groups_kept is wrong");
  require("route_experts", args.n_best_of_group == 1 || args.n_best_of_group == 2, "n_best_of_group is neither 1 nor 2");
  require("route_experts", n_used > 0 && n_used <= n_experts / args.n_groups * args.n_groups_kept,
          "more experts are wanted than take part");
}

namespace {

void check_feed_forward(const char* operation, const FeedForwardWeights& weights, std::int64_t n_hidden) {
  require(operation, weights.gate != nullptr, "a gate matrix is missing");
  const std::int64_t n_inner = weights.gate->n_out();
  require_matrix(operation, "gate", weights.gate, n_inner, n_hidden);
  require_matrix(operation, "up", weights.up, n_inner, n_hidden);
  require_matrix(operation, "down", weights.down, n_hidden, n_inner);
}

}  // namespace

void check(const FeedForwardArgs& args) {
  const std::int64_t n = args.in.shape[0];
  const std::int64_t n_hidden = args.in.shape[1];
  require_shape("feed_forward", "in", args.in, DType::kF32, n, n_hidden);
  require_shape("feed_forward", "out", args.out, DType::kF32, n, n_hidden);
  check_feed_forward("feed_forward", args.weights, n_hidden);
}

void check_shapes(const RunExpertsArgs& args) {
  const std::int64_t n = args.in.shape[0];
  const std::int64_t n_hidden = args.in.shape[1];
  const std::int64_t n_used = args.chosen.shape[1];
  require_shape("run_experts", "in", args.in, DType::kF32, n, n_hidden);
  require_shape("run_experts", "out", args.out, DType::kF32, n, n_hidden);
  require_shape("run_experts", "chosen", args.chosen, DType::kI32, n, n_used);
  require_shape("run_experts", "weights", args.weights, DType::kF32, n, n_used);
  require("run_experts", args.n_experts > 0 && args.experts != nullptr, "there are no experts");
  for (int e = 0; e < args.n_experts; ++e) check_feed_forward("run_experts", args.experts[e], n_hidden);
}

void check(const RunExpertsArgs& args) {
  check_shapes(args);
  const auto* chosen = args.chosen.as<const std::int32_t>();
  for (std::int64_t i = 0; i < args.chosen.n_elements(); ++i)
    require("run_experts", chosen[i] >= 0 && chosen[i] < args.n_experts, "an expert does not exist");
}

void check(const AddArgs& args) {
  require_shape("add", "in", args.in, DType::kF32, args.in.shape[0], args.in.shape[1], args.in.shape[2]);
  require_shape("add", "out", args.out, DType::kF32, args.in.shape[0], args.in.shape[1], args.in.shape[2]);
}

}  // namespace kernels
