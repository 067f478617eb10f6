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
template <int kBlock>
__device__ inline int find_bin(const int* bins, int& wanted, int* shared) {
  constexpr int kOwn = kBins / kBlock;  // bins of a thread, counted from the top
  constexpr int kBlockWarps = kBlock / kWarp;
  const int high = kBins - 1 - kOwn * static_cast<int>(threadIdx.x);
  int own[kOwn];
  int mine = 0;
#pragma unroll
  for (int i = 0; i < kOwn; ++i) mine += own[i] = bins[high - i];
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
    int bin = high;
#pragma unroll
    for (int i = 0; i < kOwn - 1; ++i) {
      if (bin != high - i || before + own[i] >= wanted) continue;
      before += own[i];
      --bin;
    }
    shared[kBlockWarps] = bin;
    shared[kBlockWarps + 1] = wanted - before;
  }
  __syncthreads();
  const int bin = shared[kBlockWarps];
  wanted = shared[kBlockWarps + 1];
  __syncthreads();
  return bin;
}

__device__ inline Order order_of(const TopArgs& args, std::int64_t t) {
  const std::int64_t n_visible = args.first_position + t + 1;
  const std::int64_t window_begin = n_visible - args.keep_window > 0 ? n_visible - args.keep_window : 0;
  return {args.scores + t * args.pitch, n_visible, window_begin, args.keep_ranges, args.n_keep_ranges};
}

struct Digit {
  int shift;
  std::uint32_t mask;
};
__device__ inline Digit digit_of(int pass) {
  return {pass == 0 ? 21 : pass == 1 ? 10 : 0, pass == 2 ? 0x3ffu : 0x7ffu};
}

struct Split {
  std::int64_t begin;
  std::int64_t end;
};

/// Writes the selected positions of a warp's keys; `above` and `equal` keys lie before them, and of the equal ones the
/// first `skipped` lose.
__device__ inline void emit_warp(const Order& order, const Split& split, std::uint32_t limit, int skipped, int above, int equal,
                                 std::int32_t* out) {
  const int lane = threadIdx.x % kWarp;
  for (std::int64_t s0 = split.begin; s0 < split.end; s0 += kWarp) {
    const std::int64_t s = s0 + lane;
    const std::uint32_t key = s < split.end ? order.at(s) : 0;
    const bool is_above = s < split.end && key > limit;
    const bool is_equal = s < split.end && key == limit;
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
  const Order order = order_of(args, t);
  int wanted = static_cast<int>(args.k);
  std::uint32_t limit = 0;  // found so far
  std::uint32_t mask = 0;
  for (int pass = 0; pass < 3; ++pass) {
    const auto [shift, digits] = digit_of(pass);
    for (int i = threadIdx.x; i < kBins; i += kThreads) bins[i] = 0;
    __syncthreads();
    for (std::int64_t s = threadIdx.x; s < n_visible; s += kThreads) {
      const std::uint32_t key = order.at(s);
      if ((key & mask) == limit) atomicAdd(&bins[(key >> shift) & digits], 1);
    }
    __syncthreads();
    const int bin = find_bin<kThreads>(bins, wanted, shared);
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
  emit_warp(order, {begin, end}, limit, skipped, above, equal, out);
}

// Few rows, as in decoding: the keys of a row are shared by many blocks, which count into one histogram per digit in
// the work memory. Every block reads the histograms before it by itself, so nothing is handed over but counts.
constexpr int kSplitThreads = 256;
constexpr int kSplitWarps = kSplitThreads / kWarp;
constexpr int kSplitKeys = 2048;  // of a block at least
constexpr int kMostSplits = kTopWorkSplits;

__device__ inline Split split_of(std::int64_t n_visible) {
  const std::int64_t per_block = ((n_visible + gridDim.x - 1) / gridDim.x + kWarp - 1) / kWarp * kWarp;
  const std::int64_t begin = blockIdx.x * per_block;
  return {begin, begin + per_block < n_visible ? begin + per_block : n_visible};
}

/// The last selected score as far as the first `n_passes` histograms say; `wanted`: how many equal to it are selected.
__device__ inline std::uint32_t limit_after(const int* work, int n_passes, int& wanted, int* shared) {
  std::uint32_t limit = 0;
  for (int pass = 0; pass < n_passes; ++pass)
    limit |= static_cast<std::uint32_t>(find_bin<kSplitThreads>(work + pass * kBins, wanted, shared)) << digit_of(pass).shift;
  return limit;
}

__global__ void __launch_bounds__(kSplitThreads) histogram_kernel(const __grid_constant__ TopArgs args, int pass) {
  __shared__ int bins[kBins];
  __shared__ int shared[kSplitWarps + 2];
  const std::int64_t t = blockIdx.y;
  const Order order = order_of(args, t);
  int* work = args.work + t * kTopWork;
  int wanted = static_cast<int>(args.k);
  const std::uint32_t limit = limit_after(work, pass, wanted, shared);
  const std::uint32_t mask = pass == 0 ? 0 : pass == 1 ? 0xffe00000u : 0xfffffc00u;
  const auto [shift, digits] = digit_of(pass);
  for (int i = threadIdx.x; i < kBins; i += kSplitThreads) bins[i] = 0;
  __syncthreads();
  const Split split = split_of(order.n_visible);
  for (std::int64_t s = split.begin + threadIdx.x; s < split.end; s += kSplitThreads) {
    const std::uint32_t key = order.at(s);
    if ((key & mask) == limit) atomicAdd(&bins[(key >> shift) & digits], 1);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < kBins; i += kSplitThreads)
    if (bins[i] > 0) atomicAdd(&work[pass * kBins + i], bins[i]);
}

/// Keys of this warp above and equal to the limit.
__device__ inline Split warp_split(const Split& split) {
  const int warp = threadIdx.x / kWarp;
  const std::int64_t per_warp = ((split.end - split.begin + kSplitWarps - 1) / kSplitWarps + kWarp - 1) / kWarp * kWarp;
  const std::int64_t begin = split.begin + warp * per_warp;
  return {begin, begin + per_warp < split.end ? begin + per_warp : split.end};
}
__device__ inline void count_warp(const Order& order, const Split& split, std::uint32_t limit, int& n_above, int& n_equal) {
  n_above = 0;
  n_equal = 0;
  for (std::int64_t s = split.begin + threadIdx.x % kWarp; s < split.end; s += kWarp) {
    const std::uint32_t key = order.at(s);
    n_above += key > limit;
    n_equal += key == limit;
  }
  for (int step = 16; step > 0; step /= 2) {
    n_above += __shfl_xor_sync(kAllLanes, n_above, step);
    n_equal += __shfl_xor_sync(kAllLanes, n_equal, step);
  }
}

__global__ void __launch_bounds__(kSplitThreads) count_split_kernel(const __grid_constant__ TopArgs args) {
  __shared__ int shared[kSplitWarps + 2];
  __shared__ int counts[2];
  const std::int64_t t = blockIdx.y;
  const Order order = order_of(args, t);
  int* work = args.work + t * kTopWork;
  int wanted = static_cast<int>(args.k);
  const std::uint32_t limit = limit_after(work, 3, wanted, shared);
  if (threadIdx.x < 2) counts[threadIdx.x] = 0;
  __syncthreads();
  int n_above;
  int n_equal;
  count_warp(order, warp_split(split_of(order.n_visible)), limit, n_above, n_equal);
  if (threadIdx.x % kWarp == 0) {
    atomicAdd(&counts[0], n_above);
    atomicAdd(&counts[1], n_equal);
  }
  __syncthreads();
  if (threadIdx.x < 2) work[3 * kBins + threadIdx.x * kMostSplits + blockIdx.x] = counts[threadIdx.x];
}

__global__ void __launch_bounds__(kSplitThreads) emit_split_kernel(const __grid_constant__ TopArgs args) {
  __shared__ int shared[kSplitWarps + 2];
  __shared__ int above_of[kSplitWarps];
  __shared__ int equal_of[kSplitWarps];
  const std::int64_t t = blockIdx.y;
  const Order order = order_of(args, t);
  const int* work = args.work + t * kTopWork;
  std::int32_t* out = args.indices + t * args.k;
  int wanted = static_cast<int>(args.k);
  const std::uint32_t limit = limit_after(work, 3, wanted, shared);
  const Split split = warp_split(split_of(order.n_visible));
  int n_above;
  int n_equal;
  count_warp(order, split, limit, n_above, n_equal);
  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  if (lane == 0) {
    above_of[warp] = n_above;
    equal_of[warp] = n_equal;
  }
  __syncthreads();
  int above = 0;
  int equal = 0;
  int all_equal = 0;
  for (int b = 0; b < static_cast<int>(gridDim.x); ++b) {
    if (b < static_cast<int>(blockIdx.x)) {
      above += work[3 * kBins + b];
      equal += work[3 * kBins + kMostSplits + b];
    }
    all_equal += work[3 * kBins + kMostSplits + b];
  }
  for (int w = 0; w < warp; ++w) {
    above += above_of[w];
    equal += equal_of[w];
  }
  emit_warp(order, split, limit, all_equal - wanted, above, equal, out);
}

cudaError_t select_split(const Queue& queue, const TopArgs& args) {
  const std::int64_t n_visible = args.first_position + args.n_queries;
  const std::int64_t wanted = (n_visible + kSplitKeys - 1) / kSplitKeys;
  const dim3 grid(static_cast<unsigned>(wanted < kMostSplits ? wanted : kMostSplits), static_cast<unsigned>(args.n_queries));
  const cudaError_t cleared = cudaMemsetAsync(args.work, 0, static_cast<std::size_t>(args.n_queries) * kTopWork * sizeof(int), queue.stream);
  if (cleared != cudaSuccess) return cleared;
  for (int pass = 0; pass < 3; ++pass) histogram_kernel<<<grid, kSplitThreads, 0, queue.stream>>>(args, pass);
  count_split_kernel<<<grid, kSplitThreads, 0, queue.stream>>>(args);
  emit_split_kernel<<<grid, kSplitThreads, 0, queue.stream>>>(args);
  return cudaGetLastError();
}

}  // namespace

cudaError_t select_top(const Queue& queue, const TopArgs& args) {
  if (args.n_queries == 0) return cudaSuccess;
  if (args.work != nullptr && args.first_position + 1 > args.k) return select_split(queue, args);
  select_kernel<<<static_cast<unsigned>(args.n_queries), kThreads, 0, queue.stream>>>(args);
  return cudaGetLastError();
}

}  // namespace kernels::cuda
