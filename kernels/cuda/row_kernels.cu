#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include "kernels/cuda/device_math.cuh"
#include "kernels/cuda/launch.h"

// The operations that work on one row at a time, and the conversions of weights and activations.
namespace kernels::cuda {
namespace {

constexpr int kThreads = 256;

unsigned blocks_for(std::int64_t n, std::int64_t per_block) {
  const std::int64_t n_blocks = (n + per_block - 1) / per_block;
  return static_cast<unsigned>(n_blocks < 65535 * 16 ? n_blocks : 65535 * 16);
}

template <typename T>
__global__ void pack_kernel(const __grid_constant__ PackArgs args) {
  const std::int64_t n = args.n_rows * args.out_pitch;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < n; i += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    const std::int64_t row = i / args.out_pitch;
    const std::int64_t column = i % args.out_pitch;
    const std::int64_t source = args.rows != nullptr ? args.rows[row] / args.divisor : row;
    assign(static_cast<T*>(args.out)[i], column < args.n ? args.in[source * args.in_pitch + column] : 0.0f);
  }
}

__global__ void gate_kernel(const float* gates, const float* ups, float* out, std::int64_t n) {
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < n; i += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    const float value = gates[i];
    out[i] = value / (1.0f + expf(-value)) * ups[i];
  }
}

__device__ inline float source_value(DType type, const void* source, std::int64_t at) {
  switch (type) {
    case DType::kBF16:
      return __bfloat162float(static_cast<const bf16*>(source)[at]);
    case DType::kF16:
      return __half2float(static_cast<const __half*>(source)[at]);
    case DType::kF8E4M3: {
      __nv_fp8_e4m3 value;
      value.__x = static_cast<const std::uint8_t*>(source)[at];
      return static_cast<float>(value);
    }
    default:
      return static_cast<const float*>(source)[at];
  }
}

template <typename T>
__global__ void convert_kernel(DType from, const void* source, const float* scales, std::int64_t first_row, std::int64_t n_rows,
                               std::int64_t n_in, T* out, std::int64_t pitch) {
  constexpr std::int64_t kBlock = 128;
  const std::int64_t n = n_rows * pitch;
  const std::int64_t blocks_in = (n_in + kBlock - 1) / kBlock;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < n; i += static_cast<std::int64_t>(gridDim.x) * kThreads) {
    const std::int64_t row = i / pitch;
    const std::int64_t column = i % pitch;
    float value = 0.0f;
    if (column < n_in) {
      value = source_value(from, source, row * n_in + column);
      if (scales != nullptr) value *= scales[(first_row + row) / kBlock * blocks_in + column / kBlock];
    }
    assign(out[i], value);
  }
}

template <typename T>
__global__ void embed_kernel(const T* table, std::int64_t pitch, const std::int32_t* ids, std::int64_t n, float* out) {
  const T* row = table + ids[blockIdx.x] * pitch;
  for (std::int64_t i = threadIdx.x; i < n; i += kThreads) out[blockIdx.x * n + i] = to_float(row[i]);
}

__global__ void rms_norm_kernel(const float* in, std::int64_t in_stride, const float* weight, float* out, std::int64_t out_stride,
                                std::int64_t n, float eps) {
  __shared__ float shared[32];
  in += blockIdx.x * in_stride;
  out += blockIdx.x * out_stride;
  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < n; i += kThreads) sum += in[i] * in[i];
  const float scale = 1.0f / sqrtf(block_sum(sum, shared) / static_cast<float>(n) + eps);
  for (std::int64_t i = threadIdx.x; i < n; i += kThreads) out[i] = weight[i] * (in[i] * scale);
}

__global__ void layer_norm_kernel(const float* in, const float* weight, const float* bias, float* out, std::int64_t n, float eps) {
  __shared__ float shared[32];
  in += blockIdx.x * n;
  out += blockIdx.x * n;
  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < n; i += kThreads) sum += in[i];
  const float mean = block_sum(sum, shared) / static_cast<float>(n);
  float squares = 0;
  for (std::int64_t i = threadIdx.x; i < n; i += kThreads) squares += (in[i] - mean) * (in[i] - mean);
  const float scale = 1.0f / sqrtf(block_sum(squares, shared) / static_cast<float>(n) + eps);
  for (std::int64_t i = threadIdx.x; i < n; i += kThreads) out[i] = weight[i] * ((in[i] - mean) * scale) + bias[i];
}

__global__ void rotate_kernel(float* values, const float* frequencies, std::int64_t n_heads, std::int64_t head_dim, int n_pairs,
                              int offset, bool interleaved, std::int64_t first_position) {
  const std::int64_t t = blockIdx.x;
  float* heads = values + t * n_heads * head_dim + offset;
  for (std::int64_t i = threadIdx.x; i < n_heads * n_pairs; i += kThreads) {
    const int pair = static_cast<int>(i % n_pairs);
    float* head = heads + i / n_pairs * head_dim;
    // The product is rounded to f32, as the model was trained with it.
    const float angle = __fmul_rn(static_cast<float>(first_position + t), frequencies[pair]);
    float sine;
    float cosine;
    sincosf(angle, &sine, &cosine);
    float& u_at = head[interleaved ? 2 * pair : pair];
    float& v_at = head[interleaved ? 2 * pair + 1 : pair + n_pairs];
    const float u = u_at;
    const float v = v_at;
    u_at = u * cosine - v * sine;
    v_at = u * sine + v * cosine;
  }
}

__global__ void hadamard_kernel(float* values, std::int64_t n, float scale) {
  float* x = values + blockIdx.x * n;
  for (std::int64_t half = 1; half < n; half *= 2) {
    for (std::int64_t i = threadIdx.x; i < n / 2; i += blockDim.x) {
      const std::int64_t at = i / half * (2 * half) + i % half;
      const float a = x[at];
      const float b = x[at + half];
      x[at] = a + b;
      x[at + half] = a - b;
    }
    __syncthreads();
  }
  for (std::int64_t i = threadIdx.x; i < n; i += blockDim.x) x[i] *= scale;
}

__global__ void add_kernel(const float* in, float* out, std::int64_t n) {
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < n; i += static_cast<std::int64_t>(gridDim.x) * kThreads)
    out[i] += in[i];
}

__global__ void fill_kernel(float* out, float value, std::int64_t n) {
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x; i < n; i += static_cast<std::int64_t>(gridDim.x) * kThreads)
    out[i] = value;
}

}  // namespace

cudaError_t pack_rows(const Queue& queue, Format format, const PackArgs& args) {
  const std::int64_t n = args.n_rows * args.out_pitch;
  if (n == 0) return cudaSuccess;
  if (format == Format::kBF16) {
    pack_kernel<bf16><<<blocks_for(n, kThreads * 4), kThreads, 0, queue.stream>>>(args);
  } else {
    pack_kernel<float><<<blocks_for(n, kThreads * 4), kThreads, 0, queue.stream>>>(args);
  }
  return cudaGetLastError();
}

cudaError_t gate(const Queue& queue, const float* gates, const float* ups, float* out, std::int64_t n) {
  if (n == 0) return cudaSuccess;
  gate_kernel<<<blocks_for(n, kThreads * 4), kThreads, 0, queue.stream>>>(gates, ups, out, n);
  return cudaGetLastError();
}

cudaError_t convert_weights(const Queue& queue, DType from, const void* source, const float* scales, std::int64_t first_row,
                            std::int64_t n_rows, std::int64_t n_in, Format to, void* out, std::int64_t out_pitch) {
  const std::int64_t n = n_rows * out_pitch;
  if (n == 0) return cudaSuccess;
  const unsigned n_blocks = blocks_for(n, kThreads * 4);
  if (to == Format::kBF16) {
    convert_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(from, source, scales, first_row, n_rows, n_in, static_cast<bf16*>(out), out_pitch);
  } else {
    convert_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(from, source, scales, first_row, n_rows, n_in, static_cast<float*>(out), out_pitch);
  }
  return cudaGetLastError();
}

cudaError_t embed_rows(const Queue& queue, Format format, const void* table, std::int64_t pitch, const std::int32_t* ids,
                       std::int64_t n_tokens, std::int64_t n, float* out) {
  if (n_tokens == 0) return cudaSuccess;
  const auto n_blocks = static_cast<unsigned>(n_tokens);
  if (format == Format::kBF16) {
    embed_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(static_cast<const bf16*>(table), pitch, ids, n, out);
  } else {
    embed_kernel<<<n_blocks, kThreads, 0, queue.stream>>>(static_cast<const float*>(table), pitch, ids, n, out);
  }
  return cudaGetLastError();
}

cudaError_t rms_norm(const Queue& queue, const RmsNormArgs& args) {
  const std::int64_t n = args.weight.shape[0];
  if (args.in.shape[0] == 0) return cudaSuccess;
  rms_norm_kernel<<<static_cast<unsigned>(args.in.shape[0]), kThreads, 0, queue.stream>>>(
      args.in.as<const float>(), args.in_row_stride ? args.in_row_stride : n, args.weight.as<const float>(), args.out.as<float>(),
      args.out_row_stride ? args.out_row_stride : n, n, args.eps);
  return cudaGetLastError();
}

cudaError_t layer_norm(const Queue& queue, const LayerNormArgs& args) {
  if (args.in.shape[0] == 0) return cudaSuccess;
  layer_norm_kernel<<<static_cast<unsigned>(args.in.shape[0]), kThreads, 0, queue.stream>>>(
      args.in.as<const float>(), args.weight.as<const float>(), args.bias.as<const float>(), args.out.as<float>(),
      args.weight.shape[0], args.eps);
  return cudaGetLastError();
}

cudaError_t rotate(const Queue& queue, const RotateArgs& args) {
  const auto [n_tokens, n_heads, head_dim] = args.values.shape;
  if (n_tokens == 0 || n_heads == 0) return cudaSuccess;
  rotate_kernel<<<static_cast<unsigned>(n_tokens), kThreads, 0, queue.stream>>>(
      args.values.as<float>(), args.inverse_frequencies.as<const float>(), n_heads, head_dim, args.rope_dim / 2, args.offset,
      args.pairs == RopePairs::kInterleaved, args.first_position);
  return cudaGetLastError();
}

cudaError_t hadamard(const Queue& queue, const HadamardArgs& args) {
  const auto [n_rows, n, unused] = args.values.shape;
  if (n_rows == 0) return cudaSuccess;
  const int n_threads = n <= 64 ? 32 : n >= 512 ? 256 : static_cast<int>(n / 2);
  hadamard_kernel<<<static_cast<unsigned>(n_rows), n_threads, 0, queue.stream>>>(args.values.as<float>(), n,
                                                                                 1.0f / sqrtf(static_cast<float>(n)));
  return cudaGetLastError();
}

cudaError_t add(const Queue& queue, const AddArgs& args) {
  const std::int64_t n = args.in.n_elements();
  if (n == 0) return cudaSuccess;
  add_kernel<<<blocks_for(n, kThreads * 4), kThreads, 0, queue.stream>>>(args.in.as<const float>(), args.out.as<float>(), n);
  return cudaGetLastError();
}

cudaError_t fill(const Queue& queue, float* out, float value, std::int64_t n) {
  if (n == 0) return cudaSuccess;
  fill_kernel<<<blocks_for(n, kThreads * 4), kThreads, 0, queue.stream>>>(out, value, n);
  return cudaGetLastError();
}

}  // namespace kernels::cuda
