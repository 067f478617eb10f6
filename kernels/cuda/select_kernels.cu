#include "kernels/cuda/device_math.cuh"
#include "kernels/cuda/launch.h"

// The k best scores of each row, exact: three histograms of 11, 11 and 10 bits find the last score that is
// selected, then two passes in order of position write the positions. No atomics decide an order.
namespace kernels::cuda {
namespace {

constexpr int kThreads = 1024;
constexpr int kWarps = kThreads / kWarp;
constexpr int kBins = 2048;

/// Larger is selected first: scores in the order of integers, kept positions before all. See selection_rank().
struct Order {
  const float* scores;
  std::int64_t n_visible;
  std::int64_t window_begin;
  const std::int64_t* ranges;
  int n_ranges;

  __device__ std::uint32_t at(std::int64_t s) const {
    if (s >= window_begin) return 0xffffffffu;
    for (int r = 0; r < n_ranges; ++r)
      if (s >= ranges[2 * r] && s < ranges[2 * r + 1]) return 0xffffffffu;
    float score = scores[s];
    if (isnan(score)) score = __int_as_float(0xff800000);
    const std::uint32_t bits = __float_as_uint(score + 0.0f);  // -0 + 0 = +0
    return (bits & 0x80000000u) ? ~bits : bits | 0x80000000u;
  }
};

/// The largest bin b with at least `wanted` counted in bins >= b; wanted becomes what is still wanted of that bin.
__device__ inline int find_bin(const int* bins, int& wanted, int* shared) {
  // Each thread sums two bins, counted from the top.
  const int high = kBins - 1 - 2 * static_cast<int>(threadIdx.x);
  const int mine = bins[high] + bins[high - 1];
  int sum = mine;
  const int lane = threadIdx.x % kWarp;
  for (int step = 1; step < kWarp; step *= 2) {
    const int other = __shfl_up_sync(kAllLanes, sum, step);
    if (lane >= step) sum += other;
  }
  if (lane == kWarp - 1) shared[threadIdx.x / kWarp] = sum;
  __syncthreads();
  int before = sum - mine;
  for (int w = 0; w < static_cast<int>(threadIdx.x) / kWarp; ++w) before += shared[w];
  if (before < wanted && before + mine >= wanted) {
    const bool upper = before + bins[high] >= wanted;
    shared[kWarps] = upper ? high : high - 1;
    shared[kWarps + 1] = wanted - before - (upper ? 0 : bins[high]);
  }
  __syncthreads();
  const int bin = shared[kWarps];
  wanted = shared[kWarps + 1];
  __syncthreads();
  return bin;
}

__global__ void __launch_bounds__(kThreads, 1) select_kernel(const __grid_constant__ TopArgs args) {
  __shared__ int bins[kBins];
  __shared__ int shared[kWarps + 2];
  __shared__ int above_of[kWarps];
  __shared__ int equal_of[kWarps];
  const std::int64_t t = blockIdx.x;
  const std::int64_t n_visible = args.first_position + t + 1;
  std::int32_t* out = args.indices + t * args.k;
  if (n_visible <= args.k) {
    for (std::int64_t i = threadIdx.x; i < args.k; i += kThreads) out[i] = i < n_visible ? static_cast<std::int32_t>(i) : -1;
    return;
  }
  const std::int64_t window_begin = n_visible - args.keep_window > 0 ? n_visible - args.keep_window : 0;
  const Order order{args.scores + t * args.pitch, n_visible, window_begin, args.keep_ranges, args.n_keep_ranges};

  int wanted = static_cast<int>(args.k);
  std::uint32_t limit = 0;  // found so far
  std::uint32_t mask = 0;
  for (int pass = 0; pass < 3; ++pass) {
    const int shift = pass == 0 ? 21 : pass == 1 ? 10 : 0;
    const std::uint32_t digits = pass == 2 ? 0x3ffu : 0x7ffu;
    for (int i = threadIdx.x; i < kBins; i += kThreads) bins[i] = 0;
    __syncthreads();
    for (std::int64_t s = threadIdx.x; s < n_visible; s += kThreads) {
      const std::uint32_t key = order.at(s);
      if ((key & mask) == limit) atomicAdd(&bins[(key >> shift) & digits], 1);
    }
    __syncthreads();
    const int bin = find_bin(bins, wanted, shared);
    limit |= static_cast<std::uint32_t>(bin) << shift;
    mask |= digits << shift;
  }

  // `wanted` of the scores equal to the limit are selected, those at the largest positions. A warp has the keys
  // [begin, end): it counts them, then writes them where the warps before it end.
  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  const std::int64_t per_warp = ((n_visible + kWarps - 1) / kWarps + kWarp - 1) / kWarp * kWarp;
  const std::int64_t begin = warp * per_warp;
  const std::int64_t end = begin + per_warp < n_visible ? begin + per_warp : n_visible;
  int n_above = 0;
  int n_equal = 0;
  for (std::int64_t s = begin + lane; s < end; s += kWarp) {
    const std::uint32_t key = order.at(s);
    n_above += key > limit;
    n_equal += key == limit;
  }
  for (int step = 16; step > 0; step /= 2) {
    n_above += __shfl_xor_sync(kAllLanes, n_above, step);
    n_equal += __shfl_xor_sync(kAllLanes, n_equal, step);
  }
  if (lane == 0) {
    above_of[warp] = n_above;
    equal_of[warp] = n_equal;
  }
  __syncthreads();
  int above = 0;
  int equal = 0;
  int all_equal = 0;
  for (int w = 0; w < kWarps; ++w) {
    if (w < warp) {
      above += above_of[w];
      equal += equal_of[w];
    }
    all_equal += equal_of[w];
  }
  const int skipped = all_equal - wanted;  // the first ones among equals lose
  for (std::int64_t s0 = begin; s0 < end; s0 += kWarp) {
    const std::int64_t s = s0 + lane;
    const std::uint32_t key = s < end ? order.at(s) : 0;
    const bool is_above = s < end && key > limit;
    const bool is_equal = s < end && key == limit;
    const unsigned above_lanes = __ballot_sync(kAllLanes, is_above);
    const unsigned equal_lanes = __ballot_sync(kAllLanes, is_equal);
    const unsigned lower = (1u << lane) - 1;
    const int equal_before = equal + __popc(equal_lanes & lower);
    if (is_above || (is_equal && equal_before >= skipped))
      out[above + __popc(above_lanes & lower) + max(0, equal_before - skipped)] = static_cast<std::int32_t>(s);
    above += __popc(above_lanes);
    equal += __popc(equal_lanes);
  }
}

}  // namespace

cudaError_t select_top(const Queue& queue, const TopArgs& args) {
  if (args.n_queries == 0) return cudaSuccess;
  select_kernel<<<static_cast<unsigned>(args.n_queries), kThreads, 0, queue.stream>>>(args);
  return cudaGetLastError();
}

}  // namespace kernels::cuda
