#include "kernels/cuda/device_math.cuh"
#include "kernels/cuda/launch.h"

// Routing, sorting tokens by expert and summing what the experts gave, in an order that does not depend on timing.
namespace kernels::cuda {
namespace {

constexpr int kThreads = 256;

/// Largest value and, among equals, the lowest index, over the block.
struct Best {
  float value;
  int index;
};
__device__ inline Best better(Best a, Best b) {
  if (b.index < 0) return a;
  if (a.index < 0) return b;
  if (b.value > a.value || (b.value == a.value && b.index < a.index)) return b;
  return a;
}
__device__ inline Best warp_best(Best best) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    const Best other{__shfl_xor_sync(kAllLanes, best.value, step), __shfl_xor_sync(kAllLanes, best.index, step)};
    best = better(best, other);
  }
  return best;
}

/// One warp per token. Shared memory: scores and ranks of the experts, scores of the groups.
__global__ void route_kernel(const float* logits, const float* bias, bool is_sigmoid, int n_experts, int n_groups, int n_kept,
                             int n_best_of_group, bool normalise, float scale, int n_used, std::int32_t* experts, float* weights) {
  extern __shared__ float shared[];
  float* scores = shared;
  float* ranks = scores + n_experts;
  float* groups = ranks + n_experts;
  const int lane = threadIdx.x;
  const std::int64_t t = blockIdx.x;
  logits += t * n_experts;
  const float kInfinity = __int_as_float(0x7f800000);

  if (is_sigmoid) {
    for (int e = lane; e < n_experts; e += kWarp) scores[e] = 1.0f / (1.0f + expf(-logits[e]));
  } else {
    float largest = -kInfinity;
    for (int e = lane; e < n_experts; e += kWarp) largest = fmaxf(largest, logits[e]);
    for (int step = 16; step > 0; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, step));
    float sum = 0;
    for (int e = lane; e < n_experts; e += kWarp) sum += scores[e] = expf(logits[e] - largest);
    sum = warp_sum(sum);
    for (int e = lane; e < n_experts; e += kWarp) scores[e] /= sum;
  }
  for (int e = lane; e < n_experts; e += kWarp) {
    const float rank = bias != nullptr ? scores[e] + bias[e] : scores[e];
    ranks[e] = isnan(rank) ? -kInfinity : rank;  // a NaN must not break the ordering: it ranks last
  }
  __syncwarp();
  if (n_groups > 1) {
    const int size = n_experts / n_groups;
    for (int g = lane; g < n_groups; g += kWarp) {
      float best = -kInfinity;
      float second = -kInfinity;
      for (int i = 0; i < size; ++i) {
        const float rank = ranks[g * size + i];
        if (rank > best) {
          second = best;
          best = rank;
        } else if (rank > second) {
          second = rank;
        }
      }
      groups[g] = size > 1 && n_best_of_group > 1 ? best + second : best;
    }
    __syncwarp();
    for (int g = lane; g < n_groups; g += kWarp) {
      int n_better = 0;
      for (int other = 0; other < n_groups; ++other)
        n_better += groups[other] > groups[g] || (groups[other] == groups[g] && other < g);
      if (n_better >= n_kept)
        for (int i = 0; i < size; ++i) ranks[g * size + i] = -kInfinity;
    }
    __syncwarp();
  }
  // `groups` now serves as the list of what was taken already: an expert of rank -infinity may still be chosen once.
  auto* taken = reinterpret_cast<unsigned char*>(groups + n_groups);
  for (int e = lane; e < n_experts; e += kWarp) taken[e] = 0;
  __syncwarp();
  float sum = 0;
  for (int j = 0; j < n_used; ++j) {
    Best best{0.0f, -1};
    for (int e = lane; e < n_experts; e += kWarp)
      if (!taken[e]) best = better(best, {ranks[e], e});
    best = warp_best(best);
    if (lane == 0) {
      taken[best.index] = 1;
      experts[t * n_used + j] = best.index;
    }
    sum += scores[best.index];
    __syncwarp();
  }
  const float factor = normalise ? scale / (sum + 1e-20f) : scale;
  for (int j = lane; j < n_used; j += kWarp) weights[t * n_used + j] = scores[experts[t * n_used + j]] * factor;
}

__global__ void __launch_bounds__(kThreads) count_kernel(const std::int32_t* chosen, int n_rows, std::int32_t* counts) {
  __shared__ float shared[32];
  int n = 0;
  for (int i = threadIdx.x; i < n_rows; i += kThreads) n += chosen[i] == static_cast<std::int32_t>(blockIdx.x);
  const float sum = block_sum(static_cast<float>(n), shared);  // exact: below 2^24
  if (threadIdx.x == 0) counts[blockIdx.x] = static_cast<std::int32_t>(sum);
}

/// One block per expert: where its rows begin, its rows in order, its tiles.
__global__ void __launch_bounds__(kThreads) group_kernel(const __grid_constant__ GroupArgs args) {
  __shared__ int warp_counts[kThreads / kWarp];
  const int expert = blockIdx.x;
  int place = 0;
  int tile = 0;
  for (int e = 0; e < expert; ++e) {
    place += args.counts[e];
    tile += (args.counts[e] + args.tile_rows - 1) / args.tile_rows;
  }
  const int count = args.counts[expert];
  const int n_tiles = (count + args.tile_rows - 1) / args.tile_rows;
  for (int i = threadIdx.x; i < n_tiles; i += kThreads) {
    const int first = i * args.tile_rows;
    args.tiles[tile + i] = {expert, place + first, min(args.tile_rows, count - first), 0};
  }
  if (expert + 1 == args.n_experts && threadIdx.x == 0) *args.n_tiles = tile + n_tiles;
  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  for (int base = 0; base < args.n_rows; base += kThreads) {
    const int i = base + threadIdx.x;
    const bool mine = i < args.n_rows && args.chosen[i] == expert;
    const unsigned mask = __ballot_sync(kAllLanes, mine);
    if (lane == 0) warp_counts[warp] = __popc(mask);
    __syncthreads();
    int before = __popc(mask & ((1u << lane) - 1));
    int all = 0;
    for (int w = 0; w < kThreads / kWarp; ++w) {
      if (w < warp) before += warp_counts[w];
      all += warp_counts[w];
    }
    if (mine) {
      args.rows[place + before] = i;
      args.places[i] = place + before;
    }
    place += all;
    __syncthreads();
  }
}

constexpr int kMostUsed = 64;

__global__ void __launch_bounds__(kThreads) combine_kernel(const __grid_constant__ CombineArgs args) {
  __shared__ int place_of[kMostUsed];
  __shared__ float weight_of[kMostUsed];
  const std::int64_t t = blockIdx.x;
  const std::int32_t* chosen = args.chosen + t * args.n_used;
  if (threadIdx.x < args.n_used) {
    const int j = threadIdx.x;
    int order = 0;
    for (int other = 0; other < args.n_used; ++other)
      order += chosen[other] < chosen[j] || (chosen[other] == chosen[j] && other < j);
    const std::int64_t assignment = t * args.n_used + j;
    const bool takes_part = chosen[j] >= args.first_expert && chosen[j] <= args.last_expert;
    place_of[order] = !takes_part ? -1 : args.places != nullptr ? args.places[assignment] : static_cast<int>(assignment);
    weight_of[order] = args.weights[assignment];
  }
  __syncthreads();
  float* out = args.out + t * args.n;
  for (std::int64_t i = threadIdx.x; i < args.n; i += kThreads) {
    float sum = args.accumulate ? out[i] : 0.0f;
    for (int j = 0; j < args.n_used; ++j)
      if (place_of[j] >= 0) sum += weight_of[j] * args.values[place_of[j] * args.n + i];
    out[i] = sum;
  }
}

}  // namespace

cudaError_t route_experts(const Queue& queue, const RouteExpertsArgs& args) {
  const auto n_experts = static_cast<int>(args.logits.shape[1]);
  if (args.logits.shape[0] == 0) return cudaSuccess;
  const std::size_t n_bytes = (2 * static_cast<std::size_t>(n_experts) + static_cast<std::size_t>(args.n_groups)) * sizeof(float) +
                              static_cast<std::size_t>(n_experts);
  route_kernel<<<static_cast<unsigned>(args.logits.shape[0]), kWarp, n_bytes, queue.stream>>>(
      args.logits.as<const float>(), args.bias.as<const float>(), args.score == RouterScore::kSigmoid, n_experts, args.n_groups,
      args.n_groups_kept, args.n_best_of_group, args.normalise, args.scale, static_cast<int>(args.experts.shape[1]), args.experts.as<std::int32_t>(),
      args.weights.as<float>());
  return cudaGetLastError();
}

cudaError_t group_rows(const Queue& queue, const GroupArgs& args) {
  count_kernel<<<args.n_experts, kThreads, 0, queue.stream>>>(args.chosen, args.n_rows, args.counts);
  group_kernel<<<args.n_experts, kThreads, 0, queue.stream>>>(args);
  return cudaGetLastError();
}

cudaError_t combine_experts(const Queue& queue, const CombineArgs& args) {
  if (args.n_tokens == 0) return cudaSuccess;
  if (args.n_used > kMostUsed) return cudaErrorInvalidValue;
  combine_kernel<<<static_cast<unsigned>(args.n_tokens), kThreads, 0, queue.stream>>>(args);
  return cudaGetLastError();
}

}  // namespace kernels::cuda
