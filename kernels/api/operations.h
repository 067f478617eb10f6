#pragma once

#include <cstdint>
#include <memory>

#include "kernels/api/tensor.h"

/// One argument struct per operation: shapes, dtypes, formula, source. Activations are f32 unless a
/// line says otherwise. Formulas: DeepSeek-V2 report (MLA), DeepSeek-V3 report (router),
/// DeepSeek-V3.2-Exp report (indexer and sparse attention).
namespace kernels {

/// A weight matrix W[out, in] in the form a backend computes with (packed once at load).
class Matrix {
 public:
  virtual ~Matrix() = default;
  virtual std::int64_t n_out() const = 0;
  virtual std::int64_t n_in() const = 0;
  virtual std::size_t size_bytes() const = 0;
};

/// Rows of source values with the block scales that belong to them, still in the file's format.
struct MatrixSource {
  const void* data = nullptr;    // host, [n_out, n_in] row-major, may be a memory map
  DType dtype = DType::kF32;     // kF32, kBF16, kF16 or kF8E4M3
  std::int64_t n_out = 0;
  std::int64_t n_in = 0;
  const float* block_scales = nullptr;  // host, kF8E4M3 only: [ceil(n_out/128), ceil(n_in/128)], multiplied
  /// Computes in f32 whatever arithmetic the backend was asked for: the router, the indexer's key
  /// projection and head weights, where rounding changes what is chosen.
  bool keep_f32 = false;
  /// Keeps `data` alive. A device that has no room for a copy may hold on to it and read the values again when they are
  /// needed. Given for the matrices of routed experts only, which not every token needs; null: copy.
  std::shared_ptr<const void> owner = nullptr;
};

/// The keys of one layer for every cached token: two caches of one length that always move together.
///   latent  [capacity, latent_dim + rope_dim]: normalised kv latent c, then rotated k_pe
///   index   [capacity, index_dim]: rotated indexer key (no rows when index_dim is 0)
class KeyCache {
 public:
  virtual ~KeyCache() = default;
  virtual std::int64_t capacity() const = 0;
  virtual std::size_t size_bytes() const = 0;
};

struct KeyCacheShape {
  std::int64_t capacity = 0;
  int latent_dim = 0;  // kv_lora_rank
  int rope_dim = 0;    // qk_rope_head_dim
  int index_dim = 0;   // index_head_dim, 0 where the layer has no indexer of its own
};

/// out[t] = table[ids[t]]
struct EmbedArgs {
  const std::int32_t* ids = nullptr;  // host, [n_tokens]
  const Matrix* table = nullptr;      // [n_vocab, n_hidden]
  TensorView out;                     // [n_tokens, n_hidden]
};

/// out = in * W^T, accumulated in f32
struct MatmulArgs {
  TensorView in;                   // [n_tokens, n_in]
  const Matrix* weight = nullptr;  // [n_out, n_in]
  TensorView out;                  // [n_tokens, n_out]
  bool accumulate = false;         // out += instead of out =
};

/// One matrix per head: out[t, h] = W_h * in[t, h]. The absorbed forms W_UK^T q_nope and W_UV o.
struct MatmulHeadsArgs {
  TensorView in;                   // [n_tokens, n_heads, n_in]
  const Matrix* weight = nullptr;  // [n_heads * n_out, n_in], head-major
  TensorView out;                  // [n_tokens, n_heads, n_out]
};

/// out = weight * in / sqrt(mean(in^2) + eps)
struct RmsNormArgs {
  TensorView in;      // [n_rows, n]; rows may be wider than n: see row_stride
  TensorView weight;  // [n]
  TensorView out;     // [n_rows, n]
  float eps = 1e-6f;
  std::int64_t in_row_stride = 0;   // elements between rows of `in`; 0: n
  std::int64_t out_row_stride = 0;  // elements between rows of `out`; 0: n
};

/// out = weight * (in - mean) / sqrt(var + eps) + bias
struct LayerNormArgs {
  TensorView in;      // [n_rows, n]
  TensorView weight;  // [n]
  TensorView bias;    // [n]
  TensorView out;     // [n_rows, n]
  float eps = 1e-6f;
};

enum class RopePairs : std::uint8_t {
  kInterleaved,  // pair i = (x[2i], x[2i+1]): main attention, GLM indexer
  kHalfSplit,    // pair i = (x[i], x[i + rope_dim/2]): DeepSeek-V3.2 indexer
};

/// Rotates, in place, `rope_dim` entries of every head, starting at `offset` of the head.
///   u' = u cos - v sin, v' = u sin + v cos, angle = position * inverse_frequency[i]
struct RotateArgs {
  TensorView values;                 // [n_tokens, n_heads, head_dim], in place
  TensorView inverse_frequencies;    // [rope_dim / 2], f32 (YaRN already applied)
  int rope_dim = 0;
  int offset = 0;
  RopePairs pairs = RopePairs::kInterleaved;
  std::int64_t first_position = 0;   // position of token 0; positions count up by one
};

/// Walsh-Hadamard transform of every row, in place, divided by sqrt(n); n is a power of two.
struct HadamardArgs {
  TensorView values;  // [n_rows, n]
};

/// Writes one row per token into the caches of a layer.
struct StoreKeysArgs {
  KeyCache* cache = nullptr;
  TensorView latent;      // [n_tokens, latent_dim]
  TensorView rope;        // [n_tokens, rope_dim], rotated
  TensorView index_keys;  // [n_tokens, index_dim], rotated; data null when there is no indexer
  std::int64_t first_position = 0;
};

/// Which keys each query may see: the k best by the lightning indexer.
///   score[t, s] = sum over heads h of head_weights[t, h] * max(0, dot(queries[t, h], key[s]))
/// over s <= first_position + t. Ties go to the larger position; +0 equals -0; NaN counts as
/// -infinity. Fewer visible keys than k: all of them, then -1. Indices come out ascending. Scores
/// exist only in tiles: no buffer of n_queries x n_keys. Source: DeepSeek-V3.2-Exp report, eq. (1).
struct SelectKeysArgs {
  TensorView queries;        // [n_queries, n_heads, index_dim], rotated
  TensorView head_weights;   // [n_queries, n_heads], all scales folded in
  const KeyCache* cache = nullptr;
  std::int64_t first_position = 0;  // position of query 0
  TensorView indices;        // out, i32: [n_queries, k]
  /// Keys that are always selected (option "keep"): the newest `keep_window` and these half-open
  /// ranges of positions; they count towards k. Both empty: the indexer alone decides.
  int keep_window = 0;
  const std::int64_t* keep_ranges = nullptr;  // host, [n_keep_ranges][2], ascending, disjoint
  int n_keep_ranges = 0;
  /// Keys that are never selected (option "mute"): half-open ranges of positions. They win over keep; a
  /// query's own position stays visible to it, so that no row is empty. Fewer keys left than k: all that
  /// are left, then -1. Only to be set where Backend::can_mute().
  const std::int64_t* mute_ranges = nullptr;  // host, [n_mute_ranges][2], ascending, disjoint
  int n_mute_ranges = 0;
};

/// The scores themselves, for tests, recall and drill-down (one query at a time is plenty).
struct ScoreKeysArgs {
  TensorView queries;        // [n_queries, n_heads, index_dim]
  TensorView head_weights;   // [n_queries, n_heads]
  const KeyCache* cache = nullptr;
  std::int64_t first_position = 0;
  TensorView scores;         // out: [n_queries, n_keys], -infinity where s > first_position + t
};

/// Attention in the absorbed form (multi-query: one key of latent_dim + rope_dim for all heads).
///   p = softmax over selected s of scale * (dot(q_latent[t,h], c_s) + dot(q_rope[t,h], k_pe_s))
///   out[t, h] = sum over s of p_s * c_s
struct AttentionArgs {
  TensorView q_latent;       // [n_queries, n_heads, latent_dim]: W_UK^T q_nope
  TensorView q_rope;         // [n_queries, n_heads, rope_dim], rotated
  const KeyCache* cache = nullptr;
  float scale = 1.0f;
  std::int64_t first_position = 0;  // query t sees positions <= first_position + t
  TensorView indices;        // i32 [n_queries, k], ascending, -1 = unused; data null: dense attention
  TensorView out;            // [n_queries, n_heads, latent_dim]
};

/// The attention distribution itself, averaged over heads: for recall and drill-down, few queries.
struct AttentionMassArgs {
  TensorView q_latent;       // [n_queries, n_heads, latent_dim]
  TensorView q_rope;         // [n_queries, n_heads, rope_dim]
  const KeyCache* cache = nullptr;
  float scale = 1.0f;
  std::int64_t first_position = 0;
  TensorView mass;           // out: [n_queries, n_keys], head mean of the dense softmax, 0 beyond the query
};

enum class RouterScore : std::uint8_t { kSigmoid, kSoftmax };

/// Which experts each token uses, and with what weight (DeepSeek-V3 report, "noaux_tc").
///   s = score(logits); ranking by s + bias; with n_groups > 1 only the experts of the
///   `n_groups_kept` groups with the largest sum of their `n_best_of_group` best ranks take part;
///   weights = s of the chosen (without bias), divided by their sum (+1e-20) if `normalise`, times scale.
/// Ties: lower expert first.
struct RouteExpertsArgs {
  TensorView logits;          // [n_tokens, n_experts]
  TensorView bias;            // [n_experts]; data null: none
  RouterScore score = RouterScore::kSigmoid;
  int n_groups = 1;
  int n_groups_kept = 1;
  bool normalise = true;
  float scale = 1.0f;
  TensorView experts;         // out, i32: [n_tokens, n_used]
  TensorView weights;         // out: [n_tokens, n_used]
  int n_best_of_group = 2;    // 1 or 2. 1: DeepSeek-V2's "group_limited_greedy"
};

/// One gated feed-forward network: down( silu(gate x) * (up x) ).
struct FeedForwardWeights {
  const Matrix* gate = nullptr;  // [n_inner, n_hidden]
  const Matrix* up = nullptr;    // [n_inner, n_hidden]
  const Matrix* down = nullptr;  // [n_hidden, n_inner]
};

struct FeedForwardArgs {
  TensorView in;              // [n_tokens, n_hidden]
  FeedForwardWeights weights;
  TensorView out;             // [n_tokens, n_hidden]
  bool accumulate = false;
};

/// out[t] (+)= sum over j of weights[t, j] * FFN_{experts[t, j]}(in[t]); f32, in ascending expert order.
struct RunExpertsArgs {
  TensorView in;                               // [n_tokens, n_hidden]
  const FeedForwardWeights* experts = nullptr; // host, [n_experts]
  int n_experts = 0;
  TensorView chosen;                           // i32 [n_tokens, n_used]
  TensorView weights;                          // [n_tokens, n_used]
  TensorView out;                              // [n_tokens, n_hidden]
  bool accumulate = false;
};

/// out += in
struct AddArgs {
  TensorView in;   // [n_rows, n]
  TensorView out;  // [n_rows, n]
};

}  // namespace kernels
