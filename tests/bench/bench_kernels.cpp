#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernels/api/backend.h"
#include "kernels/api/ceilings.h"
#include "kernels/cpu/best_keys.h"
#include "kernels/cpu/tile_kernels.h"

// Each primitive of the CPU backend on one thread, in GFLOP/s or GOPS of that thread's CPU time, so that a
// neighbour on the machine does not count. Take the best of several repetitions:
//   bench_kernels --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
// The aggregate "best" is the fastest repetition.
namespace {

using kernels::Compute;
using kernels::DType;
using kernels::TensorView;

std::vector<float> random_floats(std::int64_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = normal(generator);
  return values;
}

TensorView view(std::vector<float>& values, std::int64_t d0, std::int64_t d1 = 1, std::int64_t d2 = 1) {
  return {values.data(), DType::kF32, {d0, d1, d2}};
}

std::unique_ptr<kernels::Backend> make_backend(Compute compute) {
  return kernels::make_cpu_backend({1, compute, false});
}

std::unique_ptr<kernels::Matrix> load(kernels::Backend& backend, std::int64_t n_out, std::int64_t n_in) {
  const std::vector<float> values = random_floats(n_out * n_in, 1);
  return std::move(
      std::get<0>(backend.load_matrix({values.data(), DType::kF32, n_out, n_in, nullptr, false})));
}

/// Counts `operations` per iteration as G/s of CPU time, `bytes` likewise.
void report(benchmark::State& state, const char* unit, double operations, double bytes = 0) {
  state.counters[unit] = benchmark::Counter(operations * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
  if (bytes > 0)
    state.counters["GB/s"] = benchmark::Counter(bytes * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

/// Keys of one layer, stored.
struct Keys {
  std::unique_ptr<kernels::KeyCache> cache;

  Keys(kernels::Backend& backend, std::int64_t n, int latent, int rope, int index) {
    cache = std::move(std::get<0>(backend.make_key_cache({n, latent, rope, index})));
    constexpr std::int64_t kStep = 1024;
    std::vector<float> c = random_floats(kStep * latent, 2);
    std::vector<float> k = random_floats(kStep * rope, 3);
    std::vector<float> i = random_floats(kStep * index, 4);
    for (std::int64_t first = 0; first < n; first += kStep) {
      // The same numbers shifted: other keys in each block, without the time of drawing millions of numbers.
      std::rotate(c.begin(), c.begin() + 7, c.end());
      std::rotate(k.begin(), k.begin() + 3, k.end());
      if (index > 0) std::rotate(i.begin(), i.begin() + 5, i.end());
      const std::int64_t step = std::min(kStep, n - first);
      backend.store_keys(
          {cache.get(), view(c, step, latent), view(k, step, rope), view(i, step, index), first});
    }
  }
};

void matmul(benchmark::State& state, Compute compute) {
  const std::int64_t n_tokens = state.range(0);
  const std::int64_t n_in = state.range(1);
  const std::int64_t n_out = state.range(2);
  auto backend = make_backend(compute);
  const auto weight = load(*backend, n_out, n_in);
  std::vector<float> in = random_floats(n_tokens * n_in, 5);
  std::vector<float> out(static_cast<std::size_t>(n_tokens * n_out));
  for (auto _ : state)
    backend->matmul({view(in, n_tokens, n_in), weight.get(), view(out, n_tokens, n_out), false});
  report(state, "GFLOP/s", 2.0 * static_cast<double>(n_tokens * n_in * n_out),
         static_cast<double>(weight->size_bytes()));
}

void experts(benchmark::State& state, Compute compute) {
  const std::int64_t n_tokens = state.range(0);
  const std::int64_t n_hidden = state.range(1);
  const std::int64_t n_inner = state.range(2);
  const int n_experts = 16;
  const int n_used = 4;
  auto backend = make_backend(compute);
  std::vector<std::unique_ptr<kernels::Matrix>> matrices;
  std::vector<kernels::FeedForwardWeights> weights;
  for (int e = 0; e < n_experts; ++e) {
    for (int i = 0; i < 2; ++i) matrices.push_back(load(*backend, n_inner, n_hidden));
    matrices.push_back(load(*backend, n_hidden, n_inner));
    weights.push_back(
        {matrices[matrices.size() - 3].get(), matrices[matrices.size() - 2].get(), matrices.back().get()});
  }
  std::vector<float> in = random_floats(n_tokens * n_hidden, 6);
  std::vector<float> out(in.size());
  std::vector<float> mix(static_cast<std::size_t>(n_tokens * n_used), 0.25f);
  std::vector<std::int32_t> chosen;
  for (std::int64_t t = 0; t < n_tokens; ++t)
    for (int j = 0; j < n_used; ++j) chosen.push_back(static_cast<std::int32_t>((t * 7 + j * 5) % n_experts));
  for (auto _ : state)
    backend->run_experts({view(in, n_tokens, n_hidden),
                          weights.data(),
                          n_experts,
                          {chosen.data(), DType::kI32, {n_tokens, n_used, 1}},
                          view(mix, n_tokens, n_used),
                          view(out, n_tokens, n_hidden),
                          false});
  report(state, "GFLOP/s", 6.0 * static_cast<double>(n_tokens * n_used * n_hidden * n_inner));
}

/// Arguments: heads, latent, rope, keys, selected (0: dense), queries.
void attention(benchmark::State& state, Compute compute) {
  const std::int64_t heads = state.range(0);
  const std::int64_t latent = state.range(1);
  const std::int64_t rope = state.range(2);
  const std::int64_t n_keys = state.range(3);
  const std::int64_t k = state.range(4);
  const std::int64_t n = state.range(5);
  auto backend = make_backend(compute);
  const Keys keys(*backend, n_keys, static_cast<int>(latent), static_cast<int>(rope), 0);
  std::vector<float> q_latent = random_floats(n * heads * latent, 7);
  std::vector<float> q_rope = random_floats(n * heads * rope, 8);
  std::vector<float> out(q_latent.size());
  // Neighbouring queries select mostly the same keys: here each replaces one eighth of its predecessor's.
  std::mt19937 generator(9);
  std::vector<std::int32_t> indices;
  std::vector<std::int32_t> row(static_cast<std::size_t>(k));
  const auto draw = [&] {
    return static_cast<std::int32_t>(generator() % static_cast<unsigned>(n_keys - n));
  };
  for (auto& s : row) s = draw();
  for (std::int64_t t = 0; k > 0 && t < n; ++t) {
    for (std::size_t j = 0; j < row.size() / 8; ++j) row[generator() % row.size()] = draw();
    std::sort(row.begin(), row.end());
    indices.insert(indices.end(), row.begin(), row.end());
  }
  TensorView selected;
  if (k > 0) selected = {indices.data(), DType::kI32, {n, k, 1}};
  for (auto _ : state)
    backend->attention({view(q_latent, n, heads, latent), view(q_rope, n, heads, rope), keys.cache.get(),
                        0.05f, n_keys - n, selected, view(out, n, heads, latent)});
  const double pairs =
      k > 0 ? static_cast<double>(n * k)
            : static_cast<double>(n) * (static_cast<double>(n_keys) - static_cast<double>(n - 1) / 2);
  report(state, "GFLOP/s", pairs * 2.0 * static_cast<double>(heads * (2 * latent + rope)));
}

/// Arguments: key dimensions, value dimensions, keys, queries; one head with its keys written out.
void expanded(benchmark::State& state) {
  double seconds = 0;
  for (auto _ : state) {
    const double taken = kernels::expanded_attention_seconds(static_cast<int>(state.range(0)), static_cast<int>(state.range(1)),
                                                             state.range(2), state.range(3), false);
    seconds += taken;
    state.SetIterationTime(taken);
  }
  const double pairs = static_cast<double>(state.range(3)) * (static_cast<double>(state.range(2)) - static_cast<double>(state.range(3) - 1) / 2);
  state.counters["GFLOP/s"] = pairs * 2.0 * static_cast<double>(state.range(0) + state.range(1)) *
                              static_cast<double>(state.iterations()) / seconds * 1e-9;
}

/// Rows that resemble the row before, as neighbouring queries of a text do.
std::vector<float> drifting_floats(std::int64_t n_rows, std::int64_t width, unsigned seed) {
  std::vector<float> values = random_floats(n_rows * width, seed);
  for (std::size_t i = static_cast<std::size_t>(width); i < values.size(); ++i)
    values[i] = 0.95f * values[i - static_cast<std::size_t>(width)] + 0.31f * values[i];
  return values;
}

/// Arguments: heads, dimensions, keys, k, queries. Scores and selection together.
void indexer(benchmark::State& state, Compute compute) {
  const std::int64_t heads = state.range(0);
  const std::int64_t dim = state.range(1);
  const std::int64_t n_keys = state.range(2);
  const std::int64_t k = state.range(3);
  const std::int64_t n = state.range(4);
  auto backend = make_backend(compute);
  const Keys keys(*backend, n_keys, 1, 1, static_cast<int>(dim));
  constexpr std::int64_t kSteps = 64;  // of one query alone: each of them comes once, then the first again
  const std::int64_t n_all = n == 1 ? kSteps : n;
  std::vector<float> queries = drifting_floats(n_all, heads * dim, 10);
  std::vector<float> head_weights = drifting_floats(n_all, heads, 11);
  std::vector<std::int32_t> indices(static_cast<std::size_t>(n * k));
  kernels::SelectKeysArgs args;
  args.queries = {queries.data(), DType::kF32, {n, heads, dim}};
  args.head_weights = {head_weights.data(), DType::kF32, {n, heads, 1}};
  args.cache = keys.cache.get();
  args.first_position = n_keys - n;
  args.indices = {indices.data(), DType::kI32, {n, k, 1}};
  std::int64_t step = 0;
  for (auto _ : state) {
    args.queries.data = queries.data() + step * heads * dim;
    args.head_weights.data = head_weights.data() + step * heads;
    backend->select_keys(args);
    step = (step + n) % n_all;
  }
  report(state, "GOPS", 2.0 * static_cast<double>(n * heads * dim) * static_cast<double>(n_keys));
}

/// Arguments: heads, dimensions, keys. The scores of one query, for drill-down.
void scores(benchmark::State& state, Compute compute) {
  const std::int64_t heads = state.range(0);
  const std::int64_t dim = state.range(1);
  const std::int64_t n_keys = state.range(2);
  auto backend = make_backend(compute);
  const Keys keys(*backend, n_keys, 1, 1, static_cast<int>(dim));
  std::vector<float> queries = random_floats(heads * dim, 10);
  std::vector<float> head_weights = random_floats(heads, 11);
  std::vector<float> out(static_cast<std::size_t>(n_keys));
  for (auto _ : state)
    backend->score_keys({view(queries, 1, heads, dim), view(head_weights, 1, heads), keys.cache.get(), n_keys - 1, view(out, 1, n_keys)});
  report(state, "GOPS", 2.0 * static_cast<double>(heads * dim * n_keys));
}

/// Arguments: tokens, heads, inputs and outputs of a head.
void matmul_heads(benchmark::State& state, Compute compute) {
  const std::int64_t n = state.range(0);
  const std::int64_t heads = state.range(1);
  auto backend = make_backend(compute);
  const auto weight = load(*backend, heads * state.range(3), state.range(2));
  std::vector<float> in = random_floats(n * heads * state.range(2), 5);
  std::vector<float> out(static_cast<std::size_t>(n * heads * state.range(3)));
  for (auto _ : state)
    backend->matmul_heads({view(in, n, heads, state.range(2)), weight.get(), view(out, n, heads, state.range(3))});
  report(state, "GFLOP/s", 2.0 * static_cast<double>(n * heads * state.range(2) * state.range(3)));
}

/// Arguments: tokens, hidden, inner.
void feed_forward(benchmark::State& state, Compute compute) {
  const std::int64_t n = state.range(0);
  const std::int64_t hidden = state.range(1);
  auto backend = make_backend(compute);
  const auto gate = load(*backend, state.range(2), hidden);
  const auto up = load(*backend, state.range(2), hidden);
  const auto down = load(*backend, hidden, state.range(2));
  std::vector<float> in = random_floats(n * hidden, 6);
  std::vector<float> out(in.size());
  for (auto _ : state)
    backend->feed_forward({view(in, n, hidden), {gate.get(), up.get(), down.get()}, view(out, n, hidden), false});
  report(state, "GFLOP/s", 6.0 * static_cast<double>(n * hidden * state.range(2)));
}

constexpr auto kBest = [](const std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
};

/// The operations that only go over rows, of 512 tokens of 384 values: G values per second.
void add_row_operations() {
  constexpr std::int64_t kTokens = 512;
  constexpr std::int64_t kWidth = 384;
  using Operation = void (*)(kernels::Backend&, std::vector<float>&, std::vector<float>&);
  static const std::vector<std::pair<const char*, Operation>> operations{
      {"rms_norm", [](kernels::Backend& backend, std::vector<float>& in, std::vector<float>& out) {
         backend.rms_norm({view(in, kTokens, kWidth), view(in, kWidth), view(out, kTokens, kWidth)});
       }},
      {"layer_norm", [](kernels::Backend& backend, std::vector<float>& in, std::vector<float>& out) {
         backend.layer_norm({view(in, kTokens, kWidth), view(in, kWidth), view(in, kWidth), view(out, kTokens, kWidth)});
       }},
      {"rotate", [](kernels::Backend& backend, std::vector<float>& in, std::vector<float>& out) {
         backend.rotate({view(out, kTokens, kWidth / 32, 32), view(in, 16), 32, 0, kernels::RopePairs::kHalfSplit, 1000});
       }},
      {"hadamard", [](kernels::Backend& backend, std::vector<float>&, std::vector<float>& out) {
         backend.hadamard({view(out, kTokens * kWidth / 64, 64)});
       }},
      {"add", [](kernels::Backend& backend, std::vector<float>& in, std::vector<float>& out) {
         backend.add({view(in, kTokens, kWidth), view(out, kTokens, kWidth)});
       }},
      {"route_experts", [](kernels::Backend& backend, std::vector<float>& in, std::vector<float>& out) {
         static std::vector<std::int32_t> chosen(kTokens * 48 * 2);
         kernels::RouteExpertsArgs args;
         args.logits = view(in, kTokens * 48, 8);
         args.experts = {chosen.data(), DType::kI32, {kTokens * 48, 2, 1}};
         args.weights = view(out, kTokens * 48, 2);
         backend.route_experts(args);
       }},
  };
  for (const auto& [name, operation] : operations)
    benchmark::RegisterBenchmark(name, [operation](benchmark::State& state) {
      auto backend = make_backend(Compute::kF32);
      std::vector<float> in = random_floats(kTokens * kWidth, 20);
      std::vector<float> out(in.size());
      for (auto _ : state) operation(*backend, in, out);
      report(state, "G/s", static_cast<double>(kTokens * kWidth));
    })->ComputeStatistics("best", kBest);
}

/// Arguments: latent, rope and indexer dimensions. One chunk of keys into the caches: G values per second.
void store_keys(benchmark::State& state, Compute compute) {
  constexpr std::int64_t kTokens = 512;
  auto backend = make_backend(compute);
  const auto cache = std::move(std::get<0>(backend->make_key_cache(
      {kTokens, static_cast<int>(state.range(0)), static_cast<int>(state.range(1)), static_cast<int>(state.range(2))})));
  std::vector<float> latent = random_floats(kTokens * state.range(0), 2);
  std::vector<float> rope = random_floats(kTokens * state.range(1), 3);
  std::vector<float> index = random_floats(kTokens * state.range(2), 4);
  for (auto _ : state)
    backend->store_keys({cache.get(), view(latent, kTokens, state.range(0)), view(rope, kTokens, state.range(1)), view(index, kTokens, state.range(2)), 0});
  report(state, "G/s", static_cast<double>(kTokens * (state.range(0) + state.range(1) + state.range(2))));
}

/// Arguments: scores, k. Selection alone from scores that are there; warm: a limit is known beforehand that 5/4 k of
/// them reach.
void top_k(benchmark::State& state, bool warm) {
  const std::int64_t n = state.range(0);
  const std::int64_t k = state.range(1);
  const std::vector<float> scores = random_floats(n, 12);
  std::vector<float> sorted = scores;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  const float limit = sorted[static_cast<std::size_t>(k + k / 4)];
  const auto& cpu = kernels::cpu::best_tile_kernels();
  kernels::cpu::BestKeys best(cpu, k);
  for (auto _ : state) {
    constexpr std::int64_t kStep = 1024;
    best.start();
    if (warm) best.raise_threshold(limit);
    for (std::int64_t s = n - kStep; s >= 0; s -= kStep) {
      float* out = best.scores_room(kStep);
      best.added(cpu.keep_above(scores.data() + s, kStep, best.threshold(), static_cast<std::int32_t>(s), out,
                                best.positions_room()));
    }
    best.finish();
    benchmark::DoNotOptimize(best.position(k - 1));
  }
  state.counters["us"] =
      benchmark::Counter(1e-6, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

void add(const char* name, void (*function)(benchmark::State&, Compute),
         const std::vector<std::vector<std::int64_t>>& sizes) {
  for (const auto& [label, compute] : {std::pair{"f32", Compute::kF32}, std::pair{"bf16", Compute::kBF16}, std::pair{"int8", Compute::kInt8}})
    for (const auto& size : sizes)
      benchmark::RegisterBenchmark((std::string(name) + "/" + label).c_str(), function, compute)
          ->Args(size)
          ->ComputeStatistics("best", kBest);
}

}  // namespace

int main(int argc, char** argv) {
  add("matmul", matmul,
      {{512, 384, 384}, {512, 384, 1024}, {2048, 2048, 2048}, {64, 2048, 7168}, {1, 2048, 7168}});
  add("experts", experts, {{512, 384, 128}, {256, 1024, 512}, {1, 384, 128}});
  add("matmul_heads", matmul_heads, {{512, 8, 64, 256}, {512, 8, 256, 64}});
  add("feed_forward", feed_forward, {{512, 384, 768}, {1, 384, 768}});
  add("store_keys", store_keys, {{256, 32, 64}});
  add("scores", scores, {{4, 64, 131072}});
  add_row_operations();
  add("attention_selected", attention,
      {{8, 256, 32, 32768, 256, 64}, {8, 256, 32, 131072, 256, 64}, {16, 512, 64, 32768, 2048, 8}});
  add("attention_dense", attention,
      {{8, 256, 32, 4096, 0, 64},
       {8, 256, 32, 32768, 0, 32},
       {16, 512, 64, 8192, 0, 16},
       {8, 256, 32, 32768, 0, 1}});
  add("indexer", indexer,
      {{4, 64, 32768, 256, 128},
       {4, 64, 131072, 256, 128},
       {16, 128, 32768, 2048, 16},
       {64, 128, 32768, 2048, 16},
       {64, 128, 131072, 2048, 8},
       {4, 64, 131072, 256, 1}});
  benchmark::RegisterBenchmark("attention_expanded/bf16", expanded)
      ->Args({96, 64, 32768, 256})
      ->Args({192, 128, 32768, 128})
      ->UseManualTime()
      ->ComputeStatistics("best", kBest);
  for (const bool warm : {false, true})
    benchmark::RegisterBenchmark(warm ? "top_k/warm" : "top_k/cold", top_k, warm)
        ->Args({131072, 2048})
        ->Args({32768, 2048})
        ->Args({131072, 256})
        ->ComputeStatistics("best", kBest);
  benchmark::Initialize(&argc, argv);
  const kernels::Ceilings ceilings = kernels::measure_cpu_ceilings();
  std::printf("One core at most: f32 %.0f GFLOP/s, bf16 %.0f GFLOP/s, int8 %.0f GOPS, memory %.1f GB/s (all cores %.1f)\n",
              ceilings.f32_gflops, ceilings.bf16_gflops, ceilings.int8_gops, ceilings.memory_gb_per_s, ceilings.all_cores_memory_gb_per_s);
  std::fflush(stdout);
  benchmark::RunSpecifiedBenchmarks();
}
