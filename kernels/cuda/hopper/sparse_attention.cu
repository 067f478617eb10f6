#include <cuda_bf16.h>

#include <algorithm>

#include "kernels/cuda/hopper/hopper_kernels.h"
#include "kernels/cuda/hopper/mbarrier.cuh"
#include "kernels/cuda/hopper/softmax.cuh"
#include "kernels/cuda/hopper/tma.cuh"
#include "kernels/cuda/hopper/wgmma.cuh"

/// Attention over selected latents. A block takes 64 heads of one query and walks over pairs of 64-key
/// blocks, block 0 in buffer 0 and block 1 in buffer 1 (72 KB each). 64 x 512 outputs do not fit into the
/// registers of one warpgroup, so each of the two math warpgroups owns 256 output columns:
///   left:   scores of block 0, its softmax;  out_left  += shares 0 * latents 0, then shares 1 * latents 1
///   right:  scores of block 1, its softmax;  out_right += shares 0 * latents 0, then shares 1 * latents 1
/// The shares change hands through the rotated part of the block's own buffer, which nobody needs once
/// the scores are there. Each half of a buffer is refilled as soon as its columns are used up; the third
/// warpgroup gathers rows with 16-byte copies straight into the swizzled layout.
/// Bound by the tensor cores (4352 clocks per pair), next by L2 (144 KB per pair).
namespace kernels::cuda::hopper {
namespace {

constexpr int kLatentDim = 512;
constexpr int kRopeDim = 64;
constexpr int kRowElements = kLatentDim + kRopeDim;
constexpr int kBlockKeys = 64;
constexpr int kHeadTile = 64;
constexpr int kThreads = 384;
constexpr int kPanel = 64 * 128;  // bytes of 64 rows x 64 columns
constexpr int kRopePanel = 8;
constexpr int kBufferBytes = 9 * kPanel;

struct SharedTail {
  std::uint64_t query_full;
  std::uint64_t full[2][2];   // [buffer][half]
  std::uint64_t empty[2][2];
  std::uint64_t shares_ready[2];
  float maximum[2][kHeadTile];
  float sum[2][kHeadTile];
  unsigned char usable[2][kBlockKeys];
};
constexpr int kSharedBytes = 3 * kBufferBytes + 1024 + static_cast<int>(sizeof(SharedTail));

struct Params {
  const __nv_bfloat16* latents;
  const std::int32_t* indices;
  void* out;
  float* partial_out;    // [n_queries, n_splits, n_heads, 512], not normalised
  float2* partial_sums;  // [n_queries, n_splits, n_heads]: maximum, sum
  int n_heads;
  int n_head_tiles;
  int n_keys;
  int k;
  int n_splits;
  float scale_log2;
};

struct Work {
  int query;
  int head_tile;
  int split;
  int first_block;
  int n_blocks;
  int n_pairs;
};

__device__ __forceinline__ Work work_of_block(const Params& params) {
  Work work;
  work.query = static_cast<int>(blockIdx.x) / params.n_head_tiles;
  work.head_tile = static_cast<int>(blockIdx.x) % params.n_head_tiles;
  work.split = static_cast<int>(blockIdx.y);
  const int n_blocks = params.k / kBlockKeys;
  work.first_block = work.split * n_blocks / params.n_splits;
  work.n_blocks = (work.split + 1) * n_blocks / params.n_splits - work.first_block;
  work.n_pairs = (work.n_blocks + 1) / 2;
  return work;
}

__device__ __forceinline__ void copy_16_or_zeros(std::uint32_t destination, const void* source, bool wanted) {
  asm volatile("cp.async.cg.shared.global.L2::256B [%0], [%1], 16, %2;" ::"r"(destination), "l"(source),
               "r"(wanted ? 16 : 0)
               : "memory");
}

/// The third warpgroup: thread t copies the 16-byte piece t % 8 of rows t / 8 + 16 i.
__device__ __forceinline__ void gather(const Params& params, const Work& work, unsigned char* buffers,
                                       SharedTail& tail) {
  const int thread = static_cast<int>(threadIdx.x) % 128;
  const int row = thread / 8;
  const int piece = thread % 8;
  const std::uint32_t offset = static_cast<std::uint32_t>(row * 128 + ((piece ^ (row % 8)) * 16));
  const std::int32_t* const indices = params.indices + static_cast<std::int64_t>(work.query) * params.k +
                                      static_cast<std::int64_t>(work.first_block) * kBlockKeys + row;
  std::int32_t next[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    next[i] = __ldg(indices + 16 * i);
  }
  for (int block = 0; block < 2 * work.n_pairs; ++block) {
    const int buffer = block % 2;
    const std::uint32_t parity = static_cast<std::uint32_t>(block / 2 % 2) ^ 1;
    const std::uint32_t base = shared_address(buffers + buffer * kBufferBytes) + offset;
    const char* source[4];
    bool usable[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      usable[i] = block < work.n_blocks && next[i] >= 0 && next[i] < params.n_keys;
      source[i] = reinterpret_cast<const char*>(params.latents) +
                  (usable[i] ? static_cast<std::int64_t>(next[i]) * (kRowElements * 2) : 0) + piece * 16;
      next[i] = block + 1 < work.n_blocks ? __ldg(indices + (block + 1) * kBlockKeys + 16 * i) : -1;
    }
    const auto copy_panel = [&](int panel) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        copy_16_or_zeros(base + static_cast<std::uint32_t>(panel * kPanel + i * 16 * 128), source[i] + panel * 128,
                         usable[i]);
      }
    };
    // The rotated part holds the shares that the other warpgroup reads: it is free together with that one's half.
    barrier_wait(&tail.empty[buffer][0], parity);
#pragma unroll
    for (int panel = 0; panel < 4; ++panel) {
      copy_panel(panel);
    }
    if (buffer == 1) {
      copy_panel(kRopePanel);
    }
    barrier_arrive_after_copies(&tail.full[buffer][0]);
    barrier_wait(&tail.empty[buffer][1], parity);
    if (piece == 0) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        tail.usable[buffer][row + 16 * i] = usable[i] ? 1 : 0;
      }
      barrier_arrive(&tail.full[buffer][1]);
    }
#pragma unroll
    for (int panel = 4; panel < 8; ++panel) {
      copy_panel(panel);
    }
    if (buffer == 0) {
      copy_panel(kRopePanel);
    }
    barrier_arrive_after_copies(&tail.full[buffer][1]);
  }
}

/// What a math warpgroup keeps in registers, and its steps. `side` 0 is the left half.
template <int side>
struct Half {
  float out[128];
  float scores[32];
  std::uint32_t shares[16];
  RowSoftmax softmax;
  std::uint32_t queries;
  std::uint32_t buffers;
  int warp;
  int lane;
  float scale_log2;

  __device__ __forceinline__ int row() const { return warp * 16 + lane / 4; }

  __device__ __forceinline__ void issue_scores(SharedTail& tail, std::uint32_t parity) {
    const std::uint32_t keys = buffers + static_cast<std::uint32_t>(side * kBufferBytes);
    barrier_wait(&tail.full[side][0], parity);
    fence_shared_for_tensor_cores();
    products_begin();
#pragma unroll
    for (int step = 0; step < 16; ++step) {
      const auto offset = static_cast<std::uint32_t>(step / 4 * kPanel + step % 4 * 32);
      product_bf16(scores, shared_operand(queries + offset), shared_operand(keys + offset), step > 0);
    }
    barrier_wait(&tail.full[side][1], parity);
    fence_shared_for_tensor_cores();
    products_begin();
#pragma unroll
    for (int step = 16; step < 36; ++step) {
      const auto offset = static_cast<std::uint32_t>(step / 4 * kPanel + step % 4 * 32);
      product_bf16(scores, shared_operand(queries + offset), shared_operand(keys + offset), true);
    }
    products_commit();
  }

  __device__ __forceinline__ void hide_unusable(const SharedTail& tail) {
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      const auto* flags = reinterpret_cast<const std::uint16_t*>(&tail.usable[side][8 * j + 2 * (lane % 4)]);
      const std::uint16_t both = *flags;
      scores[4 * j] = (both & 0x00FF) != 0 ? scores[4 * j] : kHidden;
      scores[4 * j + 2] = (both & 0x00FF) != 0 ? scores[4 * j + 2] : kHidden;
      scores[4 * j + 1] = (both & 0xFF00) != 0 ? scores[4 * j + 1] : kHidden;
      scores[4 * j + 3] = (both & 0xFF00) != 0 ? scores[4 * j + 3] : kHidden;
    }
  }

  /// Hands the shares of this side's block to the other warpgroup.
  __device__ __forceinline__ void publish_shares(unsigned char* shared_buffers, SharedTail& tail) {
    unsigned char* const place = shared_buffers + side * kBufferBytes + kRopePanel * kPanel + (lane % 4) * 4;
    named_barrier_sync(1 + side, 128);  // all four warps are done with the rotated part
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      *reinterpret_cast<std::uint32_t*>(place + row() * 128 + ((j ^ (row() % 8)) * 16)) = shares[2 * j];
      *reinterpret_cast<std::uint32_t*>(place + (row() + 8) * 128 + ((j ^ (row() % 8)) * 16)) = shares[2 * j + 1];
    }
    if (lane % 4 == 0) {
      tail.maximum[side][row()] = softmax.maximum[0];
      tail.maximum[side][row() + 8] = softmax.maximum[1];
    }
    fence_shared_for_tensor_cores();
    barrier_arrive(&tail.shares_ready[side]);
  }

  __device__ __forceinline__ RowScales follow_other(SharedTail& tail, std::uint32_t parity) {
    barrier_wait(&tail.shares_ready[1 - side], parity);
    const float maximum[2] = {tail.maximum[1 - side][row()], tail.maximum[1 - side][row() + 8]};
    return softmax.raise(maximum);
  }

  __device__ __forceinline__ std::uint32_t values_of(int buffer) const {
    return buffers + static_cast<std::uint32_t>(buffer * kBufferBytes + side * 4 * kPanel);
  }

  __device__ __forceinline__ void issue_own_values() {
    products_begin();
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      product_bf16_n_major(out, shares + 4 * step,
                           shared_operand(values_of(side) + static_cast<std::uint32_t>(step * 2048), kPanel), true);
    }
    products_commit();
  }

  __device__ __forceinline__ void issue_other_values() {
    const std::uint32_t other_shares =
        buffers + static_cast<std::uint32_t>((1 - side) * kBufferBytes + kRopePanel * kPanel);
    products_begin();
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      product_bf16_n_major(out, shared_operand(other_shares + static_cast<std::uint32_t>(step * 32)),
                           shared_operand(values_of(1 - side) + static_cast<std::uint32_t>(step * 2048), kPanel), true);
    }
    products_commit();
  }

  __device__ __forceinline__ void release(SharedTail& tail, int buffer) {
    __syncwarp();
    if (lane == 0) {
      barrier_arrive(&tail.empty[buffer][side]);
    }
  }

  __device__ __forceinline__ void pair_left(unsigned char* shared_buffers, SharedTail& tail, int pair) {
    const auto parity = static_cast<std::uint32_t>(pair % 2);
    issue_scores(tail, parity);
    products_wait<0>();
    pin(scores);
    hide_unusable(tail);
    const RowScales rescale = softmax.add_tile(scores, scale_log2);
    pack_pairs(shares, scores);
    publish_shares(shared_buffers, tail);
    scale_rows(out, rescale);
    issue_own_values();
    const RowScales again = follow_other(tail, parity);
    products_wait<0>();
    pin(out);
    release(tail, 0);
    scale_rows(out, again);
    issue_other_values();
    products_wait<0>();
    pin(out);
    release(tail, 1);
  }

  __device__ __forceinline__ void pair_right(unsigned char* shared_buffers, SharedTail& tail, int pair) {
    const auto parity = static_cast<std::uint32_t>(pair % 2);
    issue_scores(tail, parity);
    products_wait<0>();
    pin(scores);
    hide_unusable(tail);
    const RowScales rescale = follow_other(tail, parity);
    scale_rows(out, rescale);
    issue_other_values();
    const RowScales again = softmax.add_tile(scores, scale_log2);
    pack_pairs(shares, scores);
    publish_shares(shared_buffers, tail);
    products_wait<0>();
    pin(out);
    release(tail, 0);
    scale_rows(out, again);
    issue_own_values();
    products_wait<0>();
    pin(out);
    release(tail, 1);
  }

  /// Adds up the sums of both sides; the rows' maxima are equal by now.
  __device__ __forceinline__ void join_sums(SharedTail& tail, float (&total)[2]) {
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      float value = softmax.sum[i] + __shfl_xor_sync(0xFFFFFFFFu, softmax.sum[i], 1);
      value += __shfl_xor_sync(0xFFFFFFFFu, value, 2);
      if (lane % 4 == 0) {
        tail.sum[side][row() + 8 * i] = value;
      }
    }
    named_barrier_sync(3, 256);
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      total[i] = tail.sum[0][row() + 8 * i] + tail.sum[1][row() + 8 * i];
    }
  }
};

template <bool kOutF32, bool kSplit, int side>
__device__ __forceinline__ void store_half(const Params& params, const Work& work, const Half<side>& half,
                                           const float (&total)[2]) {
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    const int head = work.head_tile * kHeadTile + half.row() + 8 * i;
    if (head >= params.n_heads) {
      continue;
    }
    const int column = side * 256 + 2 * (half.lane % 4);
    if constexpr (kSplit) {
      const std::int64_t row =
          (static_cast<std::int64_t>(work.query) * params.n_splits + work.split) * params.n_heads + head;
      store_row<true>(params.partial_out, row * kLatentDim + column, half.out, i, 1.0f);
      if (side == 0 && half.lane % 4 == 0) {
        params.partial_sums[row] = make_float2(half.softmax.maximum[i], total[i]);
      }
    } else {
      const std::int64_t row = static_cast<std::int64_t>(work.query) * params.n_heads + head;
      store_row<kOutF32>(params.out, row * kLatentDim + column, half.out, i, total[i] > 0.0f ? 1.0f / total[i] : 0.0f);
    }
  }
}

template <bool kOutF32, bool kSplit, int side>
__device__ __forceinline__ void attend_half(const Params& params, const Work& work, unsigned char* queries,
                                            unsigned char* buffers, SharedTail& tail) {
  Half<side> half;
  half.warp = static_cast<int>(threadIdx.x) % 128 / 32;
  half.lane = static_cast<int>(threadIdx.x) % 32;
  half.queries = shared_address(queries);
  half.buffers = shared_address(buffers);
  half.scale_log2 = params.scale_log2;
#pragma unroll
  for (int i = 0; i < 128; ++i) {
    half.out[i] = 0.0f;
  }
  barrier_wait(&tail.query_full, 0);
  for (int pair = 0; pair < work.n_pairs; ++pair) {
    if constexpr (side == 0) {
      half.pair_left(buffers, tail, pair);
    } else {
      half.pair_right(buffers, tail, pair);
    }
  }
  float total[2];
  half.join_sums(tail, total);
  store_half<kOutF32, kSplit>(params, work, half, total);
}

template <bool kOutF32, bool kSplit>
__global__ __launch_bounds__(kThreads, 1) void sparse_attention_kernel(const __grid_constant__ CUtensorMap latent_map,
                                                                       const __grid_constant__ CUtensorMap rope_map,
                                                                       const Params params) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ unsigned char shared_raw[];
  unsigned char* const queries = shared_raw + ((1024 - (shared_address(shared_raw) & 1023)) & 1023);
  unsigned char* const buffers = queries + kBufferBytes;
  SharedTail& tail = *reinterpret_cast<SharedTail*>(buffers + 2 * kBufferBytes);
  const Work work = work_of_block(params);
  if (threadIdx.x == 0) {
    barrier_init(&tail.query_full, 1);
    for (int buffer = 0; buffer < 2; ++buffer) {
      barrier_init(&tail.full[buffer][0], 128);
      barrier_init(&tail.full[buffer][1], 128 + 16);  // 16 threads also announce which rows are usable
      barrier_init(&tail.empty[buffer][0], 4);
      barrier_init(&tail.empty[buffer][1], 4);
      barrier_init(&tail.shares_ready[buffer], 128);
    }
    barrier_init_fence();
    barrier_arrive_expect(&tail.query_full, kBufferBytes);
    for (int panel = 0; panel < 8; ++panel) {
      copy_box_3d(queries + panel * kPanel, &latent_map, &tail.query_full, panel * 64, work.head_tile * kHeadTile,
                  work.query);
    }
    copy_box_3d(queries + kRopePanel * kPanel, &rope_map, &tail.query_full, 0, work.head_tile * kHeadTile, work.query);
  }
  __syncthreads();
  if constexpr (kSplit) {
    asm volatile("griddepcontrol.launch_dependents;");
  }
  const int group = warpgroup_index();
  if (group == 0) {
    give_registers<72>();
    gather(params, work, buffers, tail);
  } else {
    take_registers<216>();
    if (group == 1) {
      attend_half<kOutF32, kSplit, 0>(params, work, queries, buffers, tail);
    } else {
      attend_half<kOutF32, kSplit, 1>(params, work, queries, buffers, tail);
    }
  }
#endif
}

/// Joins what the splits of a query left: one block per query and head, 4 columns per thread.
template <bool kOutF32>
__global__ __launch_bounds__(128) void join_splits_kernel(const float* partial_out, const float2* partial_sums,
                                                          void* out, int n_heads, int n_splits) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  asm volatile("griddepcontrol.wait;" ::: "memory");
  const int query = static_cast<int>(blockIdx.x) / n_heads;
  const int head = static_cast<int>(blockIdx.x) % n_heads;
  const std::int64_t first = static_cast<std::int64_t>(query) * n_splits * n_heads + head;
  float maximum = kHidden;
  for (int split = 0; split < n_splits; ++split) {
    maximum = fmaxf(maximum, partial_sums[first + static_cast<std::int64_t>(split) * n_heads].x);
  }
  float total = 0.0f;
  float4 value = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
#pragma unroll 8
  for (int split = 0; split < n_splits; ++split) {
    const std::int64_t row = first + static_cast<std::int64_t>(split) * n_heads;
    const float2 sums = partial_sums[row];
    const float4 part = *reinterpret_cast<const float4*>(partial_out + row * kLatentDim + 4 * threadIdx.x);
    const float weight = exp2f(sums.x - maximum);
    total += weight * sums.y;
    value.x += weight * part.x;
    value.y += weight * part.y;
    value.z += weight * part.z;
    value.w += weight * part.w;
  }
  const float scale = total > 0.0f ? 1.0f / total : 0.0f;
  const std::int64_t offset = static_cast<std::int64_t>(blockIdx.x) * kLatentDim + 4 * threadIdx.x;
  if constexpr (kOutF32) {
    *reinterpret_cast<float4*>(static_cast<float*>(out) + offset) =
        make_float4(value.x * scale, value.y * scale, value.z * scale, value.w * scale);
  } else {
    *reinterpret_cast<uint2*>(static_cast<__nv_bfloat16*>(out) + offset) =
        make_uint2(pack_pair(value.x * scale, value.y * scale), pack_pair(value.z * scale, value.w * scale));
  }
#endif
}

template <bool kOutF32, bool kSplit>
cudaError_t launch(const CUtensorMap& latent_map, const CUtensorMap& rope_map, const Params& params, int n_queries,
                   cudaStream_t stream) {
  const auto kernel = sparse_attention_kernel<kOutF32, kSplit>;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes);
  if (error != cudaSuccess) {
    return error;
  }
  const dim3 grid(static_cast<unsigned>(n_queries * params.n_head_tiles), static_cast<unsigned>(params.n_splits));
  kernel<<<grid, kThreads, kSharedBytes, stream>>>(latent_map, rope_map, params);
  error = cudaGetLastError();
  if (!kSplit || error != cudaSuccess) {
    return error;
  }
  // May start while the first kernel runs; it waits for it where it reads.
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>(n_queries * params.n_heads));
  config.blockDim = dim3(128);
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  return cudaLaunchKernelEx(&config, join_splits_kernel<kOutF32>, static_cast<const float*>(params.partial_out),
                            static_cast<const float2*>(params.partial_sums), params.out, params.n_heads,
                            params.n_splits);
}

cudaError_t make_query_map(CUtensorMap* map, const void* data, int dim, const SparseAttentionArgs& args) {
  const std::uint64_t sizes[3] = {static_cast<std::uint64_t>(dim), static_cast<std::uint64_t>(args.n_heads),
                                  static_cast<std::uint64_t>(args.n_queries)};
  const std::uint64_t strides[2] = {static_cast<std::uint64_t>(dim) * 2,
                                    static_cast<std::uint64_t>(dim) * 2 * static_cast<std::uint64_t>(args.n_heads)};
  const std::uint32_t box[3] = {64, kHeadTile, 1};
  return make_tensor_map(map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, data, 3, sizes, strides, box);
}

}  // namespace

std::int64_t sparse_attention_scratch_bytes(int n_queries, int n_heads, int n_splits) {
  const std::int64_t n_rows = static_cast<std::int64_t>(n_queries) * n_heads * n_splits;
  return n_splits > 1 ? n_rows * (kLatentDim * 4 + 8) : 0;
}

cudaError_t sparse_attention(const SparseAttentionArgs& args, cudaStream_t stream) {
  if (args.n_heads <= 0 || args.k <= 0 || args.k % kBlockKeys != 0 || args.n_splits < 1 ||
      args.n_splits > args.k / kBlockKeys || (args.n_splits > 1 && args.scratch == nullptr)) {
    return cudaErrorInvalidValue;
  }
  if (args.n_queries <= 0) {
    return cudaSuccess;
  }
  CUtensorMap latent_map;
  CUtensorMap rope_map;
  cudaError_t error = make_query_map(&latent_map, args.q_latent, kLatentDim, args);
  if (error == cudaSuccess) {
    error = make_query_map(&rope_map, args.q_rope, kRopeDim, args);
  }
  if (error != cudaSuccess) {
    return error;
  }
  Params params{};
  params.latents = static_cast<const __nv_bfloat16*>(args.latents);
  params.indices = args.indices;
  params.out = args.out;
  params.partial_out = static_cast<float*>(args.scratch);
  params.partial_sums = reinterpret_cast<float2*>(
      params.partial_out + static_cast<std::int64_t>(args.n_queries) * args.n_heads * args.n_splits * kLatentDim);
  params.n_heads = args.n_heads;
  params.n_head_tiles = (args.n_heads + kHeadTile - 1) / kHeadTile;
  params.n_keys = args.n_keys;
  params.k = args.k;
  params.n_splits = args.n_splits;
  params.scale_log2 = args.scale * 1.4426950408889634f;
  if (args.n_splits > 1) {
    return args.out_f32 ? launch<true, true>(latent_map, rope_map, params, args.n_queries, stream)
                        : launch<false, true>(latent_map, rope_map, params, args.n_queries, stream);
  }
  return args.out_f32 ? launch<true, false>(latent_map, rope_map, params, args.n_queries, stream)
                      : launch<false, false>(latent_map, rope_map, params, args.n_queries, stream);
}

}  // namespace kernels::cuda::hopper
