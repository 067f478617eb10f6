#include <algorithm>

#include "kernels/cuda/hopper/hopper_kernels.h"

/// The k best of every row of scores. One block per row, two blocks per processor.
///   1. A sample of the row (16384 entries in evenly spread groups of 8) gives a bound that about
///      1.5 k entries should reach.
///   2. One pass over the row collects those entries in shared memory. Bound by reading the row once.
///   3. Bisection over the collected values finds the k-th best exactly.
/// When fewer than k or more than kCapacity entries reach the bound (a bad sample, very many ties), the
/// row is read four more times by a radix selection instead. Only the time depends on the sample.
/// Selected positions are set in a bitmap first, which puts them into ascending order.
namespace kernels::cuda::hopper {
namespace {

constexpr int kThreads = 512;
constexpr int kWarps = kThreads / 32;
constexpr int kCapacity = 6144;
constexpr int kPerThread = kCapacity / kThreads;
constexpr int kSample = 16384;
constexpr int kSamplePerThread = kSample / kThreads;
constexpr int kBins = 2048;
constexpr int kMaxBest = 4096;
constexpr int kMaxKeys = 262144;

struct Params {
  const float* scores;
  std::int64_t pitch;
  std::int32_t* indices;
  std::uint32_t* mask;
  std::int64_t mask_pitch;
  int n_keys;
  int k;
  long long first_position;
};

struct Workspace {
  std::uint32_t* keys;       // [kCapacity]; the fallback's histogram
  std::uint32_t* positions;  // [kCapacity]
  std::uint32_t* better;     // bitmap: above the k-th best value
  std::uint32_t* equal;      // bitmap: equal to it
  int* counters;             // [4]: three rotating sums, number of collected entries
  int* warp_sums;            // [2 * kWarps]
};

/// Unsigned order = order of the scores; +0 = -0, NaN = -infinity.
__device__ __forceinline__ std::uint32_t ordered(float score) {
  if (score != score) {
    return 0x007FFFFFu;
  }
  const std::uint32_t bits = __float_as_uint(score + 0.0f);
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float from_ordered(std::uint32_t key) {
  return __uint_as_float((key & 0x80000000u) != 0 ? key & 0x7FFFFFFFu : ~key);
}

/// Sum over the block. `turn` counts up by one per call: three counters rotate, so that one
/// synchronisation per sum is enough.
__device__ __forceinline__ int block_sum(int value, int* counters, int& turn) {
  const int warp_sum = __reduce_add_sync(0xFFFFFFFFu, value);
  int* const counter = counters + turn % 3;
  if (threadIdx.x == 0) {
    counters[(turn + 1) % 3] = 0;
  }
  if (threadIdx.x % 32 == 0) {
    atomicAdd(counter, warp_sum);
  }
  __syncthreads();
  ++turn;
  return *counter;
}

/// The largest bound that at least `low` of the values reach, or any bound reached by `low` to `high`.
/// Returns how many reach it.
template <int n>
__device__ __forceinline__ int find_bound(const std::uint32_t (&values)[n], int low, int high, int* counters, int& turn,
                                          std::uint32_t& bound) {
  std::uint32_t reached = 0;  // every value reaches 0
  int n_reached = 1 << 30;
  for (int bit = 31; bit >= 0; --bit) {
    const std::uint32_t candidate = reached | (1u << bit);
    int count = 0;
#pragma unroll
    for (int i = 0; i < n; ++i) {
      count += values[i] >= candidate ? 1 : 0;
    }
    count = block_sum(count, counters, turn);
    if (count >= low) {
      reached = candidate;
      n_reached = count;
      if (count <= high) {
        break;
      }
    }
  }
  bound = reached;
  return n_reached;
}

__device__ __forceinline__ void set_bit(std::uint32_t* bitmap, int position) {
  atomicOr(bitmap + position / 32, 1u << (position % 32));
}

/// A bound that about 1.5 k entries of the row should reach.
__device__ std::uint32_t sample_bound(const float* row, int n, int k, const Workspace& work, int& turn) {
  const int n_groups = n / 8;
  const float step = static_cast<float>(n_groups) / (kSample / 8);
  std::uint32_t values[kSamplePerThread];
#pragma unroll
  for (int i = 0; i < kSamplePerThread / 4; ++i) {
    const int quarter = i * kThreads + static_cast<int>(threadIdx.x);  // 4 of the 8 entries of a group
    const int group = min(static_cast<int>(static_cast<float>(quarter / 2) * step), n_groups - 1);
    const float4 four = __ldg(reinterpret_cast<const float4*>(row) + group * 2 + quarter % 2);
    values[4 * i] = ordered(four.x);
    values[4 * i + 1] = ordered(four.y);
    values[4 * i + 2] = ordered(four.z);
    values[4 * i + 3] = ordered(four.w);
  }
  const float rank = 1.5f * static_cast<float>(k) * kSample / static_cast<float>(n);
  std::uint32_t bound = 0;
  find_bound(values, static_cast<int>(rank * 0.95f), static_cast<int>(rank * 1.05f), work.counters, turn, bound);
  return bound;
}

/// Collects all entries that reach `bound`; returns how many there are, also beyond the capacity.
__device__ int collect(const float* row, int n, float bound, const Workspace& work) {
  constexpr int kBatch = 4;
  int* const count = work.counters + 3;
  const auto keep = [&](float score, int position) {
    if (score >= bound) {
      const int slot = atomicAdd(count, 1);
      if (slot < kCapacity) {
        work.keys[slot] = ordered(score);
        work.positions[slot] = static_cast<std::uint32_t>(position);
      }
    }
  };
  const int n_fours = n / 4;
  const auto* fours = reinterpret_cast<const float4*>(row);
  int first = 0;
  for (; first + kBatch * kThreads <= n_fours; first += kBatch * kThreads) {
    float4 batch[kBatch];
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      batch[i] = __ldcs(fours + first + i * kThreads + static_cast<int>(threadIdx.x));
    }
#pragma unroll
    for (int i = 0; i < kBatch; ++i) {
      const float4 four = batch[i];
      if (fmaxf(fmaxf(four.x, four.y), fmaxf(four.z, four.w)) >= bound) {
        const int position = 4 * (first + i * kThreads + static_cast<int>(threadIdx.x));
        keep(four.x, position);
        keep(four.y, position + 1);
        keep(four.z, position + 2);
        keep(four.w, position + 3);
      }
    }
  }
  for (int position = 4 * first + static_cast<int>(threadIdx.x); position < n; position += kThreads) {
    keep(row[position], position);
  }
  __syncthreads();
  return *count;
}

/// Marks in the bitmaps what the collected entries say; returns how many lie above the k-th best.
__device__ int mark_collected(int n_collected, int k, const Workspace& work, int& turn) {
  std::uint32_t values[kPerThread];
#pragma unroll
  for (int i = 0; i < kPerThread; ++i) {
    const int slot = i * kThreads + static_cast<int>(threadIdx.x);
    values[i] = slot < n_collected ? work.keys[slot] : 0;
  }
  std::uint32_t bound = 0;
  find_bound(values, k, k, work.counters, turn, bound);
  int n_better = 0;
#pragma unroll
  for (int i = 0; i < kPerThread; ++i) {
    const int slot = i * kThreads + static_cast<int>(threadIdx.x);
    if (slot < n_collected && values[i] >= bound) {
      const bool above = values[i] > bound;
      n_better += above ? 1 : 0;
      set_bit(above ? work.better : work.equal, static_cast<int>(work.positions[slot]));
    }
  }
  return block_sum(n_better, work.counters, turn);
}

/// The same from the whole row: three digits of 11, 11 and 10 bits.
__device__ int mark_by_radix(const float* row, int n, int k, const Workspace& work, int& turn) {
  std::uint32_t* const histogram = work.keys;
  int* const found = work.warp_sums;
  std::uint32_t prefix = 0;
  int wanted = k;
  for (int digit = 0; digit < 3; ++digit) {
    const int shift = digit == 0 ? 21 : digit == 1 ? 10 : 0;
    const int bits = digit == 2 ? 10 : 11;
    for (int bin = static_cast<int>(threadIdx.x); bin < kBins; bin += kThreads) {
      histogram[bin] = 0;
    }
    __syncthreads();
    // Rows of equal scores would queue at one counter: runs of one digit are added at once.
    int run_bin = -1;
    std::uint32_t run = 0;
    for (int position = static_cast<int>(threadIdx.x); position < n; position += kThreads) {
      const std::uint32_t key = ordered(row[position]);
      if (digit == 0 || key >> (shift + bits) == prefix >> (shift + bits)) {
        const int bin = static_cast<int>(key >> shift & ((1u << bits) - 1));
        if (bin != run_bin) {
          if (run != 0) {
            atomicAdd(histogram + run_bin, run);
          }
          run_bin = bin;
          run = 0;
        }
        ++run;
      }
    }
    if (run != 0) {
      atomicAdd(histogram + run_bin, run);
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      int bin = (1 << bits) - 1;
      int above = 0;
      while (bin > 0 && above + static_cast<int>(histogram[bin]) < wanted) {
        above += static_cast<int>(histogram[bin]);
        --bin;
      }
      found[0] = bin;
      found[1] = above;
    }
    __syncthreads();
    prefix |= static_cast<std::uint32_t>(found[0]) << shift;
    wanted -= found[1];
    __syncthreads();
  }
  int n_better = 0;
  for (int position = static_cast<int>(threadIdx.x); position < n; position += kThreads) {
    const std::uint32_t key = ordered(row[position]);
    if (key >= prefix) {
      n_better += key > prefix ? 1 : 0;
      set_bit(key > prefix ? work.better : work.equal, position);
    }
  }
  return block_sum(n_better, work.counters, turn);
}

/// Exclusive prefix sums over the block of two counts per thread; also the totals.
__device__ int2 scan_pairs(int2 value, int* warp_sums, int2& total) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  int2 sum = value;
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const int x = __shfl_up_sync(0xFFFFFFFFu, sum.x, distance);
    const int y = __shfl_up_sync(0xFFFFFFFFu, sum.y, distance);
    if (lane >= distance) {
      sum.x += x;
      sum.y += y;
    }
  }
  if (lane == 31) {
    warp_sums[2 * warp] = sum.x;
    warp_sums[2 * warp + 1] = sum.y;
  }
  __syncthreads();
  int2 before = make_int2(0, 0);
  total = make_int2(0, 0);
  for (int i = 0; i < kWarps; ++i) {
    const int2 other = make_int2(warp_sums[2 * i], warp_sums[2 * i + 1]);
    if (i < warp) {
      before.x += other.x;
      before.y += other.y;
    }
    total.x += other.x;
    total.y += other.y;
  }
  return make_int2(before.x + sum.x - value.x, before.y + sum.y - value.y);
}

/// Writes what the bitmaps say: everything in `better`, and of `equal` the last `n_wanted_equal`.
__device__ void write_selected(const Params& params, int row_index, int n_words, int n_wanted_equal,
                               const Workspace& work) {
  const int per_thread = (n_words + kThreads - 1) / kThreads;
  const int first = min(static_cast<int>(threadIdx.x) * per_thread, n_words);
  const int last = min(first + per_thread, n_words);
  int2 mine = make_int2(0, 0);
  for (int word = first; word < last; ++word) {
    mine.x += __popc(work.better[word]);
    mine.y += __popc(work.equal[word]);
  }
  int2 total;
  const int2 before = scan_pairs(mine, work.warp_sums, total);
  const int n_passed_over = total.y - n_wanted_equal;
  int equal_rank = before.y;
  int slot = before.x + max(0, before.y - n_passed_over);
  std::int32_t* const indices =
      params.indices == nullptr ? nullptr : params.indices + static_cast<std::int64_t>(row_index) * params.k;
  for (int word = first; word < last; ++word) {
    std::uint32_t chosen = work.better[word];
    for (std::uint32_t ties = work.equal[word]; ties != 0; ties &= ties - 1) {
      chosen |= equal_rank >= n_passed_over ? ties & (0u - ties) : 0u;
      ++equal_rank;
    }
    if (params.mask != nullptr) {
      params.mask[row_index * params.mask_pitch + word] = chosen;
    }
    if (indices != nullptr) {
      for (std::uint32_t left = chosen; left != 0; left &= left - 1) {
        indices[slot++] = word * 32 + __ffs(static_cast<int>(left)) - 1;
      }
    }
  }
}

__device__ void write_everything(const Params& params, int row_index, int n) {
  if (params.indices != nullptr) {
    for (int i = static_cast<int>(threadIdx.x); i < params.k; i += kThreads) {
      params.indices[static_cast<std::int64_t>(row_index) * params.k + i] = i < n ? i : -1;
    }
  }
  if (params.mask != nullptr) {
    for (int word = static_cast<int>(threadIdx.x); word < (n + 31) / 32; word += kThreads) {
      const int bits = n - word * 32;
      params.mask[row_index * params.mask_pitch + word] = bits >= 32 ? 0xFFFFFFFFu : (1u << bits) - 1;
    }
  }
}

__global__ __launch_bounds__(kThreads, 2) void select_best_kernel(const Params params) {
  extern __shared__ std::uint32_t shared[];
  const int row_index = static_cast<int>(blockIdx.x);
  const float* const row = params.scores + static_cast<std::int64_t>(row_index) * params.pitch;
  const int n = static_cast<int>(
      min(static_cast<long long>(params.n_keys), params.first_position + row_index + 1));
  const int n_words = (n + 31) / 32;
  if (params.mask != nullptr) {  // the words beyond the row's last key, up to whole groups of 4
    for (int word = n_words + static_cast<int>(threadIdx.x); word < (params.n_keys + 127) / 128 * 4; word += kThreads) {
      params.mask[row_index * params.mask_pitch + word] = 0;
    }
  }
  if (n <= params.k) {
    write_everything(params, row_index, n);
    return;
  }
  Workspace work;
  work.keys = shared;
  work.positions = work.keys + kCapacity;
  work.counters = reinterpret_cast<int*>(work.positions + kCapacity);
  work.warp_sums = work.counters + 4;
  work.better = reinterpret_cast<std::uint32_t*>(work.warp_sums + 2 * kWarps);
  work.equal = work.better + n_words;
  if (threadIdx.x < 4) {
    work.counters[threadIdx.x] = 0;
  }
  for (int word = static_cast<int>(threadIdx.x); word < 2 * n_words; word += kThreads) {
    work.better[word] = 0;
  }
  __syncthreads();

  int turn = 0;
  std::uint32_t bound = 0;  // below the key of -infinity: a short row is collected whole, NaNs too
  int n_collected = 0;
  if (n <= kCapacity) {
    for (int position = static_cast<int>(threadIdx.x); position < n; position += kThreads) {
      work.keys[position] = ordered(row[position]);
      work.positions[position] = static_cast<std::uint32_t>(position);
    }
    n_collected = n;
    __syncthreads();
  } else {
    bound = sample_bound(row, n, params.k, work, turn);
    n_collected = bound <= 0x007FFFFFu ? 0 : collect(row, n, from_ordered(bound), work);
  }
  const bool fits = n_collected >= params.k && n_collected <= kCapacity;
  const int n_better = fits ? mark_collected(n_collected, params.k, work, turn)
                            : mark_by_radix(row, n, params.k, work, turn);
  write_selected(params, row_index, n_words, params.k - n_better, work);
}

}  // namespace

cudaError_t select_best(const SelectBestArgs& args, cudaStream_t stream) {
  if (args.k <= 0 || args.k > kMaxBest || args.n_keys > kMaxKeys || args.pitch % 4 != 0 ||
      args.pitch < args.n_keys || args.mask_pitch % 4 != 0 ||
      (args.mask != nullptr && args.mask_pitch < (args.n_keys + 127) / 128 * 4)) {
    return cudaErrorInvalidValue;
  }
  if (args.n_queries <= 0 || args.n_keys <= 0) {
    return cudaSuccess;
  }
  const int n_words = (args.n_keys + 31) / 32;
  const int shared_bytes = 4 * (2 * kCapacity + 4 + 2 * kWarps + 2 * n_words);
  const cudaError_t error =
      cudaFuncSetAttribute(select_best_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
  if (error != cudaSuccess) {
    return error;
  }
  Params params{};
  params.scores = args.scores;
  params.pitch = args.pitch;
  params.indices = args.indices;
  params.mask = args.mask;
  params.mask_pitch = args.mask_pitch;
  params.n_keys = args.n_keys;
  params.k = args.k;
  params.first_position = args.first_position;
  select_best_kernel<<<args.n_queries, kThreads, shared_bytes, stream>>>(params);
  return cudaGetLastError();
}

}  // namespace kernels::cuda::hopper
