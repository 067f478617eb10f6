#include <cuda_fp8.h>

#include <algorithm>

#include "kernels/cuda/hopper/hopper_kernels.h"
#include "kernels/cuda/hopper/mbarrier.cuh"
#include "kernels/cuda/hopper/tma.cuh"
#include "kernels/cuda/hopper/wgmma.cuh"

/// Indexer scores of a chunk of queries. A tile is 128 keys (rows of the product, 64 per math
/// warpgroup) by 256 columns = queries x heads, so that a thread owns whole columns of heads and the
/// sum over heads needs few shuffles. Bound by the tensor cores (2 clocks per pair); the ReLU and
/// weights need 1 clock of issue per pair and run while the other warpgroup multiplies: the two take
/// turns at issuing products. Persistent grid; a unit of work is (256 / n_heads queries, 8192 keys).
namespace kernels::cuda::hopper {
namespace {

constexpr int kDim = 128;
constexpr int kColumns = 256;
constexpr int kMathGroups = 2;
constexpr int kTileKeys = 64 * kMathGroups;
constexpr int kUnitKeys = 8192;
constexpr int kKeyStages = 5;
constexpr int kQueryStages = 2;
constexpr int kThreads = 128 * (1 + kMathGroups);
constexpr int kQueryBytes = kColumns * kDim;
constexpr int kKeyBytes = kTileKeys * kDim;
constexpr int kSharedBytes = kQueryStages * kQueryBytes + kKeyStages * kKeyBytes + 1024 + 256;

struct Params {
  const float* head_weights;
  const float* key_scales;
  float* scores;
  std::int64_t pitch;
  int n_queries;
  int n_keys;
  long long first_position;
  int n_segments;
  int n_units;
};

struct Unit {
  int first_query;
  int first_key;
  int n_tiles;  // 0: wholly in the future of its queries
};

template <int kHeads>
__device__ __forceinline__ Unit unit_at(const Params& params, int index) {
  constexpr int kQueries = kColumns / kHeads;
  Unit unit;
  unit.first_query = index / params.n_segments * kQueries;
  unit.first_key = index % params.n_segments * kUnitKeys;
  const int last_query = min(unit.first_query + kQueries, params.n_queries) - 1;
  const long long visible = min(static_cast<long long>(params.n_keys), params.first_position + last_query + 1);
  const long long keys = min(static_cast<long long>(kUnitKeys), visible - unit.first_key);
  unit.n_tiles = keys <= 0 ? 0 : static_cast<int>((keys + kTileKeys - 1) / kTileKeys);
  return unit;
}

/// Adds up the values of the four lanes that share a row; lane l%4 keeps a quarter of them, starting at
/// (l % 4) * n / 4. Half the values travel in the first step, a quarter in the second.
template <int n>
__device__ __forceinline__ void sum_over_quad(float (&values)[n], int lane) {
  const bool upper_half = (lane & 2) != 0;
#pragma unroll
  for (int i = 0; i < n / 2; ++i) {
    const float given = upper_half ? values[i] : values[i + n / 2];
    const float kept = upper_half ? values[i + n / 2] : values[i];
    values[i] = kept + __shfl_xor_sync(0xFFFFFFFFu, given, 2);
  }
  const bool upper_quarter = (lane & 1) != 0;
#pragma unroll
  for (int i = 0; i < n / 4; ++i) {
    const float given = upper_quarter ? values[i] : values[i + n / 4];
    const float kept = upper_quarter ? values[i + n / 4] : values[i];
    values[i] = kept + __shfl_xor_sync(0xFFFFFFFFu, given, 1);
  }
}

template <int kHeads>
__global__ __launch_bounds__(kThreads, 1) void indexer_scores_kernel(const __grid_constant__ CUtensorMap query_map,
                                                                     const __grid_constant__ CUtensorMap key_map,
                                                                     const Params params) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  constexpr int kQueries = kColumns / kHeads;
  extern __shared__ unsigned char shared_raw[];
  unsigned char* const shared = shared_raw + ((1024 - (shared_address(shared_raw) & 1023)) & 1023);
  unsigned char* const shared_queries = shared;
  unsigned char* const shared_keys = shared + kQueryStages * kQueryBytes;
  auto* const barriers = reinterpret_cast<std::uint64_t*>(shared_keys + kKeyStages * kKeyBytes);
  std::uint64_t* const query_full = barriers;
  std::uint64_t* const query_empty = query_full + kQueryStages;
  std::uint64_t* const key_full = query_empty + kQueryStages;
  std::uint64_t* const key_empty = key_full + kKeyStages;

  const int group = warpgroup_index();
  const int lane = static_cast<int>(threadIdx.x) % 32;
  if (threadIdx.x == 0) {
    for (int i = 0; i < kQueryStages; ++i) {
      barrier_init(query_full + i, 1);
      barrier_init(query_empty + i, 4 * kMathGroups);
    }
    for (int i = 0; i < kKeyStages; ++i) {
      barrier_init(key_full + i, 1);
      barrier_init(key_empty + i, 4 * kMathGroups);
    }
    barrier_init_fence();
  }
  __syncthreads();

  RingPosition<kQueryStages> query_ring;
  RingPosition<kKeyStages> key_ring;
  if (group == 0) {
    give_registers<40>();
    if (threadIdx.x == 0) {
      for (int index = static_cast<int>(blockIdx.x); index < params.n_units; index += static_cast<int>(gridDim.x)) {
        const Unit unit = unit_at<kHeads>(params, index);
        if (unit.n_tiles == 0) {
          continue;
        }
        barrier_wait(query_empty + query_ring.stage, query_ring.parity ^ 1);
        barrier_arrive_expect(query_full + query_ring.stage, kQueryBytes);
        copy_box_2d(shared_queries + query_ring.stage * kQueryBytes, &query_map, query_full + query_ring.stage, 0,
                    unit.first_query * kHeads);
        query_ring.advance();
        for (int tile = 0; tile < unit.n_tiles; ++tile) {
          barrier_wait(key_empty + key_ring.stage, key_ring.parity ^ 1);
          barrier_arrive_expect(key_full + key_ring.stage, kKeyBytes);
          copy_box_2d(shared_keys + key_ring.stage * kKeyBytes, &key_map, key_full + key_ring.stage, 0,
                      unit.first_key + tile * kTileKeys);
          key_ring.advance();
        }
      }
    }
  } else {
    take_registers<232>();
    const int math_group = group - 1;
    const int warp = static_cast<int>(threadIdx.x) % 128 / 32;
    const int tile_row = math_group * 64 + warp * 16 + lane / 4;
    const int my_turn = 1 + math_group;
    const int other_turn = 2 - math_group;
    if (math_group == 1) {
      named_barrier_arrive(other_turn, 256);  // the first warpgroup goes first
    }
    for (int index = static_cast<int>(blockIdx.x); index < params.n_units; index += static_cast<int>(gridDim.x)) {
      const Unit unit = unit_at<kHeads>(params, index);
      if (unit.n_tiles == 0) {
        continue;
      }
      // Column 8j + 2 (lane % 4) of the product is head (that % kHeads) of query (that / kHeads).
      float weights[kColumns / 4];
#pragma unroll
      for (int j = 0; j < kColumns / 8; ++j) {
        const int query = unit.first_query + j * 8 / kHeads;
        const int head = j * 8 % kHeads + 2 * (lane % 4);
        const bool inside = query < params.n_queries;
        const auto* source =
            reinterpret_cast<const float2*>(params.head_weights + static_cast<std::int64_t>(query) * kHeads + head);
        const float2 pair = inside ? *source : make_float2(0.0f, 0.0f);
        weights[2 * j] = pair.x;
        weights[2 * j + 1] = pair.y;
      }
      barrier_wait(query_full + query_ring.stage, query_ring.parity);
      const std::uint64_t b = shared_operand(shared_address(shared_queries + query_ring.stage * kQueryBytes));
      for (int tile = 0; tile < unit.n_tiles; ++tile) {
        const int key = unit.first_key + tile * kTileKeys + tile_row;
        float products[kColumns / 2];
        barrier_wait(key_full + key_ring.stage, key_ring.parity);
        const std::uint64_t a =
            shared_operand(shared_address(shared_keys + key_ring.stage * kKeyBytes + math_group * 64 * kDim));
        named_barrier_sync(my_turn, 256);
        products_begin();
#pragma unroll
        for (int step = 0; step < kDim / 32; ++step) {
          product_e4m3(products, a + step * 2, b + step * 2, step > 0);
        }
        products_commit();
        named_barrier_arrive(other_turn, 256);
        const float scale_0 = key < params.n_keys ? __ldg(params.key_scales + key) : 0.0f;
        const float scale_1 = key + 8 < params.n_keys ? __ldg(params.key_scales + key + 8) : 0.0f;
        products_wait<0>();
        pin(products);
        if (lane == 0) {
          barrier_arrive(key_empty + key_ring.stage);
        }
        key_ring.advance();

        float sums[2 * kQueries];
#pragma unroll
        for (int i = 0; i < 2 * kQueries; ++i) {
          sums[i] = 0.0f;
        }
#pragma unroll
        for (int j = 0; j < kColumns / 8; ++j) {
          float& upper = sums[j * 8 / kHeads * 2];
          float& lower = sums[j * 8 / kHeads * 2 + 1];
          upper = fmaf(weights[2 * j], fmaxf(products[4 * j], 0.0f), upper);
          lower = fmaf(weights[2 * j], fmaxf(products[4 * j + 2], 0.0f), lower);
          upper = fmaf(weights[2 * j + 1], fmaxf(products[4 * j + 1], 0.0f), upper);
          lower = fmaf(weights[2 * j + 1], fmaxf(products[4 * j + 3], 0.0f), lower);
        }
        sum_over_quad(sums, lane);
#pragma unroll
        for (int i = 0; i < kQueries / 4; ++i) {
          const int query = unit.first_query + (lane % 4) * (kQueries / 4) + i;
          if (query < params.n_queries) {
            float* const row = params.scores + static_cast<std::int64_t>(query) * params.pitch;
            if (key < params.n_keys) {
              row[key] = sums[2 * i] * scale_0;
            }
            if (key + 8 < params.n_keys) {
              row[key + 8] = sums[2 * i + 1] * scale_1;
            }
          }
        }
      }
      if (lane == 0) {
        barrier_arrive(query_empty + query_ring.stage);
      }
      query_ring.advance();
    }
    if (math_group == 0) {
      named_barrier_sync(my_turn, 256);  // takes the last turn that nobody used
    }
  }
#endif
}

template <int kHeads>
cudaError_t launch(const CUtensorMap& query_map, const CUtensorMap& key_map, const Params& params, int n_processors,
                   cudaStream_t stream) {
  const cudaError_t error = cudaFuncSetAttribute(indexer_scores_kernel<kHeads>,
                                                 cudaFuncAttributeMaxDynamicSharedMemorySize, kSharedBytes);
  if (error != cudaSuccess) {
    return error;
  }
  indexer_scores_kernel<kHeads>
      <<<std::min(n_processors, params.n_units), kThreads, kSharedBytes, stream>>>(query_map, key_map, params);
  return cudaGetLastError();
}

}  // namespace

cudaError_t indexer_scores(const IndexerScoresArgs& args, cudaStream_t stream) {
  if ((args.n_heads != 32 && args.n_heads != 64) || args.pitch < args.n_keys || args.first_position < 0) {
    return cudaErrorInvalidValue;
  }
  if (args.n_queries <= 0 || args.n_keys <= 0) {
    return cudaSuccess;
  }
  CUtensorMap query_map;
  const std::uint64_t query_sizes[2] = {kDim, static_cast<std::uint64_t>(args.n_queries) * args.n_heads};
  const std::uint64_t strides[1] = {kDim};
  const std::uint32_t query_box[2] = {kDim, kColumns};
  cudaError_t error = make_tensor_map(&query_map, CU_TENSOR_MAP_DATA_TYPE_UINT8, args.queries, 2, query_sizes,
                                      strides, query_box);
  if (error != cudaSuccess) {
    return error;
  }
  CUtensorMap key_map;
  const std::uint64_t key_sizes[2] = {kDim, static_cast<std::uint64_t>(args.n_keys)};
  const std::uint32_t key_box[2] = {kDim, kTileKeys};
  error = make_tensor_map(&key_map, CU_TENSOR_MAP_DATA_TYPE_UINT8, args.keys, 2, key_sizes, strides, key_box);
  if (error != cudaSuccess) {
    return error;
  }
  const int queries_per_unit = kColumns / args.n_heads;
  Params params{};
  params.head_weights = args.head_weights;
  params.key_scales = args.key_scales;
  params.scores = args.scores;
  params.pitch = args.pitch;
  params.n_queries = args.n_queries;
  params.n_keys = args.n_keys;
  params.first_position = args.first_position;
  params.n_segments = (args.n_keys + kUnitKeys - 1) / kUnitKeys;
  params.n_units = (args.n_queries + queries_per_unit - 1) / queries_per_unit * params.n_segments;
  int device = 0;
  int n_processors = 0;
  cudaGetDevice(&device);
  error = cudaDeviceGetAttribute(&n_processors, cudaDevAttrMultiProcessorCount, device);
  if (error != cudaSuccess) {
    return error;
  }
  return args.n_heads == 64 ? launch<64>(query_map, key_map, params, n_processors, stream)
                            : launch<32>(query_map, key_map, params, n_processors, stream);
}

}  // namespace kernels::cuda::hopper
