#pragma once

#include <cuda_runtime.h>

#include <cstdint>

/// The kernels written for Hopper (sm_90a): wgmma, bulk tensor copies. Plain launches on device
/// pointers; the caller owns all memory, picks the stream and guarantees the shapes named here. All
/// return cudaErrorInvalidValue for a shape they do not serve (nothing is launched then) and
/// cudaErrorNotSupported when the driver is too old. Every base pointer is 16-byte aligned, every
/// array dense and row-major unless a stride is named. Call them only on compute capability 9.0.
namespace kernels::cuda::hopper {

/// Indexer scores in FP8.
///   scores[t, s] = key_scales[s] * sum over heads h of head_weights[t, h] * max(0, dot(queries[t, h], keys[s]))
/// n_heads is 32 or 64, the head dimension 128. Query scales belong into head_weights. Entries of
/// positions s > first_position + t are undefined.
struct IndexerScoresArgs {
  const void* queries = nullptr;          // e4m3 [n_queries, n_heads, 128]
  const float* head_weights = nullptr;    // [n_queries, n_heads]
  const void* keys = nullptr;             // e4m3 [n_keys, 128]
  const float* key_scales = nullptr;      // [n_keys]
  float* scores = nullptr;                // out: [n_queries, pitch]
  std::int64_t pitch = 0;                 // floats between rows of scores, >= n_keys
  int n_queries = 0;
  int n_heads = 0;
  int n_keys = 0;                         // first_position + n_queries at most
  std::int64_t first_position = 0;        // position of query 0
};
cudaError_t indexer_scores(const IndexerScoresArgs& args, cudaStream_t stream);

/// The k best keys of every row of scores, exactly, in ascending order: row t looks at the first
/// min(n_keys, first_position + t + 1) entries. Ties go to the larger position; +0 equals -0; NaN counts as
/// -infinity. Fewer entries than k: all of them, then -1. k <= 4096, n_keys <= 262144, pitch a
/// multiple of 4. No scratch memory.
struct SelectBestArgs {
  const float* scores = nullptr;     // [n_queries, pitch]
  std::int64_t pitch = 0;
  std::int32_t* indices = nullptr;   // out: [n_queries, k]; null: not wanted
  std::uint32_t* mask = nullptr;     // out: bit s % 32 of word [t, s / 32] is set when s was selected; null: not wanted
  std::int64_t mask_pitch = 0;       // words between rows of mask, a multiple of 4, >= n_keys / 32 rounded up to 4
  int n_queries = 0;
  int n_keys = 0;
  int k = 0;
  std::int64_t first_position = 0;
};
cudaError_t select_best(const SelectBestArgs& args, cudaStream_t stream);

/// Dense causal attention with keys and values expanded per head (192 = 128 + 64 rotated, shared by
/// the heads; 128 values).
///   p = softmax over s <= first_position + t (and set in mask) of scale * dot(q[t, h], (k[s, h], k_rope[s]))
///   out[t, h] = sum over s of p_s * v[s, h]
/// A row with no key at all gives zeros.
struct DenseAttentionArgs {
  const void* q = nullptr;             // bf16 [n_queries, n_heads, 192]
  const void* k = nullptr;             // bf16 [n_keys, n_heads, 128]
  const void* k_rope = nullptr;        // bf16, row s at k_rope + s * k_rope_stride, 64 wide
  std::int64_t k_rope_stride = 64;     // elements, a multiple of 8 (576 inside a latent cache)
  const void* v = nullptr;             // bf16 [n_keys, n_heads, 128]
  const std::uint32_t* mask = nullptr; // as select_best writes it; null: all keys
  std::int64_t mask_pitch = 0;         // words, a multiple of 4
  void* out = nullptr;                 // bf16 or f32 [n_queries, n_heads, 128]
  bool out_f32 = false;
  int n_queries = 0;
  int n_heads = 0;
  int n_keys = 0;
  std::int64_t first_position = 0;
  float scale = 1.0f;
};
cudaError_t dense_attention(const DenseAttentionArgs& args, cudaStream_t stream);

/// Attention over selected keys in the absorbed form (latent 512, rotated 64).
///   p = softmax over selected s of scale * (dot(q_latent[t,h], c_s) + dot(q_rope[t,h], k_pe_s))
///   out[t, h] = sum over s of p_s * c_s
/// Indices < 0 or >= n_keys are unused slots; no usable slot gives zeros. k is a multiple of 64.
/// n_splits 1: writes `out`. n_splits > 1 (few queries): the keys of a query are shared by that many
/// blocks and joined afterwards, which needs `scratch` of sparse_attention_scratch_bytes().
struct SparseAttentionArgs {
  const void* q_latent = nullptr;        // bf16 [n_queries, n_heads, 512]
  const void* q_rope = nullptr;          // bf16 [n_queries, n_heads, 64]
  const void* latents = nullptr;         // bf16 [n_keys, 576]: latent, then rotated part
  const std::int32_t* indices = nullptr; // [n_queries, k]
  void* out = nullptr;                   // bf16 or f32 [n_queries, n_heads, 512]
  bool out_f32 = false;
  int n_queries = 0;
  int n_heads = 0;                       // any; tiles hold 64
  int n_keys = 0;
  int k = 0;
  float scale = 1.0f;
  int n_splits = 1;                      // at most k / 64
  void* scratch = nullptr;
};
std::int64_t sparse_attention_scratch_bytes(int n_queries, int n_heads, int n_splits);
cudaError_t sparse_attention(const SparseAttentionArgs& args, cudaStream_t stream);

}  // namespace kernels::cuda::hopper
