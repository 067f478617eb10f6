#pragma once

#include <cmath>
#include <limits>

#include "kernels/cuda/hopper/hopper_kernels.h"
#include "tests/gpu/bench_reference.cuh"

/// Is what the kernels compute right? Each check prints one line; wrong results also print the first
/// wrong elements and a map of where they are.
namespace bench {

namespace hopper = kernels::cuda::hopper;

inline int n_failed = 0;

struct Comparison {
  double error = 0.0;  // |got - wanted| / |wanted|, both as vectors
  double largest = 0.0;
};

inline Comparison compare(const std::vector<float>& got, const std::vector<float>& wanted) {
  double difference = 0.0;
  double size = 0.0;
  Comparison result;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double d = static_cast<double>(got[i]) - wanted[i];
    difference += d * d;
    size += static_cast<double>(wanted[i]) * wanted[i];
    if (!(std::fabs(d) <= result.largest)) {
      result.largest = std::fabs(d);
    }
  }
  result.error = std::sqrt(difference / std::max(size, 1e-30));
  return result;
}

/// Prints what is wrong in rows x columns: a few elements, then one character per 8 x 8 block.
inline void print_wrong(const std::vector<float>& got, const std::vector<float>& wanted, int n_columns, float tolerance) {
  const int n_rows = static_cast<int>(wanted.size()) / n_columns;
  int n_printed = 0;
  const auto wrong = [&](int row, int column) {
    const auto i = static_cast<std::size_t>(row) * static_cast<std::size_t>(n_columns) + static_cast<std::size_t>(column);
    return !(std::fabs(got[i] - wanted[i]) <= tolerance);
  };
  for (int row = 0; row < n_rows && n_printed < 12; ++row) {
    for (int column = 0; column < n_columns && n_printed < 12; ++column) {
      if (wrong(row, column)) {
        const auto i = static_cast<std::size_t>(row * n_columns + column);
        std::printf("    [%d, %d] got %g wanted %g\n", row, column, got[i], wanted[i]);
        ++n_printed;
      }
    }
  }
  for (int row = 0; row < std::min(n_rows, 128); row += 8) {
    std::string line;
    for (int column = 0; column < std::min(n_columns, 1024); column += 8) {
      bool any = false;
      for (int i = 0; i < 64; ++i) {
        any = any || (row + i / 8 < n_rows && column + i % 8 < n_columns && wrong(row + i / 8, column + i % 8));
      }
      line += any ? 'X' : '.';
    }
    std::printf("    rows %3d: %s\n", row, line.c_str());
  }
}

inline void report(const std::string& what, const std::vector<float>& got, const std::vector<float>& wanted,
                   int n_columns, double tolerance) {
  const Comparison c = compare(got, wanted);
  const bool good = c.error <= tolerance;
  n_failed += good ? 0 : 1;
  std::printf("%-4s %-70s error %.2e (at most %.0e) largest %.2e\n", good ? "ok" : "BAD", what.c_str(), c.error,
              tolerance, c.largest);
  if (!good) {
    print_wrong(got, wanted, n_columns, static_cast<float>(0.05 * std::sqrt([&] {
                                          double s = 0.0;
                                          for (const float w : wanted) {
                                            s += static_cast<double>(w) * w;
                                          }
                                          return s / static_cast<double>(wanted.size());
                                        }())) + 1e-6f);
  }
}

inline void check_scores(int n_queries, int n_heads, int n_keys, Inputs inputs) {
  DeviceArray<__nv_fp8_e4m3> queries(static_cast<std::int64_t>(n_queries) * n_heads * 128);
  DeviceArray<__nv_fp8_e4m3> keys(static_cast<std::int64_t>(n_keys) * 128);
  DeviceArray<float> weights(static_cast<std::int64_t>(n_queries) * n_heads);
  DeviceArray<float> scales(n_keys);
  const std::int64_t pitch = (n_keys + 3) / 4 * 4;
  DeviceArray<float> scores(n_queries * pitch);
  DeviceArray<float> wanted(n_keys);
  fill(queries, n_heads * 128, 1.0f, 11, inputs);
  fill(keys, 128, 1.0f, 12, inputs);
  fill(weights, n_heads, 0.1f, 13);
  fill_positive(scales, 0.5f, 0.3f, 14);
  scores.poison();
  hopper::IndexerScoresArgs args;
  args.queries = queries.data();
  args.head_weights = weights.data();
  args.keys = keys.data();
  args.key_scales = scales.data();
  args.scores = scores.data();
  args.pitch = pitch;
  args.n_queries = n_queries;
  args.n_heads = n_heads;
  args.n_keys = n_keys;
  args.first_position = n_keys - n_queries;
  BENCH_CUDA(hopper::indexer_scores(args, nullptr));
  BENCH_CUDA(cudaDeviceSynchronize());
  std::vector<float> got_all;
  std::vector<float> wanted_all;
  for (int query = 0; query < n_queries; query += std::max(1, n_queries / 40)) {
    const int visible = n_keys - n_queries + query + 1;
    reference_scores_kernel<<<(n_keys + 127) / 128, 128>>>(queries.data(), weights.data(), keys.data(), scales.data(),
                                                           wanted.data(), query, n_heads, n_keys);
    std::vector<float> w = wanted.to_host();
    std::vector<float> g = scores.to_host(query * pitch, n_keys);
    for (int i = visible; i < n_keys; ++i) {
      g[static_cast<std::size_t>(i)] = w[static_cast<std::size_t>(i)];  // undefined beyond the query
    }
    got_all.insert(got_all.end(), g.begin(), g.end());
    wanted_all.insert(wanted_all.end(), w.begin(), w.end());
  }
  report("K1 scores: " + std::to_string(n_queries) + " queries, " + std::to_string(n_heads) + " heads, " +
             std::to_string(n_keys) + " keys",
         got_all, wanted_all, n_keys, 5e-4);  // the tensor cores add e4m3 products with fewer bits than f32 has
}

enum class Scores { kNormal, kClustered, kFewValues, kEqual, kSpecial };

inline std::vector<std::int32_t> best_on_host(const std::vector<float>& row, int n, int k) {
  std::vector<std::int32_t> order(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    order[static_cast<std::size_t>(i)] = i;
  }
  const auto value = [&](std::int32_t i) {
    const float v = row[static_cast<std::size_t>(i)];
    return std::isnan(v) ? -std::numeric_limits<float>::infinity() : v;
  };
  if (n > k) {
    std::nth_element(order.begin(), order.begin() + k, order.end(), [&](std::int32_t a, std::int32_t b) {
      return value(a) != value(b) ? value(a) > value(b) : a > b;
    });
    order.resize(static_cast<std::size_t>(k));
  }
  std::sort(order.begin(), order.end());
  order.resize(static_cast<std::size_t>(k), -1);
  return order;
}

inline float test_score(Scores kind, std::uint32_t& state, int i) {
  const auto next = [&] {
    state = state * 1664525u + 1013904223u;
    return static_cast<float>(state >> 8) * 0x1p-24f;
  };
  const float noise = next() + next() + next() - 1.5f;
  switch (kind) {
    case Scores::kNormal: return noise;
    case Scores::kClustered: return noise * 0.2f + std::sin(static_cast<float>(i) * 0.0009f) * 3.0f;
    case Scores::kFewValues: return std::floor(noise * 8.0f) * 0.125f;
    case Scores::kEqual: return 1.25f;
    case Scores::kSpecial: {
      const float choice = next();
      return choice < 0.3f    ? std::numeric_limits<float>::quiet_NaN()
             : choice < 0.5f  ? -std::numeric_limits<float>::infinity()
             : choice < 0.6f  ? -0.0f
             : choice < 0.7f  ? 0.0f
             : choice < 0.71f ? std::numeric_limits<float>::infinity()
                              : -std::fabs(noise);
    }
  }
  return 0.0f;
}

inline void check_select(int n_queries, int n_keys, int k, Scores kind, const char* name) {
  const std::int64_t pitch = (n_keys + 3) / 4 * 4;
  const std::int64_t mask_pitch = (n_keys + 127) / 128 * 4;
  std::vector<float> host(static_cast<std::size_t>(n_queries * pitch));
  std::uint32_t state = 12345;
  for (std::size_t i = 0; i < host.size(); ++i) {
    host[i] = test_score(kind, state, static_cast<int>(i % static_cast<std::size_t>(pitch)));
  }
  DeviceArray<float> scores(n_queries * pitch);
  DeviceArray<std::int32_t> indices(static_cast<std::int64_t>(n_queries) * k);
  DeviceArray<std::uint32_t> mask(n_queries * mask_pitch);
  scores.from_host(host);
  indices.poison();
  mask.poison();
  hopper::SelectBestArgs args;
  args.scores = scores.data();
  args.pitch = pitch;
  args.indices = indices.data();
  args.mask = mask.data();
  args.mask_pitch = mask_pitch;
  args.n_queries = n_queries;
  args.n_keys = n_keys;
  args.k = k;
  args.first_position = n_keys - n_queries;
  BENCH_CUDA(hopper::select_best(args, nullptr));
  BENCH_CUDA(cudaDeviceSynchronize());
  const std::vector<std::int32_t> got = indices.to_host();
  const std::vector<std::uint32_t> bits = mask.to_host();
  int n_wrong = 0;
  int n_wrong_words = 0;
  for (int query = 0; query < n_queries; ++query) {
    const int n = n_keys - n_queries + query + 1;
    const std::vector<float> row(host.begin() + query * pitch, host.begin() + query * pitch + n);
    const std::vector<std::int32_t> wanted = best_on_host(row, n, k);
    std::vector<std::uint32_t> wanted_bits(static_cast<std::size_t>(mask_pitch), 0);
    for (int i = 0; i < k; ++i) {
      const std::int32_t index = got[static_cast<std::size_t>(query) * static_cast<std::size_t>(k) + static_cast<std::size_t>(i)];
      const std::int32_t want = wanted[static_cast<std::size_t>(i)];
      if (want >= 0) {
        wanted_bits[static_cast<std::size_t>(want / 32)] |= 1u << (want % 32);
      }
      if (index != want && n_wrong++ < 4) {
        std::printf("    query %d slot %d: got %d wanted %d\n", query, i, index, want);
      }
    }
    for (std::int64_t word = 0; word < mask_pitch; ++word) {
      n_wrong_words += bits[static_cast<std::size_t>(query * mask_pitch + word)] != wanted_bits[static_cast<std::size_t>(word)] ? 1 : 0;
    }
  }
  n_failed += n_wrong + n_wrong_words > 0 ? 1 : 0;
  std::printf("%-4s K2 select: %d queries, %d of %d keys, %s: %d wrong indices, %d wrong mask words\n",
              n_wrong + n_wrong_words > 0 ? "BAD" : "ok", n_queries, k, n_keys, name, n_wrong, n_wrong_words);
}

/// Query and head pairs spread over all tiles.
inline std::vector<int2> spread_pairs(int n_queries, int n_heads, int n_wanted) {
  std::vector<int2> pairs;
  for (int i = 0; i < n_wanted; ++i) {
    pairs.push_back(make_int2(static_cast<int>(static_cast<long long>(i) * n_queries / n_wanted), i * 7 % n_heads));
  }
  return pairs;
}

template <typename T>
std::vector<float> rows_of(const DeviceArray<T>& out, const std::vector<int2>& pairs, int n_heads, int dim) {
  const std::vector<T> all = out.to_host();
  std::vector<float> rows;
  for (const int2 pair : pairs) {
    const std::size_t first = (static_cast<std::size_t>(pair.x) * static_cast<std::size_t>(n_heads) + static_cast<std::size_t>(pair.y)) * static_cast<std::size_t>(dim);
    for (std::size_t i = 0; i < static_cast<std::size_t>(dim); ++i) {
      rows.push_back(static_cast<float>(all[first + i]));
    }
  }
  return rows;
}

template <typename Out>
void check_dense(int n_queries, int n_heads, int n_keys, bool masked, Inputs inputs) {
  DeviceArray<__nv_bfloat16> q(static_cast<std::int64_t>(n_queries) * n_heads * 192);
  DeviceArray<__nv_bfloat16> k(static_cast<std::int64_t>(n_keys) * n_heads * 128);
  DeviceArray<__nv_bfloat16> rope(static_cast<std::int64_t>(n_keys) * 64);
  DeviceArray<__nv_bfloat16> v(static_cast<std::int64_t>(n_keys) * n_heads * 128);
  DeviceArray<Out> out(static_cast<std::int64_t>(n_queries) * n_heads * 128);
  fill(q, n_heads * 192, 1.0f, 21, inputs);
  fill(k, n_heads * 128, 1.0f, 22, inputs);
  fill(rope, 64, 1.0f, 23, inputs);
  fill(v, n_heads * 128, 1.0f, 24, inputs);
  const std::int64_t mask_pitch = (n_keys + 127) / 128 * 4;
  DeviceArray<std::uint32_t> mask(n_queries * mask_pitch);
  std::vector<std::uint32_t> bits(static_cast<std::size_t>(mask.size()));
  std::uint32_t state = 5;
  for (std::uint32_t& word : bits) {
    state = state * 1664525u + 1013904223u;
    word = state >> 3 & state << 2;
    word = state % 5 == 0 ? 0 : word;
  }
  mask.from_host(bits);
  out.poison();
  hopper::DenseAttentionArgs args;
  args.q = q.data();
  args.k = k.data();
  args.k_rope = rope.data();
  args.v = v.data();
  args.mask = masked ? mask.data() : nullptr;
  args.mask_pitch = mask_pitch;
  args.out = out.data();
  args.out_f32 = sizeof(Out) == 4;
  args.n_queries = n_queries;
  args.n_heads = n_heads;
  args.n_keys = n_keys;
  args.first_position = n_keys - n_queries;
  args.scale = 0.0721688f;
  BENCH_CUDA(hopper::dense_attention(args, nullptr));
  BENCH_CUDA(cudaDeviceSynchronize());
  ReferenceAttention reference;
  reference.q_first = q.data();
  reference.q_rope = q.data() + 128;
  reference.q_first_pitch = 192;
  reference.q_rope_pitch = 192;
  reference.first_dim = 128;
  reference.k = k.data();
  reference.k_pitch = n_heads * 128;
  reference.k_head_pitch = 128;
  reference.k_rope = rope.data();
  reference.k_rope_pitch = 64;
  reference.v = v.data();
  reference.mask = args.mask;
  reference.mask_pitch = mask_pitch;
  reference.first_position = args.first_position;
  reference.n_keys = n_keys;
  reference.n_heads = n_heads;
  reference.scale = args.scale;
  const std::vector<int2> pairs = spread_pairs(n_queries, n_heads, 96);
  report("K7 dense: " + std::to_string(n_queries) + " queries, " + std::to_string(n_heads) + " heads, " +
             std::to_string(n_keys) + " keys" + (masked ? ", mask" : "") + (sizeof(Out) == 4 ? ", f32 out" : ""),
         rows_of(out, pairs, n_heads, 128), reference_attention(reference, pairs), 128, 6e-3);
}

enum class Picks { kFull, kWithHoles, kNone };

template <typename Out>
void check_sparse(int n_queries, int n_heads, int n_keys, int k, int n_splits, Picks picks, Inputs inputs) {
  DeviceArray<__nv_bfloat16> q_latent(static_cast<std::int64_t>(n_queries) * n_heads * 512);
  DeviceArray<__nv_bfloat16> q_rope(static_cast<std::int64_t>(n_queries) * n_heads * 64);
  DeviceArray<__nv_bfloat16> latents(static_cast<std::int64_t>(n_keys) * 576);
  DeviceArray<std::int32_t> indices(static_cast<std::int64_t>(n_queries) * k);
  DeviceArray<Out> out(static_cast<std::int64_t>(n_queries) * n_heads * 512);
  fill(q_latent, n_heads * 512, 1.0f, 31, inputs);
  fill(q_rope, n_heads * 64, 1.0f, 32, inputs);
  fill(latents, 576, 1.0f, 33, inputs);
  std::vector<std::int32_t> chosen(static_cast<std::size_t>(indices.size()));
  std::uint32_t state = 99;
  for (int query = 0; query < n_queries; ++query) {
    // Without repeats: a random start and a stride without a common divisor.
    const int used = picks == Picks::kFull ? k : picks == Picks::kNone && query == 1 ? 0 : k - 70 - 300 * (query % 3);
    std::int64_t position = query * 131;
    for (int i = 0; i < k; ++i) {
      state = state * 1664525u + 1013904223u;
      const bool hole = picks != Picks::kFull && (i >= used || state % 17 == 0);
      chosen[static_cast<std::size_t>(query) * static_cast<std::size_t>(k) + static_cast<std::size_t>(i)] =
          hole ? -1 : static_cast<std::int32_t>(position % n_keys);
      position += 1 + (n_keys > k ? state % static_cast<std::uint32_t>(n_keys / k) : 0);
    }
  }
  indices.from_host(chosen);
  out.poison();
  const std::int64_t scratch_bytes = hopper::sparse_attention_scratch_bytes(n_queries, n_heads, n_splits);
  DeviceArray<unsigned char> scratch(std::max<std::int64_t>(scratch_bytes, 16));
  scratch.poison();
  hopper::SparseAttentionArgs args;
  args.q_latent = q_latent.data();
  args.q_rope = q_rope.data();
  args.latents = latents.data();
  args.indices = indices.data();
  args.out = out.data();
  args.out_f32 = sizeof(Out) == 4;
  args.n_queries = n_queries;
  args.n_heads = n_heads;
  args.n_keys = n_keys;
  args.k = k;
  args.scale = 0.06f;
  args.n_splits = n_splits;
  args.scratch = scratch.data();
  BENCH_CUDA(hopper::sparse_attention(args, nullptr));
  BENCH_CUDA(cudaDeviceSynchronize());
  ReferenceAttention reference;
  reference.q_first = q_latent.data();
  reference.q_rope = q_rope.data();
  reference.q_first_pitch = 512;
  reference.q_rope_pitch = 64;
  reference.first_dim = 512;
  reference.k = latents.data();
  reference.k_pitch = 576;
  reference.k_rope = latents.data() + 512;
  reference.k_rope_pitch = 576;
  reference.v = latents.data();
  reference.indices = indices.data();
  reference.n_indices = k;
  reference.causal = false;
  reference.n_keys = n_keys;
  reference.n_heads = n_heads;
  reference.scale = args.scale;
  const std::vector<int2> pairs = spread_pairs(n_queries, n_heads, 64);
  report((n_splits > 1 ? "K6 decode: " : "K3 sparse: ") + std::to_string(n_queries) + " queries, " +
             std::to_string(n_heads) + " heads, " + std::to_string(k) + " of " + std::to_string(n_keys) +
             (picks == Picks::kFull ? "" : ", holes") + ", " + std::to_string(n_splits) + " splits" +
             (sizeof(Out) == 4 ? ", f32 out" : ""),
         rows_of(out, pairs, n_heads, 512), reference_attention(reference, pairs), 512, 6e-3);
}

inline void check_everything(const std::string& which) {
  const auto wanted = [&](const char* name) { return which.find(name) != std::string::npos; };
  if (wanted("k1")) {
    check_scores(4, 64, 256, Inputs::kRandom);
    check_scores(9, 64, 300, Inputs::kRandom);
    check_scores(5, 32, 2049, Inputs::kCorrelated);
    check_scores(300, 64, 20000, Inputs::kCorrelated);
  }
  if (wanted("k2")) {
    for (const int n : {2047, 2048, 2049, 4097, 20000, 131072}) {
      check_select(5, n, 2048, Scores::kNormal, "normal");
    }
    check_select(5, 131071, 2048, Scores::kClustered, "clustered");
    check_select(5, 50001, 2048, Scores::kFewValues, "few values");
    check_select(3, 50001, 2048, Scores::kEqual, "equal");
    check_select(3, 5000, 2048, Scores::kSpecial, "NaN, infinities, zeros of both signs");
    check_select(3, 50000, 2048, Scores::kSpecial, "NaN, infinities, zeros of both signs");
    check_select(40, 300, 64, Scores::kNormal, "normal");
  }
  if (wanted("k7")) {
    check_dense<float>(128, 2, 128, false, Inputs::kRandom);
    check_dense<__nv_bfloat16>(128, 2, 256, false, Inputs::kRandom);
    check_dense<__nv_bfloat16>(200, 3, 1000, false, Inputs::kCorrelated);
    check_dense<float>(200, 3, 1000, true, Inputs::kRandom);
    check_dense<__nv_bfloat16>(1, 128, 4097, false, Inputs::kRandom);
    check_dense<__nv_bfloat16>(1000, 2, 4097, true, Inputs::kCorrelated);
  }
  if (wanted("k3")) {
    check_sparse<float>(1, 64, 128, 128, 1, Picks::kFull, Inputs::kRandom);
    check_sparse<float>(1, 64, 128, 64, 1, Picks::kFull, Inputs::kRandom);
    check_sparse<__nv_bfloat16>(5, 128, 9000, 2048, 1, Picks::kFull, Inputs::kCorrelated);
    check_sparse<__nv_bfloat16>(200, 128, 9000, 2048, 1, Picks::kWithHoles, Inputs::kRandom);
    check_sparse<float>(4, 16, 3000, 2048, 1, Picks::kNone, Inputs::kRandom);
  }
  if (wanted("k6")) {
    check_sparse<float>(1, 128, 9000, 2048, 16, Picks::kFull, Inputs::kRandom);
    check_sparse<__nv_bfloat16>(3, 128, 9000, 2048, 5, Picks::kNone, Inputs::kCorrelated);
    check_sparse<__nv_bfloat16>(2, 128, 131072, 2048, 32, Picks::kFull, Inputs::kRandom);
  }
}

}  // namespace bench
