#include <cuda_bf16.h>

#include <algorithm>

#include "kernels/cuda/hopper/hopper_kernels.h"
#include "kernels/cuda/hopper/mbarrier.cuh"
#include "kernels/cuda/hopper/softmax.cuh"
#include "kernels/cuda/hopper/tma.cuh"
#include "kernels/cuda/hopper/wgmma.cuh"

/// Dense attention, 192-dimensional keys, 128-dimensional values. A block takes 128 queries of one head
/// and walks over 128-key tiles from the newest to the oldest, so that only the first tiles need the
/// causal limit. Two math warpgroups of 64 queries; each issues the scores of the next tile and the
/// values of the present one together, and does its softmax while the other multiplies (the
/// two take turns). Bound by the tensor cores: 2560 clocks per tile and block.
namespace kernels::cuda::hopper {
namespace {

constexpr int kKeyDim = 192;
constexpr int kNopeDim = 128;
constexpr int kValueDim = 128;
constexpr int kTileQueries = 128;
constexpr int kTileKeys = 128;
constexpr int kStages = 2;
constexpr int kThreads = 384;
constexpr int kPanelKeys = kTileKeys * 128;  // bytes of 64 columns of a tile of keys
constexpr int kPanelQueries = 64 * 128;
constexpr int kKeyBytes = 3 * kPanelKeys;
constexpr int kValueBytes = 2 * kPanelKeys;
constexpr int kQueryBytes = 2 * 3 * kPanelQueries;
constexpr int kSharedBytes = kQueryBytes + kStages * (kKeyBytes + kValueBytes) + 1024 + 256;

struct Params {
  const std::uint32_t* mask;
  std::int64_t mask_pitch;
  void* out;
  int n_queries;
  int n_heads;
  int n_keys;
  int n_query_tiles;
  long long first_position;
  float scale_log2;
};

/// The key limit and the mask of one row, applied to a tile of scores.
struct RowLimits {
  int n_visible[2];               // keys that the thread's two rows may see
  const std::uint32_t* mask[2];   // their rows of the mask
};

template <bool kMasked>
__device__ __forceinline__ void hide_keys(float (&scores)[64], const RowLimits& limits, int first_key, int lane) {
#pragma unroll
  for (int row = 0; row < 2; ++row) {
    const int room = limits.n_visible[row] - first_key;
    if (room < kTileKeys) {
#pragma unroll
      for (int j = 0; j < 16; ++j) {
        const int column = 8 * j + 2 * (lane % 4);
        scores[4 * j + 2 * row] = column < room ? scores[4 * j + 2 * row] : kHidden;
        scores[4 * j + 2 * row + 1] = column + 1 < room ? scores[4 * j + 2 * row + 1] : kHidden;
      }
    }
    if constexpr (kMasked) {
      const uint4 words = __ldg(reinterpret_cast<const uint4*>(limits.mask[row] + first_key / 32));
      const std::uint32_t word[4] = {words.x >> (2 * (lane % 4)), words.y >> (2 * (lane % 4)),
                                     words.z >> (2 * (lane % 4)), words.w >> (2 * (lane % 4))};
#pragma unroll
      for (int j = 0; j < 16; ++j) {
        const std::uint32_t bits = word[j / 4];
        scores[4 * j + 2 * row] = (bits & (1u << (j % 4 * 8))) != 0 ? scores[4 * j + 2 * row] : kHidden;
        scores[4 * j + 2 * row + 1] = (bits & (2u << (j % 4 * 8))) != 0 ? scores[4 * j + 2 * row + 1] : kHidden;
      }
    }
  }
}

struct Tiles {
  int head;
  int first_query;
  int n_tiles;
};

__device__ __forceinline__ Tiles tiles_of_block(const Params& params) {
  Tiles tiles;
  tiles.head = static_cast<int>(blockIdx.x) / params.n_query_tiles;
  // Longest rows first, so that short ones fill the end of the launch.
  tiles.first_query =
      (params.n_query_tiles - 1 - static_cast<int>(blockIdx.x) % params.n_query_tiles) * kTileQueries;
  const int last_query = min(tiles.first_query + kTileQueries, params.n_queries) - 1;
  const long long visible = min(static_cast<long long>(params.n_keys), params.first_position + last_query + 1);
  tiles.n_tiles = static_cast<int>((visible + kTileKeys - 1) / kTileKeys);
  return tiles;
}

struct Barriers {
  std::uint64_t query_full;
  std::uint64_t key_full[kStages];
  std::uint64_t key_empty[kStages];
  std::uint64_t value_full[kStages];
  std::uint64_t value_empty[kStages];
};

template <bool kMasked, bool kOutF32>
__global__ __launch_bounds__(kThreads, 1) void dense_attention_kernel(const __grid_constant__ CUtensorMap query_map,
                                                                      const __grid_constant__ CUtensorMap key_map,
                                                                      const __grid_constant__ CUtensorMap rope_map,
                                                                      const __grid_constant__ CUtensorMap value_map,
                                                                      const Params params) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  extern __shared__ unsigned char shared_raw[];
  unsigned char* const shared_queries = shared_raw + ((1024 - (shared_address(shared_raw) & 1023)) & 1023);
  unsigned char* const shared_keys = shared_queries + kQueryBytes;
  unsigned char* const shared_values = shared_keys + kStages * kKeyBytes;
  Barriers& barriers = *reinterpret_cast<Barriers*>(shared_values + kStages * kValueBytes);
  const int group = warpgroup_index();
  if (threadIdx.x == 0) {
    barrier_init(&barriers.query_full, 1);
    for (int i = 0; i < kStages; ++i) {
      barrier_init(barriers.key_full + i, 1);
      barrier_init(barriers.value_full + i, 1);
      barrier_init(barriers.key_empty + i, 8);
      barrier_init(barriers.value_empty + i, 8);
    }
    barrier_init_fence();
  }
  __syncthreads();
  const Tiles tiles = tiles_of_block(params);

  if (group == 0) {
    give_registers<24>();
    if (threadIdx.x == 0) {
      barrier_arrive_expect(&barriers.query_full, kQueryBytes);
      for (int i = 0; i < 6; ++i) {
        copy_box_3d(shared_queries + i * kPanelQueries, &query_map, &barriers.query_full, i % 3 * 64, tiles.head,
                    tiles.first_query + i / 3 * 64);
      }
      RingPosition<kStages> ring;
      for (int tile = tiles.n_tiles - 1; tile >= 0; --tile) {
        const int key = tile * kTileKeys;
        unsigned char* const keys = shared_keys + ring.stage * kKeyBytes;
        barrier_wait(barriers.key_empty + ring.stage, ring.parity ^ 1);
        barrier_arrive_expect(barriers.key_full + ring.stage, kKeyBytes);
        copy_box_3d(keys, &key_map, barriers.key_full + ring.stage, 0, tiles.head, key);
        copy_box_3d(keys + kPanelKeys, &key_map, barriers.key_full + ring.stage, 64, tiles.head, key);
        copy_box_2d(keys + 2 * kPanelKeys, &rope_map, barriers.key_full + ring.stage, 0, key);
        unsigned char* const values = shared_values + ring.stage * kValueBytes;
        barrier_wait(barriers.value_empty + ring.stage, ring.parity ^ 1);
        barrier_arrive_expect(barriers.value_full + ring.stage, kValueBytes);
        copy_box_3d(values, &value_map, barriers.value_full + ring.stage, 0, tiles.head, key);
        copy_box_3d(values + kPanelKeys, &value_map, barriers.value_full + ring.stage, 64, tiles.head, key);
        ring.advance();
      }
    }
  } else {
    take_registers<240>();
    const int math_group = group - 1;
    const int warp = static_cast<int>(threadIdx.x) % 128 / 32;
    const int lane = static_cast<int>(threadIdx.x) % 32;
    const int my_turn = 1 + math_group;
    const int other_turn = 2 - math_group;
    const int query = tiles.first_query + math_group * 64 + warp * 16 + lane / 4;  // and query + 8
    RowLimits limits;
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      limits.n_visible[row] = static_cast<int>(
          min(static_cast<long long>(params.n_keys), params.first_position + query + 8 * row + 1));
      limits.mask[row] = params.mask + min(query + 8 * row, params.n_queries - 1) * params.mask_pitch;
    }
    float scores[64];
    float out[64];
    std::uint32_t shares[32];
    RowSoftmax softmax;
#pragma unroll
    for (int i = 0; i < 64; ++i) {
      out[i] = 0.0f;
    }
    const std::uint32_t a = shared_address(shared_queries + math_group * 3 * kPanelQueries);
    const auto issue_scores = [&](int stage) {
      const std::uint32_t b = shared_address(shared_keys + stage * kKeyBytes);
#pragma unroll
      for (int step = 0; step < kKeyDim / 16; ++step) {
        product_bf16(scores, shared_operand(a + step / 4 * kPanelQueries + step % 4 * 32),
                     shared_operand(b + step / 4 * kPanelKeys + step % 4 * 32), step > 0);
      }
      products_commit();
    };
    const auto issue_values = [&](int stage) {
      const std::uint32_t b = shared_address(shared_values + stage * kValueBytes);
#pragma unroll
      for (int step = 0; step < kTileKeys / 16; ++step) {
        product_bf16_n_major(out, shares + 4 * step, shared_operand(b + step * 2048, kPanelKeys), true);
      }
      products_commit();
    };

    if (math_group == 1) {
      named_barrier_arrive(other_turn, 256);
    }
    RingPosition<kStages> key_ring;
    RingPosition<kStages> value_ring;
    barrier_wait(&barriers.query_full, 0);
    barrier_wait(barriers.key_full, 0);
    named_barrier_sync(my_turn, 256);
    products_begin();
    issue_scores(0);
    named_barrier_arrive(other_turn, 256);
    products_wait<0>();
    pin(scores);
    if (lane == 0) {
      barrier_arrive(barriers.key_empty);
    }
    key_ring.advance();
    hide_keys<kMasked>(scores, limits, (tiles.n_tiles - 1) * kTileKeys, lane);
    softmax.add_tile(scores, params.scale_log2);
    pack_pairs(shares, scores);

    for (int tile = tiles.n_tiles - 2; tile >= 0; --tile) {
      barrier_wait(barriers.key_full + key_ring.stage, key_ring.parity);
      barrier_wait(barriers.value_full + value_ring.stage, value_ring.parity);
      named_barrier_sync(my_turn, 256);
      products_begin();
      issue_scores(key_ring.stage);
      issue_values(value_ring.stage);
      named_barrier_arrive(other_turn, 256);
      products_wait<1>();
      pin(scores);
      if (lane == 0) {
        barrier_arrive(barriers.key_empty + key_ring.stage);
      }
      key_ring.advance();
      hide_keys<kMasked>(scores, limits, tile * kTileKeys, lane);
      const RowScales rescale = softmax.add_tile(scores, params.scale_log2);
      products_wait<0>();
      pin(out);
      if (lane == 0) {
        barrier_arrive(barriers.value_empty + value_ring.stage);
      }
      value_ring.advance();
      scale_rows(out, rescale);
      pack_pairs(shares, scores);
    }
    barrier_wait(barriers.value_full + value_ring.stage, value_ring.parity);
    products_begin();
    issue_values(value_ring.stage);
    products_wait<0>();
    pin(out);
    if (math_group == 0) {
      named_barrier_sync(my_turn, 256);  // takes the last turn that nobody used
    }
    const RowScales inverse = softmax.inverse_sums();
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      if (query + 8 * row < params.n_queries) {
        const std::int64_t offset =
            (static_cast<std::int64_t>(query + 8 * row) * params.n_heads + tiles.head) * kValueDim + 2 * (lane % 4);
        store_row<kOutF32>(params.out, offset, out, row, inverse.row[row]);
      }
    }
  }
#endif
}

template <bool kMasked, bool kOutF32>
cudaError_t launch(const CUtensorMap& query_map, const CUtensorMap& key_map, const CUtensorMap& rope_map,
                   const CUtensorMap& value_map, const Params& params, cudaStream_t stream) {
  const auto kernel = dense_attention_kernel<kMasked, kOutF32>;
  const cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes);
  if (error != cudaSuccess) {
    return error;
  }
  kernel<<<params.n_query_tiles * params.n_heads, kThreads, kSharedBytes, stream>>>(query_map, key_map, rope_map,
                                                                                    value_map, params);
  return cudaGetLastError();
}

cudaError_t make_head_map(CUtensorMap* map, const void* data, int dim, int n_heads, int n_rows, std::uint32_t box_rows) {
  const std::uint64_t sizes[3] = {static_cast<std::uint64_t>(dim), static_cast<std::uint64_t>(n_heads),
                                  static_cast<std::uint64_t>(n_rows)};
  const std::uint64_t strides[2] = {static_cast<std::uint64_t>(dim) * 2,
                                    static_cast<std::uint64_t>(dim) * 2 * static_cast<std::uint64_t>(n_heads)};
  const std::uint32_t box[3] = {64, 1, box_rows};
  return make_tensor_map(map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, data, 3, sizes, strides, box);
}

}  // namespace

cudaError_t dense_attention(const DenseAttentionArgs& args, cudaStream_t stream) {
  if (args.n_heads <= 0 || args.first_position < 0 || args.k_rope_stride % 8 != 0 || args.mask_pitch % 4 != 0) {
    return cudaErrorInvalidValue;
  }
  if (args.n_queries <= 0 || args.n_keys <= 0) {
    return cudaSuccess;
  }
  CUtensorMap query_map;
  CUtensorMap key_map;
  CUtensorMap rope_map;
  CUtensorMap value_map;
  const std::uint64_t rope_sizes[2] = {64, static_cast<std::uint64_t>(args.n_keys)};
  const std::uint64_t rope_strides[1] = {static_cast<std::uint64_t>(args.k_rope_stride) * 2};
  const std::uint32_t rope_box[2] = {64, kTileKeys};
  cudaError_t error = make_head_map(&query_map, args.q, kKeyDim, args.n_heads, args.n_queries, 64);
  if (error == cudaSuccess) {
    error = make_head_map(&key_map, args.k, kNopeDim, args.n_heads, args.n_keys, kTileKeys);
  }
  if (error == cudaSuccess) {
    error = make_head_map(&value_map, args.v, kValueDim, args.n_heads, args.n_keys, kTileKeys);
  }
  if (error == cudaSuccess) {
    error = make_tensor_map(&rope_map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, args.k_rope, 2, rope_sizes, rope_strides,
                            rope_box);
  }
  if (error != cudaSuccess) {
    return error;
  }
  Params params{};
  params.mask = args.mask;
  params.mask_pitch = args.mask_pitch;
  params.out = args.out;
  params.n_queries = args.n_queries;
  params.n_heads = args.n_heads;
  params.n_keys = args.n_keys;
  params.n_query_tiles = (args.n_queries + kTileQueries - 1) / kTileQueries;
  params.first_position = args.first_position;
  params.scale_log2 = args.scale * 1.4426950408889634f;
  if (args.mask != nullptr) {
    return args.out_f32 ? launch<true, true>(query_map, key_map, rope_map, value_map, params, stream)
                        : launch<true, false>(query_map, key_map, rope_map, value_map, params, stream);
  }
  return args.out_f32 ? launch<false, true>(query_map, key_map, rope_map, value_map, params, stream)
                      : launch<false, false>(query_map, key_map, rope_map, value_map, params, stream);
}

}  // namespace kernels::cuda::hopper
