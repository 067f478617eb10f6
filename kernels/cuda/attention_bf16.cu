#include "kernels/cuda/attention_tile.cuh"
#include "kernels/cuda/device_math.cuh"

// Attention over latent rows of bf16 with mma.sync, for every card from sm_80 on. A block has 16 * kTiles rows and
// takes 32 keys at a time: scores by all warps, softmax by all threads, then each warp adds to its own columns of
// the output. The keys' latent part is also their values, so a row is fetched once.
namespace kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / kWarp;
constexpr int kKeys = 32;        // of a tile
constexpr int kPairs = 4;        // pairs of 8 output columns per warp: latent_dim <= 8 * 4 * 16
constexpr int kMostLatent = kWarps * kPairs * 16;
constexpr int kScorePitch = kKeys + 1;
constexpr int kWeightPitch = kKeys + 8;

__host__ __device__ inline int padded_dim(int dim) { return (dim + 15) / 16 * 16; }

/// Byte offsets in shared memory.
struct Layout {
  int row_pitch;  // elements of a row of queries or keys
  int keys;
  int scores;
  int weights;
  int stats;
  int total;

  __host__ __device__ Layout(int rows, int dim, int stages) {
    row_pitch = padded_dim(dim) + 8;
    keys = rows * row_pitch * 2;
    scores = keys + stages * kKeys * row_pitch * 2;
    weights = scores + (rows == 16 ? 2 : 1) * rows * kScorePitch * 4;
    stats = weights + rows * kWeightPitch * 2;
    total = stats + 3 * rows * 4 + stages * kKeys * 8;
  }
};

template <int kTiles>
__global__ void __launch_bounds__(kThreads, 1) attention_kernel(const Keys keys, const __grid_constant__ AttentionTask task, int n_splits,
                                                                int n_stages, const int* stop) {
  constexpr int kRows = 16 * kTiles;
  constexpr int kHalves = kTiles == 1 ? 2 : 1;     // 4 score tiles and 8 warps: two halves of the dimensions
  constexpr int kThreadsPerRow = kThreads / kRows;
  constexpr int kKeysPerThread = kKeys / kThreadsPerRow;
  extern __shared__ __align__(128) char shared[];
  if (*stop != 0) return;
  const AttentionTile tile = attention_tile(task, kRows, kKeys, n_splits);
  if (tile.n_rows <= 0) return;
  const int dim = keys.latent_dim + keys.rope_dim;
  const int n_columns = padded_dim(dim);
  const Layout layout(kRows, dim, n_stages);
  auto* shared_q = reinterpret_cast<bf16*>(shared);
  auto* shared_k = reinterpret_cast<bf16*>(shared + layout.keys);
  auto* shared_s = reinterpret_cast<float*>(shared + layout.scores);
  auto* shared_p = reinterpret_cast<bf16*>(shared + layout.weights);
  auto* largest_of = reinterpret_cast<float*>(shared + layout.stats);
  float* sum_of = largest_of + kRows;
  float* rescale_of = sum_of + kRows;
  auto* position_of = reinterpret_cast<std::int64_t*>(rescale_of + kRows);

  for (int i = threadIdx.x; i < kRows * n_columns; i += kThreads) {
    const int r = i / n_columns;
    const int d = i % n_columns;
    float value = 0.0f;
    if (r < tile.n_rows) {
      if (d < keys.latent_dim) {
        value = task.q_latent[(tile.row0 + r) * keys.latent_dim + d];
      } else if (d < dim) {
        value = task.q_rope[(tile.row0 + r) * keys.rope_dim + d - keys.latent_dim];
      }
    }
    shared_q[r * layout.row_pitch + d] = __float2bfloat16_rn(value);
  }
  if (threadIdx.x < kRows) {
    largest_of[threadIdx.x] = kLowest;
    sum_of[threadIdx.x] = 0;
  }

  const auto* latent = static_cast<const bf16*>(keys.latent);
  const int n_chunks = n_columns / 8;
  const auto fetch = [&](std::int64_t first, int stage) {
    if (first < tile.last_key) {
      for (int j = threadIdx.x / 8; j < kKeys; j += kThreads / 8) {
        const std::int64_t s = key_at(task, tile, first + j);
        if (threadIdx.x % 8 == 0) position_of[stage * kKeys + j] = s;
        bf16* to = shared_k + (stage * kKeys + j) * layout.row_pitch;
        const bf16* from = latent + (s < 0 ? 0 : s) * keys.pitch;
        for (int c = threadIdx.x % 8; c < n_chunks; c += 8) {
          const bool present = s >= 0 && c * 8 < keys.pitch;
          copy_16_async(to + c * 8, present ? from + c * 8 : latent, present);
        }
      }
    }
    commit_copies();
  };

  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  const int n_pairs = padded_dim(keys.latent_dim) / 16;
  float out[kTiles][kPairs * 2][4] = {};

  if (n_stages == 2) fetch(tile.first_key, 0);
  int stage = 0;
  for (std::int64_t first = tile.first_key; first < tile.last_key; first += kKeys) {
    if (n_stages == 2) {
      fetch(first + kKeys, 1 - stage);
      wait_copies<1>();
    } else {
      fetch(first, 0);
      wait_copies<0>();
    }
    __syncthreads();
    const bf16* tile_k = shared_k + stage * kKeys * layout.row_pitch;

    // Scores: kTiles x 4 tiles of 16 rows and 8 keys.
    constexpr int kScoreTiles = kTiles * 4 * kHalves;
    constexpr int kPerWarp = kScoreTiles > kWarps ? kScoreTiles / kWarps : 1;
#pragma unroll
    for (int i = 0; i < kPerWarp; ++i) {
      const int number = warp * kPerWarp + i;
      const int half = kHalves == 2 ? number / 4 : 0;
      const int m = kHalves == 2 ? 0 : number / 4;
      const int n = number % 4;
      const int n_steps = n_columns / 16;
      const int step0 = half * (n_steps / 2);
      const int step1 = kHalves == 2 && half == 0 ? n_steps / 2 : n_steps;
      float c[4] = {};
      for (int step = step0; step < step1; ++step) {
        std::uint32_t a[4];
        load_tiles(a, shared_q + (m * 16 + lane % 16) * layout.row_pitch + step * 16 + lane / 16 * 8);
        const bf16* row = tile_k + (n * 8 + lane / 4) * layout.row_pitch + step * 16 + lane % 4 * 2;
        multiply_bf16(c, a, *reinterpret_cast<const std::uint32_t*>(row), *reinterpret_cast<const std::uint32_t*>(row + 8));
      }
      float* at = shared_s + half * kRows * kScorePitch;
#pragma unroll
      for (int e = 0; e < 4; ++e)
        at[(m * 16 + lane / 4 + e / 2 * 8) * kScorePitch + n * 8 + lane % 4 * 2 + e % 2] = c[e];
    }
    __syncthreads();

    {
      const int r = threadIdx.x / kThreadsPerRow;
      const int j0 = threadIdx.x % kThreadsPerRow * kKeysPerThread;
      const std::int64_t last = r < tile.n_rows ? last_visible(task, tile, r) : -1;
      float s[kKeysPerThread];
      float largest = kLowest;
#pragma unroll
      for (int j = 0; j < kKeysPerThread; ++j) {
        const std::int64_t position = position_of[stage * kKeys + j0 + j];
        float value = shared_s[r * kScorePitch + j0 + j];
        if (kHalves == 2) value += shared_s[(kRows + r) * kScorePitch + j0 + j];
        s[j] = position >= 0 && position <= last ? value * task.scale : __int_as_float(0xff800000);
        largest = fmaxf(largest, s[j]);
      }
#pragma unroll
      for (int step = kThreadsPerRow / 2; step > 0; step /= 2) largest = fmaxf(largest, __shfl_xor_sync(kAllLanes, largest, step));
      const float before = largest_of[r];
      largest = fmaxf(largest, before);
      float sum = 0;
#pragma unroll
      for (int j = 0; j < kKeysPerThread; ++j) {
        const float p = expf(s[j] - largest);
        sum += p;
        shared_p[r * kWeightPitch + j0 + j] = __float2bfloat16_rn(p);
      }
#pragma unroll
      for (int step = kThreadsPerRow / 2; step > 0; step /= 2) sum += __shfl_xor_sync(kAllLanes, sum, step);
      __syncwarp();
      if (threadIdx.x % kThreadsPerRow == 0) {
        const float rescale = expf(before - largest);
        rescale_of[r] = rescale;
        sum_of[r] = sum_of[r] * rescale + sum;
        largest_of[r] = largest;
      }
    }
    __syncthreads();

    float rescale[kTiles][2];
#pragma unroll
    for (int m = 0; m < kTiles; ++m) {
      rescale[m][0] = rescale_of[m * 16 + lane / 4];
      rescale[m][1] = rescale_of[m * 16 + lane / 4 + 8];
    }
#pragma unroll
    for (int m = 0; m < kTiles; ++m)
#pragma unroll
      for (int i = 0; i < kPairs * 2; ++i)
#pragma unroll
        for (int e = 0; e < 4; ++e) out[m][i][e] *= rescale[m][e / 2];
#pragma unroll
    for (int step = 0; step < kKeys / 16; ++step) {
      std::uint32_t p[kTiles][4];
#pragma unroll
      for (int m = 0; m < kTiles; ++m)
        load_tiles(p[m], shared_p + (m * 16 + lane % 16) * kWeightPitch + step * 16 + lane / 16 * 8);
#pragma unroll
      for (int i = 0; i < kPairs; ++i) {
        const int pair = warp + i * kWarps;
        if (pair >= n_pairs) continue;
        std::uint32_t v[4];
        load_tiles_transposed(v, tile_k + (step * 16 + lane % 16) * layout.row_pitch + pair * 16 + lane / 16 * 8);
#pragma unroll
        for (int m = 0; m < kTiles; ++m) {
          multiply_bf16(out[m][i * 2], p[m], v[0], v[1]);
          multiply_bf16(out[m][i * 2 + 1], p[m], v[2], v[3]);
        }
      }
    }
    __syncthreads();
    if (n_stages == 2) stage = 1 - stage;
  }
  wait_copies<0>();
  __syncthreads();

  const std::int64_t all_rows = task.n * task.n_heads;
  float* to = n_splits == 1 ? task.out : task.partial + blockIdx.z * all_rows * keys.latent_dim;
#pragma unroll
  for (int m = 0; m < kTiles; ++m) {
#pragma unroll
    for (int i = 0; i < kPairs * 2; ++i) {
      const int pair = warp + i / 2 * kWarps;
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int r = m * 16 + lane / 4 + e / 2 * 8;
        const int column = pair * 16 + i % 2 * 8 + lane % 4 * 2 + e % 2;
        if (r >= tile.n_rows || column >= keys.latent_dim) continue;
        const float sum = sum_of[r];
        const float factor = n_splits > 1 ? 1.0f : sum > 0 ? 1.0f / sum : 0.0f;
        to[(tile.row0 + r) * keys.latent_dim + column] = out[m][i][e] * factor;
      }
    }
  }
  if (n_splits > 1 && threadIdx.x < tile.n_rows) {
    float* stats = task.partial_stats + (blockIdx.z * all_rows + tile.row0 + threadIdx.x) * 2;
    stats[0] = largest_of[threadIdx.x];
    stats[1] = sum_of[threadIdx.x];
  }
}

template <int kTiles>
cudaError_t launch(const Queue& queue, const Keys& keys, const AttentionTask& task, int n_splits, int n_stages) {
  constexpr int kRows = 16 * kTiles;
  const Layout layout(kRows, keys.latent_dim + keys.rope_dim, n_stages);
  const cudaError_t set = cudaFuncSetAttribute(attention_kernel<kTiles>, cudaFuncAttributeMaxDynamicSharedMemorySize, layout.total);
  if (set != cudaSuccess) return set;
  const bool sparse = task.indices != nullptr;
  const std::int64_t all_rows = task.n * task.n_heads;
  const dim3 grid(static_cast<unsigned>(sparse ? task.n : (all_rows + kRows - 1) / kRows),
                  static_cast<unsigned>(sparse ? (task.n_heads + kRows - 1) / kRows : 1), static_cast<unsigned>(n_splits));
  attention_kernel<kTiles><<<grid, kThreads, layout.total, queue.stream>>>(keys, task, n_splits, n_stages, queue.stop);
  return cudaGetLastError();
}

/// Tiles of 16 rows and stages of keys that fit: as many rows as there are, then two stages.
struct Choice {
  int tiles;
  int stages;
};
Choice choose(const Queue& queue, const Keys& keys, const AttentionTask& task) {
  const std::int64_t rows = task.indices != nullptr ? task.n_heads : task.n * task.n_heads;
  const int dim = keys.latent_dim + keys.rope_dim;
  for (const Choice choice : {Choice{4, 2}, Choice{2, 2}, Choice{2, 1}, Choice{1, 2}, Choice{1, 1}}) {
    if (rows <= 8 * choice.tiles && choice.tiles > 1) continue;
    if (Layout(16 * choice.tiles, dim, choice.stages).total <= queue.shared_limit) return choice;
  }
  return {0, 0};
}

}  // namespace

int attention_rows_bf16(const Queue& queue, const Keys& keys, const AttentionTask& task) {
  return keys.latent_dim <= kMostLatent ? 16 * choose(queue, keys, task).tiles : 0;
}

cudaError_t attend_bf16(const Queue& queue, const Keys& keys, const AttentionTask& task, int n_splits) {
  const Choice choice = choose(queue, keys, task);
  switch (choice.tiles) {
    case 4:
      return launch<4>(queue, keys, task, n_splits, choice.stages);
    case 2:
      return launch<2>(queue, keys, task, n_splits, choice.stages);
    case 1:
      return launch<1>(queue, keys, task, n_splits, choice.stages);
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace kernels::cuda
