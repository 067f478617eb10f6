#include "kernels/cuda/device_math.cuh"
#include "kernels/cuda/launch.h"

// The attention distribution of one query, for recall and drill-down: dots of all heads in work memory, softmax of each
// row, then the mean over heads in order of heads.
namespace kernels::cuda {
namespace {

constexpr int kThreads = 256;

template <typename T>
__global__ void __launch_bounds__(kThreads) dot_kernel(const Keys keys, const float* q_latent, const float* q_rope, float scale,
                                                       std::int64_t n_visible, float* dots) {
  const int h = blockIdx.y;
  const int lane = threadIdx.x % kWarp;
  const std::int64_t s = static_cast<std::int64_t>(blockIdx.x) * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (s >= n_visible) return;
  const T* row = static_cast<const T*>(keys.latent) + s * keys.pitch;
  float dot = 0;
  for (int d = lane; d < keys.latent_dim; d += kWarp) dot += q_latent[h * keys.latent_dim + d] * to_float(row[d]);
  for (int d = lane; d < keys.rope_dim; d += kWarp) dot += q_rope[h * keys.rope_dim + d] * to_float(row[keys.latent_dim + d]);
  dot = warp_sum(dot);
  if (lane == 0) dots[h * n_visible + s] = dot * scale;
}

__global__ void __launch_bounds__(kThreads) softmax_kernel(float* dots, std::int64_t n_visible) {
  __shared__ float shared[32];
  float* row = dots + blockIdx.x * n_visible;
  float largest = kLowest;
  for (std::int64_t s = threadIdx.x; s < n_visible; s += kThreads) largest = fmaxf(largest, row[s]);
  largest = block_max(largest, shared);
  float sum = 0;
  for (std::int64_t s = threadIdx.x; s < n_visible; s += kThreads) sum += row[s] = expf(row[s] - largest);
  sum = block_sum(sum, shared);
  for (std::int64_t s = threadIdx.x; s < n_visible; s += kThreads) row[s] /= sum;
}

__global__ void mean_kernel(const float* dots, int n_heads, float share, std::int64_t n_visible, std::int64_t n_keys, bool add, float* mass) {
  const std::int64_t s = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (s >= n_keys) return;
  float sum = add ? mass[s] : 0.0f;
  if (s < n_visible)
    for (int h = 0; h < n_heads; ++h) sum += dots[h * n_visible + s] * share;
  mass[s] = sum;
}

}  // namespace

cudaError_t attention_mass(const Queue& queue, const Keys& keys, const float* q_latent, const float* q_rope, int n_heads, int n_at_once,
                           float scale, std::int64_t n_visible, std::int64_t n_keys, float* work, float* mass) {
  constexpr int kPerBlock = kThreads / kWarp;
  for (int h = 0; h < n_heads; h += n_at_once) {
    const int n = n_heads - h < n_at_once ? n_heads - h : n_at_once;
    const dim3 grid(static_cast<unsigned>((n_visible + kPerBlock - 1) / kPerBlock), static_cast<unsigned>(n));
    const float* latent = q_latent + static_cast<std::int64_t>(h) * keys.latent_dim;
    const float* rope = q_rope + static_cast<std::int64_t>(h) * keys.rope_dim;
    if (keys.latent_format == Format::kBF16) {
      dot_kernel<bf16><<<grid, kThreads, 0, queue.stream>>>(keys, latent, rope, scale, n_visible, work);
    } else {
      dot_kernel<float><<<grid, kThreads, 0, queue.stream>>>(keys, latent, rope, scale, n_visible, work);
    }
    softmax_kernel<<<static_cast<unsigned>(n), kThreads, 0, queue.stream>>>(work, n_visible);
    mean_kernel<<<static_cast<unsigned>((n_keys + kThreads - 1) / kThreads), kThreads, 0, queue.stream>>>(
        work, n, 1.0f / static_cast<float>(n_heads), n_visible, n_keys, h > 0, mass);
  }
  return cudaGetLastError();
}

}  // namespace kernels::cuda
