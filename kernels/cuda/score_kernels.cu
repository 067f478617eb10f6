#include "kernels/cuda/device_math.cuh"
#include "kernels/cuda/index_formats.cuh"
#include "kernels/cuda/launch.h"

// Scores of the lightning indexer. int8: keys are the rows of the tensor instruction and heads its columns, so that a
// thread holds whole heads of two keys and the sum over heads ends in two shuffles; a warp keeps 32 keys in registers
// and goes over the queries of its block. f32: for models computed in f32.
namespace kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kKeysPerWarp = 32;
constexpr int kKeys = kWarps * kKeysPerWarp;
constexpr int kQueries = 8;   // of a block
constexpr int kHeads = 64;    // in shared memory at a time
constexpr int kPad = 16;      // bytes behind a row of shared memory, against bank conflicts

/// kSteps: 32-byte steps of an index row.
template <int kSteps>
__global__ void __launch_bounds__(kThreads) score_int8_kernel(const Keys keys, const IndexQueries queries, std::int64_t first_position,
                                                              std::int64_t n_keys, float* scores, std::int64_t scores_pitch,
                                                              const int* stop) {
  constexpr int kRow = kSteps * 32 + kPad;
  __shared__ __align__(16) char shared_q[kHeads * kRow];
  __shared__ float shared_w[kHeads];
  if (*stop != 0) return;
  const std::int64_t q0 = static_cast<std::int64_t>(blockIdx.y) * kQueries;
  const int n_q = static_cast<int>(queries.n - q0 < kQueries ? queries.n - q0 : kQueries);
  const std::int64_t key0 = static_cast<std::int64_t>(blockIdx.x) * kKeys;
  if (key0 > first_position + q0 + n_q - 1) return;  // all in the future
  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  const std::int64_t my_key0 = key0 + warp * kKeysPerWarp;

  // A fragments: rows are keys lane / 4 and lane / 4 + 8 of each 16, a register holds 4 bytes.
  std::uint32_t a[2][kSteps][4];
  const auto* index = static_cast<const char*>(keys.index);
#pragma unroll
  for (int i = 0; i < 2; ++i) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const std::int64_t key = my_key0 + i * 16 + half * 8 + lane / 4;
      const char* row = index + (key < n_keys ? key : n_keys - 1) * keys.index_pitch + lane % 4 * 4;
#pragma unroll
      for (int step = 0; step < kSteps; ++step) {
        a[i][step][half] = *reinterpret_cast<const std::uint32_t*>(row + step * 32);
        a[i][step][half + 2] = *reinterpret_cast<const std::uint32_t*>(row + step * 32 + 16);
      }
    }
  }
  for (int q = 0; q < n_q; ++q) {
    const std::int64_t t = q0 + q;
    float sums[2][2] = {};
    for (int h0 = 0; h0 < queries.n_heads_padded; h0 += kHeads) {
      const int n_heads = min(kHeads, queries.n_heads_padded - h0);
      const char* packed = static_cast<const char*>(queries.packed) + (t * queries.n_heads_padded + h0) * keys.index_pitch;
      __syncthreads();
      for (int i = threadIdx.x; i < n_heads * kSteps * 2; i += kThreads)
        *reinterpret_cast<uint4*>(shared_q + i / (kSteps * 2) * kRow + i % (kSteps * 2) * 16) =
            *reinterpret_cast<const uint4*>(packed + i * 16);
      if (threadIdx.x < n_heads) shared_w[threadIdx.x] = queries.weights[t * queries.n_heads_padded + h0 + threadIdx.x];
      __syncthreads();
      for (int h = 0; h < n_heads; h += 8) {
        int c[2][4] = {};
#pragma unroll
        for (int step = 0; step < kSteps; ++step) {
          const char* row = shared_q + (h + lane / 4) * kRow + step * 32 + lane % 4 * 4;
          const std::uint32_t b0 = *reinterpret_cast<const std::uint32_t*>(row);
          const std::uint32_t b1 = *reinterpret_cast<const std::uint32_t*>(row + 16);
          multiply_int8(c[0], a[0][step], b0, b1);
          multiply_int8(c[1], a[1][step], b0, b1);
        }
        const float w0 = shared_w[h + lane % 4 * 2];
        const float w1 = shared_w[h + lane % 4 * 2 + 1];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            sums[i][half] += w0 * static_cast<float>(max(c[i][half * 2], 0));
            sums[i][half] += w1 * static_cast<float>(max(c[i][half * 2 + 1], 0));
          }
        }
      }
    }
    const std::int64_t last = first_position + t < n_keys - 1 ? first_position + t : n_keys - 1;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float sum = sums[i][half];
        sum += __shfl_xor_sync(kAllLanes, sum, 1);
        sum += __shfl_xor_sync(kAllLanes, sum, 2);
        const std::int64_t key = my_key0 + i * 16 + half * 8 + lane / 4;
        if (lane % 4 == 0 && key <= last) scores[t * scores_pitch + key] = keys.index_scales[key] * sum;
      }
    }
  }
}

constexpr int kExactKeys = 64;   // of a block
constexpr int kExactDims = 64;   // in shared memory at a time
constexpr int kExactHeads = 8;   // accumulators of a thread

__device__ inline float index_value(const Keys& keys, std::int64_t key, int d) {
  const std::int64_t at = key * keys.index_pitch + d;
  if (keys.index_format == Format::kF32) return static_cast<const float*>(keys.index)[at];
  return keys.index_scales[key] * from_f8(static_cast<const std::uint8_t*>(keys.index)[at]);
}

__global__ void __launch_bounds__(kExactKeys) score_f32_kernel(const Keys keys, const IndexQueries queries, std::int64_t first_position,
                                                               std::int64_t n_keys, float* scores, std::int64_t scores_pitch,
                                                               const int* stop) {
  __shared__ float shared_k[kExactKeys][kExactDims + 1];
  __shared__ float shared_q[kExactHeads][kExactDims];
  if (*stop != 0) return;
  const std::int64_t t = blockIdx.y;
  const std::int64_t key0 = static_cast<std::int64_t>(blockIdx.x) * kExactKeys;
  const std::int64_t last = first_position + t < n_keys - 1 ? first_position + t : n_keys - 1;
  if (key0 > last) return;
  float score = 0;
  for (int h0 = 0; h0 < queries.n_heads; h0 += kExactHeads) {
    const int n_heads = min(kExactHeads, queries.n_heads - h0);
    float dots[kExactHeads] = {};
    for (int d0 = 0; d0 < keys.index_dim; d0 += kExactDims) {
      const int n_dims = min(kExactDims, keys.index_dim - d0);
      __syncthreads();
      for (int i = threadIdx.x; i < kExactKeys * kExactDims; i += kExactKeys) {
        const std::int64_t key = key0 + i / kExactDims;
        const int d = i % kExactDims;
        shared_k[i / kExactDims][d] = d < n_dims && key < n_keys ? index_value(keys, key, d0 + d) : 0.0f;
      }
      for (int i = threadIdx.x; i < kExactHeads * kExactDims; i += kExactKeys) {
        const int h = i / kExactDims;
        const int d = i % kExactDims;
        shared_q[h][d] = h < n_heads && d < n_dims ? queries.values[(t * queries.n_heads + h0 + h) * keys.index_dim + d0 + d] : 0.0f;
      }
      __syncthreads();
      for (int d = 0; d < n_dims; ++d) {
        const float key = shared_k[threadIdx.x][d];
#pragma unroll
        for (int h = 0; h < kExactHeads; ++h) dots[h] += shared_q[h][d] * key;
      }
    }
#pragma unroll
    for (int h = 0; h < kExactHeads; ++h) {
      if (h >= n_heads) continue;
      const float value = dots[h] < 0 ? 0.0f : dots[h];  // a NaN goes through
      score += queries.weights[t * queries.n_heads + h0 + h] * value;
    }
  }
  const std::int64_t key = key0 + threadIdx.x;
  if (key <= last) scores[t * scores_pitch + key] = score;
}

__global__ void hide_kernel(float* scores, std::int64_t n_keys, std::int64_t first_position) {
  const std::int64_t t = blockIdx.x;
  for (std::int64_t s = first_position + t + 1 + threadIdx.x; s < n_keys; s += kThreads)
    scores[t * n_keys + s] = __int_as_float(0xff800000);
}

}  // namespace

cudaError_t score(const Queue& queue, const Keys& keys, const IndexQueries& queries, std::int64_t first_position,
                  std::int64_t n_keys, float* scores, std::int64_t scores_pitch) {
  if (queries.n == 0 || n_keys == 0) return cudaSuccess;
  if (keys.index_format == Format::kF32 || queries.packed == nullptr) {
    const dim3 grid(static_cast<unsigned>((n_keys + kExactKeys - 1) / kExactKeys), static_cast<unsigned>(queries.n));
    score_f32_kernel<<<grid, kExactKeys, 0, queue.stream>>>(keys, queries, first_position, n_keys, scores, scores_pitch, queue.stop);
    return cudaGetLastError();
  }
  const dim3 grid(static_cast<unsigned>((n_keys + kKeys - 1) / kKeys), static_cast<unsigned>((queries.n + kQueries - 1) / kQueries));
  const auto run = [&](auto kernel) {
    kernel<<<grid, kThreads, 0, queue.stream>>>(keys, queries, first_position, n_keys, scores, scores_pitch, queue.stop);
  };
  if (keys.index_format != Format::kI8) return cudaErrorInvalidValue;
  switch (keys.index_pitch / 32) {
    case 1:
      run(score_int8_kernel<1>);
      break;
    case 2:
      run(score_int8_kernel<2>);
      break;
    case 3:
    case 4:
      run(score_int8_kernel<4>);
      break;
    default:
      return cudaErrorInvalidValue;
  }
  return cudaGetLastError();
}

cudaError_t hide_future(const Queue& queue, float* scores, std::int64_t n_queries, std::int64_t n_keys, std::int64_t first_position) {
  if (n_queries == 0) return cudaSuccess;
  hide_kernel<<<static_cast<unsigned>(n_queries), kThreads, 0, queue.stream>>>(scores, n_keys, first_position);
  return cudaGetLastError();
}

}  // namespace kernels::cuda
