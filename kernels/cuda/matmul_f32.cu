#include "kernels/cuda/device_math.cuh"
#include "kernels/cuda/launch.h"

// f32 products without tensor cores, whose formats would round the inputs: 64 x 64 outputs per block, 4 x 4 per
// thread, for models that are computed in f32 and for the router and the indexer's projections everywhere.
namespace kernels::cuda {
namespace {

constexpr int kRows = 64;
constexpr int kOut = 64;
constexpr int kDepth = 16;
constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) product_kernel(const __grid_constant__ Product p, const int* stop) {
  __shared__ float shared_a[kDepth][kRows + 4];
  __shared__ float shared_w[kDepth][kOut + 4];
  if (*stop != 0) return;
  std::int64_t row0 = static_cast<std::int64_t>(blockIdx.y) * kRows;
  std::int64_t n_rows = p.m - row0;
  const auto* w = static_cast<const float*>(p.w) + blockIdx.z * p.w_batch;
  if (p.tiles != nullptr) {
    if (blockIdx.y >= *p.n_tiles) return;
    const RowTile tile = p.tiles[blockIdx.y];
    row0 = tile.first;
    n_rows = tile.n;
    w = static_cast<const float*>(p.tables[tile.expert]);
    if (w == nullptr) return;  // not on the card in this step
  }
  const auto* a = static_cast<const float*>(p.a) + blockIdx.z * p.a_batch + row0 * p.a_pitch;
  const std::int64_t column0 = static_cast<std::int64_t>(blockIdx.x) * kOut;
  w += column0 * p.w_pitch;
  const std::int64_t n_columns = p.n - column0;
  const int ty = threadIdx.x / 16;
  const int tx = threadIdx.x % 16;
  float c[4][4] = {};
  for (std::int64_t at = 0; at < p.k; at += kDepth) {
    for (int i = threadIdx.x; i < kRows * kDepth; i += kThreads) {
      const int row = i / kDepth;
      const int d = i % kDepth;
      const bool in_k = at + d < p.k;
      shared_a[d][row] = in_k && row < n_rows ? a[row * p.a_pitch + at + d] : 0.0f;
      shared_w[d][row] = in_k && row < n_columns ? w[row * p.w_pitch + at + d] : 0.0f;
    }
    __syncthreads();
#pragma unroll
    for (int d = 0; d < kDepth; ++d) {
      const float4 left = *reinterpret_cast<const float4*>(&shared_a[d][ty * 4]);
      const float4 right = *reinterpret_cast<const float4*>(&shared_w[d][tx * 4]);
      const float l[4] = {left.x, left.y, left.z, left.w};
      const float r[4] = {right.x, right.y, right.z, right.w};
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) c[i][j] += l[i] * r[j];
    }
    __syncthreads();
  }
  float* out = p.c + blockIdx.z * p.c_batch + row0 * p.c_pitch + column0;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int row = ty * 4 + i;
      const int column = tx * 4 + j;
      if (row >= n_rows || column >= n_columns) continue;
      float& value = out[row * p.c_pitch + column];
      value = p.accumulate ? value + c[i][j] : c[i][j];
    }
  }
}

}  // namespace

cudaError_t multiply_f32(const Queue& queue, const Product& product) {
  if (product.n == 0 || (product.tiles == nullptr && product.m == 0)) return cudaSuccess;
  const std::int64_t row_tiles = product.tiles != nullptr ? product.n_tiles_limit : (product.m + kRows - 1) / kRows;
  const dim3 grid(static_cast<unsigned>((product.n + kOut - 1) / kOut), static_cast<unsigned>(row_tiles),
                  static_cast<unsigned>(product.n_batches));
  product_kernel<<<grid, kThreads, 0, queue.stream>>>(product, queue.stop);
  return cudaGetLastError();
}

}  // namespace kernels::cuda
