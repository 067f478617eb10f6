/// Checks and times the Hopper kernels on one GPU, without Qt and without the program around them:
///
///   nvcc -O3 -std=c++20 -I. -gencode arch=compute_90a,code=sm_90a tests/gpu/bench_gpu.cu kernels/cuda/hopper/*.cu -o bench_gpu -ldl
///   ./bench_gpu check                    every kernel against plain versions
///   ./bench_gpu time [k1,k2,k3,k6,k7]    calibration, then the gates
///   ./bench_gpu table [lengths]          whole prompts, sparse and dense in turn
#include <cstring>

#include "tests/gpu/bench_calibration.cuh"
#include "tests/gpu/bench_checks.cuh"
#include "tests/gpu/bench_prompt.cuh"

namespace {

using namespace bench;

struct Ceilings {
  double bf16 = 0.0;
  double fp8 = 0.0;
  double copy = 0.0;
};

void print_rate(const char* what, const Time& time, double flop, double ceiling, double gate) {
  const double rate = flop / time.median_us * 1e-6;
  std::printf("%-52s %11.1f us (best %.1f)  %7.1f TFLOP/s  %5.1f %% of cuBLASLt  gate %.0f %s\n", what, time.median_us,
              time.best_us, rate, ceiling > 0.0 ? 100.0 * rate / ceiling : 0.0, gate, rate >= gate ? "met" : "MISSED");
}

void time_indexer(const Ceilings& ceilings, int n_queries, int n_keys, Inputs inputs) {
  const IndexerInputs data(n_queries, n_keys, inputs);
  DeviceArray<float> scores(static_cast<std::int64_t>(n_queries) * n_keys);
  DeviceArray<std::int32_t> indices(static_cast<std::int64_t>(n_queries) * 2048);
  // All keys are visible to all queries, as the gate counts pairs.
  const Time k1 = measure([&] { data.score(scores, 0, n_queries, n_keys, n_keys); }, 10);
  const double flop = static_cast<double>(n_queries) * n_keys * 16384.0;
  print_rate(inputs == Inputs::kRandom ? "K1 scores, random" : "K1 scores, correlated", k1, flop, ceilings.fp8, 800.0);
  const Time k2 = measure([&] { data.select(scores, indices, nullptr, n_queries, n_keys, n_keys); }, 10);
  const double bytes = 4.0 * n_queries * n_keys;
  std::printf("%-52s %11.1f us (best %.1f)  %7.2f TB/s one pass  %5.1f %% of K1  gate 20 %s\n", "K2 select 2048",
              k2.median_us, k2.best_us, bytes / k2.median_us * 1e-6, 100.0 * k2.median_us / k1.median_us,
              k2.median_us <= 0.2 * k1.median_us ? "met" : "MISSED");
}

void time_dense(const Ceilings& ceilings, int n_queries, int n_keys) {
  const DenseInputs data(n_queries, n_keys, 128);
  const std::int64_t mask_pitch = n_keys / 32;
  DeviceArray<std::uint32_t> mask(n_queries * mask_pitch);
  BENCH_CUDA(cudaMemset(mask.data(), 0x5A, static_cast<std::size_t>(mask.size()) * 4));
  const int first = n_keys - n_queries;
  const double pairs = static_cast<double>(n_queries) * first + 0.5 * n_queries * (n_queries + 1.0);
  const double flop = pairs * 81920.0;
  const Time plain = measure([&] { data.attend(n_queries, n_keys, first, nullptr, 0); }, 7, 2);
  print_rate("K7 dense 192/128, last 4096 of 128k, causal", plain, flop, ceilings.bf16, 500.0);
  const Time masked = measure([&] { data.attend(n_queries, n_keys, first, mask.data(), mask_pitch); }, 7, 2);
  print_rate("K7 with a mask", masked, flop, ceilings.bf16, 450.0);
  std::printf("K7 mask costs %.1f %% (gate 10)\n", 100.0 * (masked.median_us / plain.median_us - 1.0));
}

void time_sparse(const Ceilings& ceilings, int n_queries, int n_keys, Overlap overlap) {
  const SparseInputs data(n_queries, n_keys, 128);
  DeviceArray<std::int32_t> indices(static_cast<std::int64_t>(n_queries) * 2048);
  make_indices(indices, n_queries, n_keys, 2048, overlap);
  const Time time = measure([&] { data.attend(indices, n_queries, n_keys, 1, nullptr); }, 10);
  const double flop = static_cast<double>(n_queries) * 2048 * 278528.0;
  print_rate((std::string("K3 sparse, 2048 of 128k, ") + name_of(overlap)).c_str(), time, flop, ceilings.bf16, 500.0);
}

void time_decode(const Ceilings& ceilings, int n_keys) {
  {
    const int n_queries = 256;
    const SparseInputs data(n_queries, n_keys, 128);
    DeviceArray<std::int32_t> indices(static_cast<std::int64_t>(n_queries) * 2048);
    make_indices(indices, n_queries, n_keys, 2048, Overlap::kRandom);
    const Time time = measure([&] { data.attend(indices, n_queries, n_keys, 1, nullptr); }, 20);
    print_rate("K6 decode, 128 x 2 queries", time, n_queries * 2048 * 278528.0, ceilings.bf16, 330.0);
  }
  const SparseInputs data(1, n_keys, 128);
  DeviceArray<std::int32_t> indices(2048);
  make_indices(indices, 1, n_keys, 2048, Overlap::kRandom);
  for (const int n_splits : {4, 8, 16, 32}) {
    const Time time = measure_in_graph(
        [&](cudaStream_t stream) { data.attend(indices, 1, n_keys, n_splits, stream); }, 20, 10);
    std::printf("K6 decode, 1 query, %2d splits, in a graph %29.2f us (best %.2f)  gate 10 %s\n", n_splits,
                time.median_us, time.best_us, time.median_us <= 10.0 ? "met" : "MISSED");
  }
}

void time_kernels(const std::string& which) {
  const auto wanted = [&](const char* name) { return which.find(name) != std::string::npos; };
  const Cublas cublas;
  Ceilings ceilings;
  ceilings.bf16 = calibrate_product(cublas, 8192, false);
  ceilings.fp8 = calibrate_product(cublas, 8192, true);
  ceilings.copy = calibrate_copy();
  std::printf("calibration: bf16 8192^3 %.0f TFLOP/s, e4m3 8192^3 %.0f TFLOP/s, copy %.2f TB/s\n", ceilings.bf16,
              ceilings.fp8, ceilings.copy);
  if (wanted("k1") || wanted("k2")) {
    time_indexer(ceilings, 4096, 131072, Inputs::kRandom);
    time_indexer(ceilings, 4096, 131072, Inputs::kCorrelated);
  }
  if (wanted("k7")) {
    time_dense(ceilings, 4096, 131072);
  }
  if (wanted("k3")) {
    time_sparse(ceilings, 4096, 131072, Overlap::kNeighbours);
    time_sparse(ceilings, 4096, 131072, Overlap::kRandom);
    time_sparse(ceilings, 4096, 131072, Overlap::kRecent);
  }
  if (wanted("k6")) {
    time_decode(ceilings, 131072);
  }
}

}  // namespace

int main(int n_arguments, char** arguments) {
  cudaDeviceProp properties;
  BENCH_CUDA(cudaGetDeviceProperties(&properties, 0));
  std::printf("%s, %d processors, compute capability %d.%d\n", properties.name, properties.multiProcessorCount,
              properties.major, properties.minor);
  const std::string mode = n_arguments > 1 ? arguments[1] : "check";
  const std::string which = n_arguments > 2 ? arguments[2] : "k1,k2,k3,k6,k7";
  if (mode == "check") {
    check_everything(which);
    std::printf(n_failed == 0 ? "all checks passed\n" : "%d checks FAILED\n", n_failed);
  } else if (mode == "time") {
    time_kernels(which);
  } else if (mode == "table") {
    print_prompt_table(n_arguments > 2 ? arguments[2] : "8,32,64,128");
  }
  std::fflush(stdout);
  return n_failed == 0 ? 0 : 1;
}
