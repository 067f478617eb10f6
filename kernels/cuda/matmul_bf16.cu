#include "kernels/cuda/device_math.cuh"
#include "kernels/cuda/launch.h"

// bf16 products on tensor cores that every card from sm_80 on has. A block computes kRows x 128 outputs, three
// stages of 32 columns of k ahead of it in shared memory. 16-byte chunks of a row are permuted by the row's
// number, so that neither the copies nor ldmatrix meet in a bank.
namespace kernels::cuda {
namespace {

constexpr int kOut = 128;    // columns of c per block
constexpr int kDepth = 32;   // of k per stage
constexpr int kStages = 3;
constexpr int kThreads = 256;

template <int kRows>
struct Tiling {
  static constexpr int kWarpsM = kRows >= 128 ? 2 : 1;
  static constexpr int kWarpsN = 8 / kWarpsM;
  static constexpr int kTilesM = kRows / kWarpsM / 16;
  static constexpr int kTilesN = kOut / kWarpsN / 8;
  static constexpr int kStageBytes = (kRows + kOut) * kDepth * 2;
};

__device__ inline int chunk_offset(int row, int chunk) { return row * (kDepth * 2) + ((chunk ^ ((row >> 1) & 3)) * 16); }

/// Rows [first, first + n_rows) of a matrix, columns from `at`, into shared memory; what is not there is zero.
template <int kRows>
__device__ inline void load_stage(char* shared, const bf16* matrix, std::int64_t pitch, std::int64_t n_rows, std::int64_t at) {
#pragma unroll
  for (int i = threadIdx.x; i < kRows * 4; i += kThreads) {
    const int row = i / 4;
    const int chunk = i % 4;
    const std::int64_t column = at + chunk * 8;
    const bool present = row < n_rows && column < pitch;
    copy_16_async(shared + chunk_offset(row, chunk), present ? matrix + row * pitch + column : matrix, present);
  }
}

template <int kRows>
__global__ void __launch_bounds__(kThreads) product_kernel(const __grid_constant__ Product p, const int* stop) {
  using T = Tiling<kRows>;
  extern __shared__ __align__(128) char shared[];
  if (*stop != 0) return;
  std::int64_t row0 = static_cast<std::int64_t>(blockIdx.y) * kRows;
  std::int64_t n_rows = p.m - row0;
  const auto* w = static_cast<const bf16*>(p.w) + blockIdx.z * p.w_batch;
  if (p.tiles != nullptr) {
    if (blockIdx.y >= *p.n_tiles) return;
    const RowTile tile = p.tiles[blockIdx.y];
    row0 = tile.first;
    n_rows = tile.n;
    w = static_cast<const bf16*>(p.tables[tile.expert]);
    if (w == nullptr) return;  // not on the card in this step
  }
  const auto* a = static_cast<const bf16*>(p.a) + blockIdx.z * p.a_batch + row0 * p.a_pitch;
  const std::int64_t column0 = static_cast<std::int64_t>(blockIdx.x) * kOut;
  w += column0 * p.w_pitch;
  const std::int64_t n_columns = p.n - column0;
  const int n_steps = static_cast<int>((p.k + kDepth - 1) / kDepth);

  const auto fetch = [&](int step) {
    char* stage = shared + step % kStages * T::kStageBytes;
    if (step < n_steps) {
      load_stage<kRows>(stage, a, p.a_pitch, n_rows, static_cast<std::int64_t>(step) * kDepth);
      load_stage<kOut>(stage + kRows * kDepth * 2, w, p.w_pitch, n_columns, static_cast<std::int64_t>(step) * kDepth);
    }
    commit_copies();
  };

  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  const int m0 = warp / T::kWarpsN * (T::kTilesM * 16);
  const int n0 = warp % T::kWarpsN * (T::kTilesN * 8);
  float c[T::kTilesM][T::kTilesN][4] = {};
  for (int step = 0; step < kStages - 1; ++step) fetch(step);
  for (int step = 0; step < n_steps; ++step) {
    wait_copies<kStages - 2>();
    __syncthreads();
    fetch(step + kStages - 1);
    const char* stage_a = shared + step % kStages * T::kStageBytes;
    const char* stage_w = stage_a + kRows * kDepth * 2;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      std::uint32_t fragment_a[T::kTilesM][4];
#pragma unroll
      for (int i = 0; i < T::kTilesM; ++i)
        load_tiles(fragment_a[i], stage_a + chunk_offset(m0 + i * 16 + lane % 16, half * 2 + lane / 16));
#pragma unroll
      for (int j = 0; j < T::kTilesN; j += 2) {
        std::uint32_t fragment_w[4];  // two tiles of 8 columns, 16 of k each
        load_tiles(fragment_w, stage_w + chunk_offset(n0 + j * 8 + lane % 8 + lane / 16 * 8, half * 2 + lane / 8 % 2));
#pragma unroll
        for (int i = 0; i < T::kTilesM; ++i) {
          multiply_bf16(c[i][j], fragment_a[i], fragment_w[0], fragment_w[1]);
          multiply_bf16(c[i][j + 1], fragment_a[i], fragment_w[2], fragment_w[3]);
        }
      }
    }
  }
  wait_copies<0>();

  float* out = p.c + blockIdx.z * p.c_batch + row0 * p.c_pitch + column0;
#pragma unroll
  for (int i = 0; i < T::kTilesM; ++i) {
#pragma unroll
    for (int j = 0; j < T::kTilesN; ++j) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int row = m0 + i * 16 + lane / 4 + e / 2 * 8;
        const int column = n0 + j * 8 + lane % 4 * 2 + e % 2;
        if (row >= n_rows || column >= n_columns) continue;
        float& value = out[row * p.c_pitch + column];
        value = p.accumulate ? value + c[i][j][e] : c[i][j][e];
      }
    }
  }
}

template <int kRows>
cudaError_t launch(const Queue& queue, const Product& product) {
  constexpr int kBytes = kStages * Tiling<kRows>::kStageBytes;
  const cudaError_t set = cudaFuncSetAttribute(product_kernel<kRows>, cudaFuncAttributeMaxDynamicSharedMemorySize, kBytes);
  if (set != cudaSuccess) return set;
  const std::int64_t row_tiles = product.tiles != nullptr ? product.n_tiles_limit : (product.m + kRows - 1) / kRows;
  const dim3 grid(static_cast<unsigned>((product.n + kOut - 1) / kOut), static_cast<unsigned>(row_tiles),
                  static_cast<unsigned>(product.n_batches));
  product_kernel<kRows><<<grid, kThreads, kBytes, queue.stream>>>(product, queue.stop);
  return cudaGetLastError();
}

}  // namespace

cudaError_t multiply_bf16(const Queue& queue, const Product& product) {
  if (product.n == 0 || (product.tiles == nullptr && product.m == 0)) return cudaSuccess;
  if (product.tiles != nullptr) return product.tile_rows > 32 ? launch<128>(queue, product) : launch<32>(queue, product);
  return product.m > 64 ? launch<128>(queue, product) : launch<32>(queue, product);
}

}  // namespace kernels::cuda
