#pragma once

#include "tests/gpu/bench_support.cuh"

/// The plain versions the fast kernels are held against: one thread or block per result, sums in f64.
namespace bench {

__global__ void reference_scores_kernel(const __nv_fp8_e4m3* queries, const float* weights, const __nv_fp8_e4m3* keys,
                                        const float* key_scales, float* scores, int query, int n_heads, int n_keys) {
  const int key = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (key >= n_keys) {
    return;
  }
  double total = 0.0;
  for (int head = 0; head < n_heads; ++head) {
    float dot = 0.0f;  // products of two e4m3 and 128 of them are exact enough in f32
    for (int i = 0; i < 128; ++i) {
      dot += static_cast<float>(queries[(static_cast<std::int64_t>(query) * n_heads + head) * 128 + i]) *
             static_cast<float>(keys[static_cast<std::int64_t>(key) * 128 + i]);
    }
    total += static_cast<double>(weights[static_cast<std::int64_t>(query) * n_heads + head]) * (dot > 0.0f ? dot : 0.0f);
  }
  scores[key] = static_cast<float>(total * key_scales[key]);
}

/// One row of keys seen by one query and head: dense (k, k_rope, v) or absorbed (latents).
struct ReferenceAttention {
  const __nv_bfloat16* q_first = nullptr;   // [n_queries, n_heads, first_dim] at q_first_pitch
  const __nv_bfloat16* q_rope = nullptr;    // 64 wide at q_rope_pitch
  int q_first_pitch = 0;
  int q_rope_pitch = 0;
  int first_dim = 0;                        // 128 or 512
  const __nv_bfloat16* k = nullptr;         // row s of head h at k + s * k_pitch + h * k_head_pitch
  std::int64_t k_pitch = 0;
  int k_head_pitch = 0;
  const __nv_bfloat16* k_rope = nullptr;    // row s at k_rope + s * k_rope_pitch
  std::int64_t k_rope_pitch = 0;
  const __nv_bfloat16* v = nullptr;         // like k, first_dim wide
  const std::int32_t* indices = nullptr;    // [n_queries, n_indices] or null
  int n_indices = 0;
  const std::uint32_t* mask = nullptr;
  std::int64_t mask_pitch = 0;
  long long first_position = 0;
  bool causal = true;
  int n_keys = 0;
  int n_heads = 0;
  float scale = 1.0f;
};

/// Block = (query, head) of `pairs`; probabilities live in `scratch` [n_pairs, n_slots].
__global__ void reference_attention_kernel(const ReferenceAttention a, const int2* pairs, float* out, float* scratch,
                                           int n_slots) {
  const int query = pairs[blockIdx.x].x;
  const int head = pairs[blockIdx.x].y;
  float* const shares = scratch + static_cast<std::int64_t>(blockIdx.x) * n_slots;
  __shared__ double reduced[256];
  const std::int64_t row = static_cast<std::int64_t>(query) * a.n_heads + head;
  const auto key_of = [&](int slot) -> int {
    int key = slot;
    if (a.indices != nullptr) {
      key = a.indices[static_cast<std::int64_t>(query) * a.n_indices + slot];
    }
    if (key < 0 || key >= a.n_keys || (a.causal && key > a.first_position + query)) {
      return -1;
    }
    if (a.mask != nullptr && (a.mask[query * a.mask_pitch + key / 32] >> (key % 32) & 1) == 0) {
      return -1;
    }
    return key;
  };
  double maximum = -1e300;
  for (int slot = static_cast<int>(threadIdx.x); slot < n_slots; slot += static_cast<int>(blockDim.x)) {
    const int key = key_of(slot);
    double dot = -1e300;
    if (key >= 0) {
      dot = 0.0;
      for (int i = 0; i < a.first_dim; ++i) {
        dot += static_cast<double>(static_cast<float>(a.q_first[row * a.q_first_pitch + i])) *
               static_cast<float>(a.k[key * a.k_pitch + head * a.k_head_pitch + i]);
      }
      for (int i = 0; i < 64; ++i) {
        dot += static_cast<double>(static_cast<float>(a.q_rope[row * a.q_rope_pitch + i])) *
               static_cast<float>(a.k_rope[key * a.k_rope_pitch + i]);
      }
      dot *= a.scale;
    }
    shares[slot] = key >= 0 ? static_cast<float>(dot) : -INFINITY;
    maximum = max(maximum, dot);
  }
  reduced[threadIdx.x] = maximum;
  __syncthreads();
  for (int i = 0; i < static_cast<int>(blockDim.x); ++i) {
    maximum = max(maximum, reduced[i]);
  }
  __syncthreads();
  double total = 0.0;
  for (int slot = static_cast<int>(threadIdx.x); slot < n_slots; slot += static_cast<int>(blockDim.x)) {
    shares[slot] = shares[slot] == -INFINITY ? 0.0f : static_cast<float>(exp(shares[slot] - maximum));
    total += shares[slot];
  }
  reduced[threadIdx.x] = total;
  __syncthreads();
  total = 0.0;
  for (int i = 0; i < static_cast<int>(blockDim.x); ++i) {
    total += reduced[i];
  }
  for (int i = static_cast<int>(threadIdx.x); i < a.first_dim; i += static_cast<int>(blockDim.x)) {
    double value = 0.0;
    for (int slot = 0; slot < n_slots; ++slot) {
      if (shares[slot] != 0.0f) {
        value += static_cast<double>(shares[slot]) *
                 static_cast<float>(a.v[key_of(slot) * a.k_pitch + head * a.k_head_pitch + i]);
      }
    }
    out[static_cast<std::int64_t>(blockIdx.x) * a.first_dim + i] = total > 0.0 ? static_cast<float>(value / total) : 0.0f;
  }
}

inline std::vector<float> reference_attention(const ReferenceAttention& a, const std::vector<int2>& pairs) {
  const int n_slots = a.indices != nullptr ? a.n_indices : a.n_keys;
  const auto n_pairs = static_cast<std::int64_t>(pairs.size());
  DeviceArray<int2> device_pairs(n_pairs);
  DeviceArray<float> scratch(n_pairs * n_slots);
  DeviceArray<float> out(n_pairs * a.first_dim);
  device_pairs.from_host(pairs);
  reference_attention_kernel<<<static_cast<unsigned>(n_pairs), 256>>>(a, device_pairs.data(), out.data(),
                                                                      scratch.data(), n_slots);
  BENCH_CUDA(cudaDeviceSynchronize());
  return out.to_host();
}

}  // namespace bench
