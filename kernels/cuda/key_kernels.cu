#include "kernels/cuda/device_math.cuh"
#include "kernels/cuda/index_formats.cuh"
#include "kernels/cuda/launch.h"

// The key caches: writing rows of a step, and the way to host memory and back.
namespace kernels::cuda {
namespace {

constexpr int kThreads = 128;

template <typename T>
__global__ void write_latent_kernel(T* rows, std::int64_t pitch, std::int64_t first, const float* latent, std::int64_t latent_pitch,
                                    int latent_dim, const float* rope, std::int64_t rope_pitch, int rope_dim) {
  T* row = rows + (first + blockIdx.x) * pitch;
  latent += blockIdx.x * latent_pitch;
  rope += blockIdx.x * rope_pitch;
  for (int i = threadIdx.x; i < pitch; i += kThreads) {
    const float value = i < latent_dim ? latent[i] : i < latent_dim + rope_dim ? rope[i - latent_dim] : 0.0f;
    assign(row[i], value);
  }
}

__global__ void write_index_f32_kernel(float* rows, std::int64_t pitch, std::int64_t first, const float* keys, int dim) {
  for (int i = threadIdx.x; i < pitch; i += kThreads)
    rows[(first + blockIdx.x) * pitch + i] = i < dim ? keys[blockIdx.x * static_cast<std::int64_t>(dim) + i] : 0.0f;
}

__global__ void write_index_int8_kernel(std::int8_t* rows, std::int64_t pitch, float* scales, std::int64_t first, const float* keys,
                                        int dim) {
  __shared__ float shared[32];
  keys += blockIdx.x * static_cast<std::int64_t>(dim);
  const float scale = int8_scale(keys, dim, shared);
  if (threadIdx.x == 0) scales[first + blockIdx.x] = scale;
  for (int i = threadIdx.x; i < pitch; i += kThreads)
    rows[(first + blockIdx.x) * pitch + i] = i < dim ? to_int8(keys[i], scale) : 0;
}

__global__ void write_index_f8_kernel(std::uint8_t* rows, std::int64_t pitch, float* scales, std::int64_t first, const float* keys, int dim) {
  __shared__ float shared[32];
  keys += blockIdx.x * static_cast<std::int64_t>(dim);
  const float scale = f8_scale(keys, dim, shared);
  if (threadIdx.x == 0) scales[first + blockIdx.x] = scale;
  for (int i = threadIdx.x; i < pitch; i += kThreads) rows[(first + blockIdx.x) * pitch + i] = i < dim ? to_f8(keys[i], scale) : 0;
}

template <typename T>
__global__ void read_latent_kernel(const T* rows, std::int64_t pitch, std::int64_t first, int dim, float* out) {
  for (int i = threadIdx.x; i < dim; i += kThreads)
    out[blockIdx.x * static_cast<std::int64_t>(dim) + i] = to_float(rows[(first + blockIdx.x) * pitch + i]);
}

__global__ void read_index_kernel(const Keys keys, std::int64_t first, float* out) {
  const std::int64_t s = first + blockIdx.x;
  for (int i = threadIdx.x; i < keys.index_dim; i += kThreads) {
    const std::int64_t at = s * keys.index_pitch + i;
    float& value = out[blockIdx.x * static_cast<std::int64_t>(keys.index_dim) + i];
    if (keys.index_format == Format::kF32) {
      value = static_cast<const float*>(keys.index)[at];
    } else if (keys.index_format == Format::kI8) {
      value = keys.index_scales[s] * static_cast<float>(static_cast<const std::int8_t*>(keys.index)[at]);
    } else {
      value = keys.index_scales[s] * from_f8(static_cast<const std::uint8_t*>(keys.index)[at]);
    }
  }
}

/// One block per head of a query; heads that only fill up are zero.
template <Format kFormat>
__global__ void pack_queries_kernel(const float* values, const float* weights, int n_heads, int n_heads_padded, int dim,
                                    std::int64_t pitch, std::uint8_t* packed, float* packed_weights) {
  __shared__ float shared[32];
  const std::int64_t t = blockIdx.x;
  const int h = blockIdx.y;
  std::uint8_t* out = packed + (t * n_heads_padded + h) * pitch;
  if (h >= n_heads) {
    for (int i = threadIdx.x; i < pitch; i += kThreads) out[i] = 0;
    if (threadIdx.x == 0) packed_weights[t * n_heads_padded + h] = 0.0f;
    return;
  }
  const float* q = values + (t * n_heads + h) * dim;
  const float scale = kFormat == Format::kI8 ? int8_scale(q, dim, shared) : f8_scale(q, dim, shared);
  if (threadIdx.x == 0) packed_weights[t * n_heads_padded + h] = weights[t * n_heads + h] * scale;
  for (int i = threadIdx.x; i < pitch; i += kThreads)
    out[i] = i >= dim ? 0 : kFormat == Format::kI8 ? static_cast<std::uint8_t>(to_int8(q[i], scale)) : to_f8(q[i], scale);
}

__global__ void visible_kernel(const std::int32_t* indices, std::int64_t k, std::int64_t k_padded, std::int64_t first_position, std::int32_t* out) {
  const std::int64_t last = first_position + blockIdx.x;
  out += blockIdx.x * k_padded;
  for (std::int64_t j = threadIdx.x; j < k_padded; j += kThreads) {
    std::int32_t s = -1;
    if (j < k) s = indices != nullptr ? indices[blockIdx.x * k + j] : static_cast<std::int32_t>(j);
    out[j] = s <= last ? s : -1;
  }
}

}  // namespace

cudaError_t visible_indices(const Queue& queue, const std::int32_t* indices, std::int64_t n, std::int64_t k, std::int64_t k_padded,
                            std::int64_t first_position, std::int32_t* out) {
  if (n == 0) return cudaSuccess;
  visible_kernel<<<static_cast<unsigned>(n), kThreads, 0, queue.stream>>>(indices, k, k_padded, first_position, out);
  return cudaGetLastError();
}

cudaError_t write_keys(const Queue& queue, const Keys& keys, std::int64_t first, std::int64_t n, const float* latent,
                       std::int64_t latent_pitch, const float* rope, std::int64_t rope_pitch, const float* index_keys) {
  if (n == 0) return cudaSuccess;
  const auto n_blocks = static_cast<unsigned>(n);
  if (keys.latent_format == Format::kBF16) {
    write_latent_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(static_cast<bf16*>(keys.latent), keys.pitch, first, latent,
                                                                 latent_pitch, keys.latent_dim, rope, rope_pitch, keys.rope_dim);
  } else {
    write_latent_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(static_cast<float*>(keys.latent), keys.pitch, first, latent,
                                                                 latent_pitch, keys.latent_dim, rope, rope_pitch, keys.rope_dim);
  }
  if (keys.index_dim > 0 && index_keys != nullptr) {
    if (keys.index_format == Format::kF8) {
      write_index_f8_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(static_cast<std::uint8_t*>(keys.index), keys.index_pitch,
                                                                     keys.index_scales, first, index_keys, keys.index_dim);
    } else if (keys.index_format == Format::kI8) {
      write_index_int8_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(static_cast<std::int8_t*>(keys.index), keys.index_pitch,
                                                                       keys.index_scales, first, index_keys, keys.index_dim);
    } else {
      write_index_f32_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(static_cast<float*>(keys.index), keys.index_pitch, first,
                                                                      index_keys, keys.index_dim);
    }
  }
  return cudaGetLastError();
}

cudaError_t read_keys(const Queue& queue, const Keys& keys, std::int64_t first, std::int64_t n, float* latent, float* index_keys) {
  if (n == 0) return cudaSuccess;
  const auto n_blocks = static_cast<unsigned>(n);
  const int dim = keys.latent_dim + keys.rope_dim;
  if (keys.latent_format == Format::kBF16) {
    read_latent_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(static_cast<const bf16*>(keys.latent), keys.pitch, first, dim, latent);
  } else {
    read_latent_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(static_cast<const float*>(keys.latent), keys.pitch, first, dim, latent);
  }
  if (keys.index_dim > 0) read_index_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(keys, first, index_keys);
  return cudaGetLastError();
}

cudaError_t pack_index_queries(const Queue& queue, const Keys& keys, const float* values, const float* weights, std::int64_t n,
                               int n_heads, int n_heads_padded, void* packed, float* packed_weights) {
  if (n == 0) return cudaSuccess;
  const dim3 grid(static_cast<unsigned>(n), static_cast<unsigned>(n_heads_padded));
  const auto run = [&](auto kernel) {
    kernel<<<grid, kThreads, 0, queue.stream>>>(values, weights, n_heads, n_heads_padded, keys.index_dim, keys.index_pitch,
                                                static_cast<std::uint8_t*>(packed), packed_weights);
  };
  if (keys.index_format == Format::kI8) {
    run(pack_queries_kernel<Format::kI8>);
  } else {
    run(pack_queries_kernel<Format::kF8>);
  }
  return cudaGetLastError();
}

}  // namespace kernels::cuda
