#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/api/operations.h"

/// The kernels as plain functions on device pointers. Each queues its work on `stream` and returns the launch's
/// error. Nothing here allocates, waits or throws. `stop`: a device word; when it is not zero, long kernels return
/// early and leave their outputs undefined.
namespace kernels::cuda {

enum class Format : std::uint8_t { kF32, kBF16, kI8, kF8 };  // kF8: e4m3

struct Queue {
  cudaStream_t stream = nullptr;
  const int* stop = nullptr;
  int n_processors = 1;          // multiprocessors
  int shared_limit = 48 * 1024;  // bytes of shared memory that one block may have
};

// --- products (matmul_f32.cu, matmul_bf16.cu, matvec.cu) ---------------------------------------------------

/// One tile of rows that share a weight matrix, for products that are grouped by expert.
struct RowTile {
  int expert = 0;
  int first = 0;
  int n = 0;
  int unused = 0;
};
constexpr int kGroupRows = 32;  // rows of a RowTile at most

/// c[batch][m, n] (+)= a[batch][m, k] * w[batch][n, k]^T. All pitches in elements. bf16: pitches of a and w are
/// multiples of 8 and what lies between k and the pitch is zero.
struct Product {
  const void* a = nullptr;
  std::int64_t a_pitch = 0;
  std::int64_t a_batch = 0;
  const void* w = nullptr;
  std::int64_t w_pitch = 0;
  std::int64_t w_batch = 0;
  float* c = nullptr;
  std::int64_t c_pitch = 0;
  std::int64_t c_batch = 0;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  int n_batches = 1;
  bool accumulate = false;
  // Grouped: tile i of `tiles` has rows [first, first + n) of a and c and the matrix tables[expert].
  const RowTile* tiles = nullptr;
  const int* n_tiles = nullptr;           // device
  std::int64_t n_tiles_limit = 0;
  int tile_rows = kGroupRows;             // rows of a tile at most: 32 or 128
  const void* const* tables = nullptr;    // device, [n_experts]
};
cudaError_t multiply_f32(const Queue& queue, const Product& product);
cudaError_t multiply_bf16(const Queue& queue, const Product& product);

/// Few rows: out[row, o] (+)= dot(w[o], in[row]); with `w2` out = silu(dot(w[o], in)) * dot(w2[o], in).
/// Row r reads in[r / rows_per_input] and, with `chosen`, the matrix tables[chosen[r]].
struct VectorProduct {
  const float* in = nullptr;
  std::int64_t in_pitch = 0;
  int rows_per_input = 1;
  const void* w = nullptr;
  const void* w2 = nullptr;
  std::int64_t w_pitch = 0;
  std::int64_t w_batch = 0;   // per batch: heads
  float* out = nullptr;
  std::int64_t out_pitch = 0;
  int n_rows = 0;
  int n_batches = 1;
  std::int64_t n = 0;
  std::int64_t k = 0;
  bool accumulate = false;
  const std::int32_t* chosen = nullptr;   // device, [n_rows]
  int n_experts = 0;
  const void* const* tables = nullptr;    // device, [n_experts]
  const void* const* tables2 = nullptr;   // device, [n_experts]
};
constexpr int kVectorRows = 4;  // more rows than this go to the tiles
cudaError_t multiply_vector(const Queue& queue, Format weights, const VectorProduct& product);

// --- rows (row_kernels.cu) -------------------------------------------------------------------------------

/// out[r] = in[rows ? rows[r] / divisor : r], converted; columns [n, out_pitch) become zero.
struct PackArgs {
  const float* in = nullptr;
  std::int64_t in_pitch = 0;
  void* out = nullptr;
  std::int64_t out_pitch = 0;
  std::int64_t n_rows = 0;
  std::int64_t n = 0;
  const std::int32_t* rows = nullptr;
  int divisor = 1;
};
cudaError_t pack_rows(const Queue& queue, Format format, const PackArgs& args);
/// out = silu(gate) * up, n values; may be in place.
cudaError_t gate(const Queue& queue, const float* gates, const float* ups, float* out, std::int64_t n);
/// Source rows of any weight format -> the resident format. `scales` are device block scales of 128 x 128.
cudaError_t convert_weights(const Queue& queue, DType from, const void* source, const float* scales, std::int64_t first_row,
                            std::int64_t n_rows, std::int64_t n_in, Format to, void* out, std::int64_t out_pitch);
cudaError_t embed_rows(const Queue& queue, Format format, const void* table, std::int64_t pitch, const std::int32_t* ids,
                       std::int64_t n_tokens, std::int64_t n, float* out);
cudaError_t rms_norm(const Queue& queue, const RmsNormArgs& args);
cudaError_t layer_norm(const Queue& queue, const LayerNormArgs& args);
cudaError_t rotate(const Queue& queue, const RotateArgs& args);
cudaError_t hadamard(const Queue& queue, const HadamardArgs& args);
cudaError_t add(const Queue& queue, const AddArgs& args);
cudaError_t fill(const Queue& queue, float* out, float value, std::int64_t n);

// --- experts (expert_kernels.cu) ---------------------------------------------------------------------------

cudaError_t route_experts(const Queue& queue, const RouteExpertsArgs& args);
/// The assignments [n_rows] sorted by expert, in order within an expert: rows[i] is the assignment at place i,
/// places[assignment] its place. Tiles of kGroupRows or `tile_rows` rows over the places.
struct GroupArgs {
  const std::int32_t* chosen = nullptr;  // [n_rows]
  int n_rows = 0;
  int n_experts = 0;
  int tile_rows = kGroupRows;
  std::int32_t* counts = nullptr;        // [n_experts], work
  std::int32_t* rows = nullptr;          // [n_rows]
  std::int32_t* places = nullptr;        // [n_rows]
  RowTile* tiles = nullptr;              // [n_rows / tile_rows + n_experts]
  int* n_tiles = nullptr;
};
cudaError_t group_rows(const Queue& queue, const GroupArgs& args);
/// out[t] (+)= sum over the token's assignments, in order of expert, of weight * values[place].
struct CombineArgs {
  const float* values = nullptr;         // [n_tokens * n_used, n]
  const std::int32_t* chosen = nullptr;  // [n_tokens, n_used]
  const std::int32_t* places = nullptr;  // null: place = assignment
  const float* weights = nullptr;        // [n_tokens, n_used]
  float* out = nullptr;                  // [n_tokens, n]
  std::int64_t n_tokens = 0;
  int n_used = 0;
  std::int64_t n = 0;
  bool accumulate = false;
  std::int32_t first_expert = 0;         // assignments to others are left out
  std::int32_t last_expert = INT32_MAX;
};
cudaError_t combine_experts(const Queue& queue, const CombineArgs& args);

// --- keys (key_kernels.cu) -----------------------------------------------------------------------------------

/// The caches of one layer. Latent rows: [latent, rope], padded with zeros to `pitch`. Index rows: f32, or int8 or
/// e4m3 with one scale per key, padded with zeros to `index_pitch`. Scales of e4m3 are powers of two, as in the model
/// family's own implementation.
struct Keys {
  Format latent_format = Format::kF32;
  Format index_format = Format::kF32;
  void* latent = nullptr;
  std::int64_t pitch = 0;
  int latent_dim = 0;
  int rope_dim = 0;
  void* index = nullptr;
  float* index_scales = nullptr;
  std::int64_t index_pitch = 0;
  int index_dim = 0;
};
/// Writes rows [first, first + n). Rows of `latent` have `latent_pitch` floats, of `rope` `rope_pitch`.
cudaError_t write_keys(const Queue& queue, const Keys& keys, std::int64_t first, std::int64_t n, const float* latent,
                       std::int64_t latent_pitch, const float* rope, std::int64_t rope_pitch, const float* index_keys);
/// The same rows back as f32: [n, latent + rope] and [n, index_dim].
cudaError_t read_keys(const Queue& queue, const Keys& keys, std::int64_t first, std::int64_t n, float* latent, float* index_keys);

// --- indexer (score_kernels.cu, select_kernels.cu) ------------------------------------------------------------

/// Queries as the scoring kernels want them. int8 and e4m3: [n, heads rounded to 8][index_pitch], weights times scales.
struct IndexQueries {
  std::int64_t n = 0;
  int n_heads = 0;
  int n_heads_padded = 0;
  const float* values = nullptr;    // f32 [n, n_heads, index_dim]
  const float* weights = nullptr;   // f32: [n, n_heads]; else [n, n_heads_padded]
  const void* packed = nullptr;     // int8 or e4m3
};
cudaError_t pack_index_queries(const Queue& queue, const Keys& keys, const float* values, const float* weights, std::int64_t n,
                               int n_heads, int n_heads_padded, void* packed, float* packed_weights);
/// scores[t, s] for s < min(n_keys, first_position + t + 1); what lies behind is left as it is.
cudaError_t score(const Queue& queue, const Keys& keys, const IndexQueries& queries, std::int64_t first_position,
                  std::int64_t n_keys, float* scores, std::int64_t scores_pitch);
/// scores beyond the query become -infinity.
cudaError_t hide_future(const Queue& queue, float* scores, std::int64_t n_queries, std::int64_t n_keys, std::int64_t first_position);
/// The k best of each row by the rule of SelectKeysArgs, ascending, padded with -1.
struct TopArgs {
  const float* scores = nullptr;
  std::int64_t pitch = 0;
  std::int64_t n_queries = 0;
  std::int64_t first_position = 0;
  std::int32_t* indices = nullptr;  // [n_queries, k]
  std::int64_t k = 0;
  std::int64_t keep_window = 0;
  const std::int64_t* keep_ranges = nullptr;  // device
  int n_keep_ranges = 0;
  /// Work for rows whose keys are shared by many blocks, [n_queries, kTopWork]; null: one block per row.
  int* work = nullptr;
};
constexpr int kTopWorkSplits = 64;
constexpr int kTopWork = 3 * 2048 + 2 * kTopWorkSplits;
cudaError_t select_top(const Queue& queue, const TopArgs& args);

// --- attention (attention_f32.cu, attention_bf16.cu, attention_mass.cu) ------------------------------------------

/// out[t, j] = indices[t, j] where query t may see it, else -1; indices null: j itself. out is [n, k_padded].
cudaError_t visible_indices(const Queue& queue, const std::int32_t* indices, std::int64_t n, std::int64_t k, std::int64_t k_padded,
                            std::int64_t first_position, std::int32_t* out);

struct AttentionTask {
  const float* q_latent = nullptr;  // [n, n_heads, latent_dim]
  const float* q_rope = nullptr;    // [n, n_heads, rope_dim]
  float* out = nullptr;             // [n, n_heads, latent_dim]
  std::int64_t n = 0;
  int n_heads = 0;
  float scale = 1.0f;
  std::int64_t first_position = 0;
  const std::int32_t* indices = nullptr;  // [n, k]; null: dense
  std::int64_t k = 0;
  // Work of keys that are split over blocks: [n_splits][rows][latent_dim] and [n_splits][rows][2].
  float* partial = nullptr;
  float* partial_stats = nullptr;
  std::int64_t partial_rows = 0;  // rows * splits that fit
};
cudaError_t attend(const Queue& queue, const Keys& keys, const AttentionTask& task);
cudaError_t attend_f32(const Queue& queue, const Keys& keys, const AttentionTask& task, int n_splits);
cudaError_t attend_bf16(const Queue& queue, const Keys& keys, const AttentionTask& task, int n_splits);
/// Rows of one block of the kernel that `attend` takes.
int attention_rows(const Queue& queue, const Keys& keys, const AttentionTask& task);
/// The distribution of one query, `n_at_once` heads at a time; work: [n_at_once, n_visible].
cudaError_t attention_mass(const Queue& queue, const Keys& keys, const float* q_latent, const float* q_rope, int n_heads,
                           int n_at_once, float scale, std::int64_t n_visible, std::int64_t n_keys, float* work, float* mass);

}  // namespace kernels::cuda
