#include "kernels/cuda/device_math.cuh"
#include "kernels/cuda/launch.h"

// Products of a weight matrix with few rows, as decoding makes them: bound by reading the weights once. A warp
// computes one output of every row; a lane reads 16 bytes of the weights at a time.
namespace kernels::cuda {
namespace {

constexpr int kThreads = 256;

template <typename T>
constexpr int kValues = 16 / static_cast<int>(sizeof(T));

__device__ inline void unpack(const uint4& bits, float (&values)[4]) {
  values[0] = __uint_as_float(bits.x);
  values[1] = __uint_as_float(bits.y);
  values[2] = __uint_as_float(bits.z);
  values[3] = __uint_as_float(bits.w);
}
__device__ inline void unpack(const uint4& bits, float (&values)[8]) {
  const std::uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    values[2 * i] = __uint_as_float(words[i] << 16);
    values[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
  }
}

/// sums[r] = dot(w, in[r]) over the lanes of the warp.
template <typename T, int kRows>
__device__ inline void dot_rows(const T* w, const float* const (&in)[kRows], std::int64_t k, float (&sums)[kRows]) {
  constexpr int kStep = kValues<T>;
  const int lane = threadIdx.x % kWarp;
#pragma unroll
  for (int r = 0; r < kRows; ++r) sums[r] = 0;
#pragma unroll 4
  for (std::int64_t at = lane * kStep; at < k; at += kWarp * kStep) {
    float weights[kStep];
    unpack(*reinterpret_cast<const uint4*>(w + at), weights);
    const int n = k - at < kStep ? static_cast<int>(k - at) : kStep;
#pragma unroll
    for (int r = 0; r < kRows; ++r)
#pragma unroll
      for (int i = 0; i < kStep; ++i)
        if (i < n) sums[r] += weights[i] * in[r][at + i];
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) sums[r] = warp_sum(sums[r]);
}

template <typename T, int kRows>
__global__ void __launch_bounds__(kThreads) vector_kernel(const __grid_constant__ VectorProduct p) {
  const std::int64_t o = static_cast<std::int64_t>(blockIdx.x) * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (o >= p.n) return;
  const int row0 = blockIdx.y * kRows;
  const int batch = blockIdx.z;
  const float* in[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int row = row0 + r < p.n_rows ? row0 + r : row0;
    in[r] = p.in + row / p.rows_per_input * p.in_pitch + batch * p.k;
  }
  const void* w = p.w;
  const void* w2 = p.w2;
  if (p.chosen != nullptr) {
    const std::int32_t expert = p.chosen[row0];
    if (expert < 0 || expert >= p.n_experts) return;
    w = p.tables[expert];
    w2 = p.tables2 != nullptr ? p.tables2[expert] : nullptr;
    if (w == nullptr) return;  // not on the card in this step
  }
  const std::int64_t offset = batch * p.w_batch + o * p.w_pitch;
  float sums[kRows];
  dot_rows<T, kRows>(static_cast<const T*>(w) + offset, in, p.k, sums);
  if (w2 != nullptr) {
    float ups[kRows];
    dot_rows<T, kRows>(static_cast<const T*>(w2) + offset, in, p.k, ups);
#pragma unroll
    for (int r = 0; r < kRows; ++r) sums[r] = sums[r] / (1.0f + expf(-sums[r])) * ups[r];
  }
  if (threadIdx.x % kWarp != 0) return;
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    if (row0 + r >= p.n_rows) continue;
    float& value = p.out[(row0 + r) * p.out_pitch + batch * p.n + o];
    value = p.accumulate ? value + sums[r] : sums[r];
  }
}

template <typename T>
cudaError_t launch(const Queue& queue, const VectorProduct& p) {
  const unsigned blocks = static_cast<unsigned>((p.n + kThreads / kWarp - 1) / (kThreads / kWarp));
  const bool alone = p.n_rows == 1 || p.chosen != nullptr;
  const dim3 grid(blocks, alone ? p.n_rows : (p.n_rows + kVectorRows - 1) / kVectorRows, p.n_batches);
  if (alone) {
    vector_kernel<T, 1><<<grid, kThreads, 0, queue.stream>>>(p);
  } else {
    vector_kernel<T, kVectorRows><<<grid, kThreads, 0, queue.stream>>>(p);
  }
  return cudaGetLastError();
}

}  // namespace

cudaError_t multiply_vector(const Queue& queue, Format weights, const VectorProduct& product) {
  if (product.n_rows == 0 || product.n == 0) return cudaSuccess;
  return weights == Format::kF32 ? launch<float>(queue, product) : launch<bf16>(queue, product);
}

}  // namespace kernels::cuda
