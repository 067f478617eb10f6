#include "kernels/cuda/attention_tile.cuh"
#include "kernels/cuda/device_math.cuh"

// Attention without tensor cores: for caches in f32, and for shapes that the bf16 kernel does not take. Eight rows per
// block; a thread has the same columns of the output in all of them. Also the sum over splits, which both share.
namespace kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kRows = 8;
constexpr int kColumns = 4;  // per thread: latent_dim <= 1024
constexpr int kMostLatent = kThreads * kColumns;

template <typename T>
__global__ void __launch_bounds__(kThreads) attention_kernel(const Keys keys, const __grid_constant__ AttentionTask task, int n_splits,
                                                             int n_tile_keys, const int* stop) {
  extern __shared__ float shared[];
  if (*stop != 0) return;
  const AttentionTile tile = attention_tile(task, kRows, n_tile_keys, n_splits);
  if (tile.n_rows <= 0) return;
  const int dim = keys.latent_dim + keys.rope_dim;
  const int pitch = dim + 1 - dim % 2;  // odd: neighbouring keys lie in different banks
  float* shared_q = shared;                                // [kRows][pitch]
  float* shared_k = shared_q + kRows * pitch;              // [n_tile_keys][pitch]
  float* shared_p = shared_k + n_tile_keys * pitch;        // [kRows][n_tile_keys]
  float* largest_of = shared_p + kRows * n_tile_keys;
  float* sum_of = largest_of + kRows;
  float* rescale_of = sum_of + kRows;
  auto* position_of = reinterpret_cast<int*>(rescale_of + kRows);

  for (int i = threadIdx.x; i < kRows * dim; i += kThreads) {
    const int r = i / dim;
    const int d = i % dim;
    float value = 0.0f;
    if (r < tile.n_rows)
      value = d < keys.latent_dim ? task.q_latent[(tile.row0 + r) * keys.latent_dim + d]
                                  : task.q_rope[(tile.row0 + r) * keys.rope_dim + d - keys.latent_dim];
    shared_q[r * pitch + d] = value;
  }
  if (threadIdx.x < kRows) {
    largest_of[threadIdx.x] = kLowest;
    sum_of[threadIdx.x] = 0;
  }
  float out[kRows][kColumns] = {};
  const auto* latent = static_cast<const T*>(keys.latent);
  for (std::int64_t first = tile.first_key; first < tile.last_key; first += n_tile_keys) {
    __syncthreads();
    for (int j = threadIdx.x / kWarp; j < n_tile_keys; j += kThreads / kWarp) {
      const std::int64_t s = key_at(task, tile, first + j);
      if (threadIdx.x % kWarp == 0) position_of[j] = static_cast<int>(s);
      const T* row = latent + (s < 0 ? 0 : s) * keys.pitch;
      for (int d = threadIdx.x % kWarp; d < dim; d += kWarp) shared_k[j * pitch + d] = s < 0 ? 0.0f : to_float(row[d]);
    }
    __syncthreads();
    for (int i = threadIdx.x; i < kRows * n_tile_keys; i += kThreads) {
      const int r = i / n_tile_keys;
      const int j = i % n_tile_keys;
      float dot = 0;
      for (int d = 0; d < dim; ++d) dot += shared_q[r * pitch + d] * shared_k[j * pitch + d];
      const int s = position_of[j];
      const bool seen = s >= 0 && r < tile.n_rows && s <= last_visible(task, tile, r);
      shared_p[i] = seen ? dot * task.scale : __int_as_float(0xff800000);
    }
    __syncthreads();
    const int warp = threadIdx.x / kWarp;
    const int lane = threadIdx.x % kWarp;
    if (warp < kRows) {
      float value = lane < n_tile_keys ? shared_p[warp * n_tile_keys + lane] : __int_as_float(0xff800000);
      float largest = value;
      for (int step = 16; step > 0; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, step));
      const float before = largest_of[warp];
      largest = fmaxf(largest, before);
      value = expf(value - largest);
      const float sum = warp_sum(value);
      if (lane < n_tile_keys) shared_p[warp * n_tile_keys + lane] = value;
      if (lane == 0) {
        const float rescale = expf(before - largest);
        rescale_of[warp] = rescale;
        sum_of[warp] = sum_of[warp] * rescale + sum;
        largest_of[warp] = largest;
      }
    }
    __syncthreads();
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int d = threadIdx.x + c * kThreads;
      if (d >= keys.latent_dim) continue;
#pragma unroll
      for (int r = 0; r < kRows; ++r) out[r][c] *= rescale_of[r];
      for (int j = 0; j < n_tile_keys; ++j) {
        const float v = shared_k[j * pitch + d];
#pragma unroll
        for (int r = 0; r < kRows; ++r) out[r][c] += shared_p[r * n_tile_keys + j] * v;
      }
    }
  }
  __syncthreads();
  const std::int64_t all_rows = task.n * task.n_heads;
  float* to = n_splits == 1 ? task.out : task.partial + blockIdx.z * all_rows * keys.latent_dim;
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    if (r >= tile.n_rows) continue;
    const float sum = sum_of[r];
    const float factor = n_splits > 1 ? 1.0f : sum > 0 ? 1.0f / sum : 0.0f;
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const int d = threadIdx.x + c * kThreads;
      if (d < keys.latent_dim) to[(tile.row0 + r) * keys.latent_dim + d] = out[r][c] * factor;
    }
  }
  if (n_splits > 1 && threadIdx.x < tile.n_rows) {
    float* stats = task.partial_stats + (blockIdx.z * all_rows + tile.row0 + threadIdx.x) * 2;
    stats[0] = largest_of[threadIdx.x];
    stats[1] = sum_of[threadIdx.x];
  }
}

__global__ void combine_kernel(const float* partial, const float* stats, std::int64_t all_rows, int n_splits, int latent_dim, float* out) {
  const std::int64_t row = blockIdx.x;
  float largest = kLowest;
  for (int i = 0; i < n_splits; ++i) largest = fmaxf(largest, stats[(i * all_rows + row) * 2]);
  float sum = 0;
  for (int i = 0; i < n_splits; ++i) sum += stats[(i * all_rows + row) * 2 + 1] * expf(stats[(i * all_rows + row) * 2] - largest);
  const float factor = sum > 0 ? 1.0f / sum : 0.0f;
  for (int d = threadIdx.x; d < latent_dim; d += blockDim.x) {
    float value = 0;
    for (int i = 0; i < n_splits; ++i)
      value += partial[(i * all_rows + row) * latent_dim + d] * expf(stats[(i * all_rows + row) * 2] - largest);
    out[row * latent_dim + d] = value * factor;
  }
}

int shared_bytes(int dim, int n_tile_keys) {
  const int pitch = dim + 1 - dim % 2;
  return ((kRows + n_tile_keys) * pitch + kRows * n_tile_keys + 3 * kRows + n_tile_keys) * 4;
}

}  // namespace

int attention_rows_bf16(const Queue& queue, const Keys& keys, const AttentionTask& task);

cudaError_t attend_f32(const Queue& queue, const Keys& keys, const AttentionTask& task, int n_splits) {
  const int dim = keys.latent_dim + keys.rope_dim;
  if (keys.latent_dim > kMostLatent) return cudaErrorInvalidValue;
  int n_tile_keys = kWarp;
  while (n_tile_keys > 1 && shared_bytes(dim, n_tile_keys) > queue.shared_limit) n_tile_keys /= 2;
  const int n_bytes = shared_bytes(dim, n_tile_keys);
  const bool sparse = task.indices != nullptr;
  const std::int64_t all_rows = task.n * task.n_heads;
  const dim3 grid(static_cast<unsigned>(sparse ? task.n : (all_rows + kRows - 1) / kRows),
                  static_cast<unsigned>(sparse ? (task.n_heads + kRows - 1) / kRows : 1), static_cast<unsigned>(n_splits));
  const auto run = [&](auto kernel) {
    const cudaError_t set = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, n_bytes);
    if (set != cudaSuccess) return set;
    kernel<<<grid, kThreads, n_bytes, queue.stream>>>(keys, task, n_splits, n_tile_keys, queue.stop);
    return cudaGetLastError();
  };
  return keys.latent_format == Format::kF32 ? run(attention_kernel<float>) : run(attention_kernel<bf16>);
}

int attention_rows(const Queue& queue, const Keys& keys, const AttentionTask& task) {
  const int rows = keys.latent_format == Format::kBF16 ? attention_rows_bf16(queue, keys, task) : 0;
  return rows > 0 ? rows : kRows;
}

cudaError_t attend(const Queue& queue, const Keys& keys, const AttentionTask& task) {
  const std::int64_t all_rows = task.n * task.n_heads;
  if (all_rows == 0) return cudaSuccess;
  const bool tensor = keys.latent_format == Format::kBF16 && attention_rows_bf16(queue, keys, task) > 0;
  const int rows = attention_rows(queue, keys, task);
  const std::int64_t n_blocks = task.indices != nullptr ? task.n * ((task.n_heads + rows - 1) / rows) : (all_rows + rows - 1) / rows;
  const std::int64_t n_keys = task.indices != nullptr ? task.k : task.first_position + task.n;
  // Few blocks, as in decoding, share their keys until the card is full.
  std::int64_t n_splits = (2 * queue.n_processors) / n_blocks;
  n_splits = n_splits < (n_keys + 63) / 64 ? n_splits : (n_keys + 63) / 64;
  n_splits = n_splits < task.partial_rows / all_rows ? n_splits : task.partial_rows / all_rows;
  if (n_splits < 2) n_splits = 1;
  const cudaError_t error = tensor ? attend_bf16(queue, keys, task, static_cast<int>(n_splits))
                                   : attend_f32(queue, keys, task, static_cast<int>(n_splits));
  if (error != cudaSuccess || n_splits == 1) return error;
  combine_kernel<<<static_cast<unsigned>(all_rows), 128, 0, queue.stream>>>(task.partial, task.partial_stats, all_rows,
                                                                            static_cast<int>(n_splits), keys.latent_dim, task.out);
  return cudaGetLastError();
}

}  // namespace kernels::cuda
