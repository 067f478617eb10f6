#pragma once

#include <sstream>

#include "kernels/cuda/hopper/hopper_kernels.h"
#include "tests/gpu/bench_support.cuh"

/// Inputs in the shape of one DeepSeek-V3.2 layer, and the cost of a whole prompt: sparse and dense
/// attention in turn, in chunks of 4096 queries.
namespace bench {

namespace hopper = kernels::cuda::hopper;

constexpr int kChunk = 4096;

enum class Overlap { kNeighbours, kRandom, kRecent };

inline const char* name_of(Overlap overlap) {
  return overlap == Overlap::kNeighbours ? "neighbours alike"
         : overlap == Overlap::kRandom   ? "random"
                                         : "sinks and recent";
}

/// Ascending, without repeats: one pick in each of k equal parts of the row. Neighbours alike: the pick
/// changes between neighbouring queries in one part out of 16.
__global__ void make_indices_kernel(std::int32_t* indices, int n_queries, int n_keys, int k, int kind) {
  const int query = static_cast<int>(blockIdx.x);
  for (int slot = static_cast<int>(threadIdx.x); slot < k; slot += static_cast<int>(blockDim.x)) {
    const int limit = n_keys - n_queries + query + 1;
    std::int32_t index = 0;
    if (kind == 2) {
      index = slot < 64 ? slot : limit - k + slot;
    } else {
      const int turn = kind == 0 ? (query + static_cast<int>(mix(static_cast<std::uint64_t>(slot)) % 16)) / 16 : query;
      const auto from = static_cast<std::int64_t>(slot) * (n_keys - n_queries) / k;
      const auto to = static_cast<std::int64_t>(slot + 1) * (n_keys - n_queries) / k;
      const std::uint32_t random = mix(static_cast<std::uint64_t>(turn) * 4099 + static_cast<std::uint64_t>(slot));
      index = static_cast<std::int32_t>(from + random % static_cast<std::uint32_t>(max(to - from, std::int64_t{1})));
    }
    indices[static_cast<std::int64_t>(query) * k + slot] = index;
  }
}

inline void make_indices(const DeviceArray<std::int32_t>& indices, int n_queries, int n_keys, int k, Overlap overlap) {
  make_indices_kernel<<<static_cast<unsigned>(n_queries), 256>>>(indices.data(), n_queries, n_keys, k,
                                                                 static_cast<int>(overlap));
  BENCH_CUDA(cudaGetLastError());
}

/// 64 heads of 128; keys of the whole prompt, queries of one chunk.
class IndexerInputs {
 public:
  IndexerInputs(int n_queries, int n_keys, Inputs inputs)
      : queries_(static_cast<std::int64_t>(n_queries) * 64 * 128),
        weights_(static_cast<std::int64_t>(n_queries) * 64),
        keys_(static_cast<std::int64_t>(n_keys) * 128),
        scales_(n_keys) {
    fill(queries_, 64 * 128, 1.0f, 41, inputs);
    fill(keys_, 128, 1.0f, 42, inputs);
    fill(weights_, 64, 0.1f, 43);
    fill_positive(scales_, 0.9f, 0.1f, 44);
  }
  void score(const DeviceArray<float>& scores, int first_query, int n_queries, int n_keys, std::int64_t first_position) const {
    hopper::IndexerScoresArgs args;
    args.queries = queries_.data() + static_cast<std::int64_t>(first_query) * 64 * 128;
    args.head_weights = weights_.data() + static_cast<std::int64_t>(first_query) * 64;
    args.keys = keys_.data();
    args.key_scales = scales_.data();
    args.scores = scores.data();
    args.pitch = n_keys;
    args.n_queries = n_queries;
    args.n_heads = 64;
    args.n_keys = n_keys;
    args.first_position = first_position;
    BENCH_CUDA(hopper::indexer_scores(args, nullptr));
  }
  void select(const DeviceArray<float>& scores, const DeviceArray<std::int32_t>& indices, std::uint32_t* mask,
              int n_queries, int n_keys, std::int64_t first_position) const {
    hopper::SelectBestArgs args;
    args.scores = scores.data();
    args.pitch = n_keys;
    args.indices = indices.data();
    args.mask = mask;
    args.mask_pitch = n_keys / 32;
    args.n_queries = n_queries;
    args.n_keys = n_keys;
    args.k = 2048;
    args.first_position = first_position;
    BENCH_CUDA(hopper::select_best(args, nullptr));
  }

 private:
  DeviceArray<__nv_fp8_e4m3> queries_;
  DeviceArray<float> weights_;
  DeviceArray<__nv_fp8_e4m3> keys_;
  DeviceArray<float> scales_;
};

class DenseInputs {
 public:
  DenseInputs(int n_queries, int n_keys, int n_heads)
      : n_heads_(n_heads),
        q_(static_cast<std::int64_t>(n_queries) * n_heads * 192),
        k_(static_cast<std::int64_t>(n_keys) * n_heads * 128),
        rope_(static_cast<std::int64_t>(n_keys) * 64),
        v_(static_cast<std::int64_t>(n_keys) * n_heads * 128),
        out_(static_cast<std::int64_t>(n_queries) * n_heads * 128) {
    fill(q_, n_heads * 192, 1.0f, 51);
    fill(k_, n_heads * 128, 1.0f, 52);
    fill(rope_, 64, 1.0f, 53);
    fill(v_, n_heads * 128, 1.0f, 54);
  }
  void attend(int n_queries, int n_keys, std::int64_t first_position, const std::uint32_t* mask,
              std::int64_t mask_pitch) const {
    hopper::DenseAttentionArgs args;
    args.q = q_.data();
    args.k = k_.data();
    args.k_rope = rope_.data();
    args.v = v_.data();
    args.mask = mask;
    args.mask_pitch = mask_pitch;
    args.out = out_.data();
    args.n_queries = n_queries;
    args.n_heads = n_heads_;
    args.n_keys = n_keys;
    args.first_position = first_position;
    args.scale = 0.0721688f;
    BENCH_CUDA(hopper::dense_attention(args, nullptr));
  }

 private:
  int n_heads_;
  DeviceArray<__nv_bfloat16> q_;
  DeviceArray<__nv_bfloat16> k_;
  DeviceArray<__nv_bfloat16> rope_;
  DeviceArray<__nv_bfloat16> v_;
  DeviceArray<__nv_bfloat16> out_;
};

class SparseInputs {
 public:
  SparseInputs(int n_queries, int n_keys, int n_heads)
      : n_heads_(n_heads),
        q_latent_(static_cast<std::int64_t>(n_queries) * n_heads * 512),
        q_rope_(static_cast<std::int64_t>(n_queries) * n_heads * 64),
        latents_(static_cast<std::int64_t>(n_keys) * 576),
        out_(static_cast<std::int64_t>(n_queries) * n_heads * 512),
        scratch_(std::max<std::int64_t>(16, hopper::sparse_attention_scratch_bytes(std::min(n_queries, 8), n_heads, 32))) {
    fill(q_latent_, n_heads * 512, 1.0f, 61);
    fill(q_rope_, n_heads * 64, 1.0f, 62);
    fill(latents_, 576, 1.0f, 63);
  }
  void attend(const DeviceArray<std::int32_t>& indices, int n_queries, int n_keys, int n_splits,
              cudaStream_t stream) const {
    hopper::SparseAttentionArgs args;
    args.q_latent = q_latent_.data();
    args.q_rope = q_rope_.data();
    args.latents = latents_.data();
    args.indices = indices.data();
    args.out = out_.data();
    args.n_queries = n_queries;
    args.n_heads = n_heads_;
    args.n_keys = n_keys;
    args.k = 2048;
    args.scale = 0.06f;
    args.n_splits = n_splits;
    args.scratch = scratch_.data();
    BENCH_CUDA(hopper::sparse_attention(args, stream));
  }

 private:
  int n_heads_;
  DeviceArray<__nv_bfloat16> q_latent_;
  DeviceArray<__nv_bfloat16> q_rope_;
  DeviceArray<__nv_bfloat16> latents_;
  DeviceArray<__nv_bfloat16> out_;
  DeviceArray<unsigned char> scratch_;
};

/// One layer's attention over a prompt of n_keys tokens. The queries of one chunk stand for those of
/// all chunks (other values, same work), so that memory stays small.
inline void print_prompt_row(int n_keys) {
  const IndexerInputs indexer(kChunk, n_keys, Inputs::kCorrelated);
  const DenseInputs dense(kChunk, n_keys, 128);
  const SparseInputs sparse(kChunk, n_keys, 128);
  DeviceArray<float> scores(static_cast<std::int64_t>(kChunk) * n_keys);
  DeviceArray<std::int32_t> indices(static_cast<std::int64_t>(kChunk) * 2048);
  const int n_chunks = n_keys / kChunk;
  const auto run_chunk = [&](int chunk, int part) {
    const int first = chunk * kChunk;
    switch (part) {
      case 0: return dense.attend(kChunk, first + kChunk, first, nullptr, 0);
      case 1: return indexer.score(scores, 0, kChunk, first + kChunk, first);
      case 2: return indexer.select(scores, indices, nullptr, kChunk, first + kChunk, first);
      default: return sparse.attend(indices, kChunk, n_keys, 1, nullptr);
    }
  };
  double whole[4] = {};
  double last[4] = {};
  for (int chunk = 0; chunk < n_chunks; ++chunk) {
    for (int part = 0; part < 4; ++part) {
      if (part > 0 && chunk == 0) {  // the parts of a chunk build on each other
        run_chunk(0, part);
      }
      const Time time = measure([&] { run_chunk(chunk, part); }, 1, chunk == 0 ? 2 : 0);
      whole[part] += time.median_us;
      last[part] = time.median_us;
    }
  }
  const double sum = whole[1] + whole[2] + whole[3];
  const double marginal = last[1] + last[2] + last[3];
  std::printf("%6d  dense %10.1f ms  sparse %9.1f ms (scores %.1f, select %.1f, attention %.1f)  ratio %.3f  "
              "last 4096: %.2f / %.2f ms, ratio %.3f\n",
              n_keys, whole[0] / 1e3, sum / 1e3, whole[1] / 1e3, whole[2] / 1e3, whole[3] / 1e3, sum / whole[0],
              last[0] / 1e3, marginal / 1e3, marginal / last[0]);
}

inline void print_prompt_table(const std::string& lengths) {
  std::printf("one layer's attention over a whole prompt, sparse and dense in turn, chunks of %d\n", kChunk);
  std::stringstream list(lengths);
  std::string item;
  while (std::getline(list, item, ',')) {
    print_prompt_row(std::atoi(item.c_str()) * 1024);
  }
}

}  // namespace bench
