#include "kernels/api/ceilings.h"

#include <ctime>

#include <algorithm>
#include <chrono>
#include <vector>

#include "kernels/cpu/expanded_head.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/cpu/tile_kernels.h"
#include "kernels/reference/host_memory.h"

namespace kernels {
namespace {

double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Best of several runs of `work`, which returns how many operations it did, in 1e9 per second of `clock`.
template <typename Work>
double best_rate(const Work& work, double (*clock)() = cpu_seconds) {
  double best = 0;
  for (int run = 0; run < 12; ++run) {
    const double start = clock();
    const double n = work();
    best = std::max(best, n / std::max(1e-9, clock() - start) * 1e-9);
  }
  return best;
}

void measure_memory(const cpu::TileKernels& cpu, Ceilings& ceilings) {
  constexpr std::int64_t kFloats = std::int64_t{64} << 20;
  constexpr std::int64_t kParts = 256;
  const auto memory = HostBuffer::create(kFloats * sizeof(float));
  if (memory == nullptr) return;
  const auto* floats = memory->as<float>();
  std::fill_n(memory->as<float>(), kFloats, 1.0f);
  ceilings.memory_gb_per_s = best_rate([&] { return cpu.read_floats(floats, kFloats) * sizeof(float); });
  cpu::ThreadPool pool(cpu::physical_cores());
  ceilings.all_cores_memory_gb_per_s = best_rate(
      [&] {
        pool.run(kParts, [&](std::int64_t i, int) { cpu.read_floats(floats + i * (kFloats / kParts), kFloats / kParts); });
        return static_cast<double>(kFloats) * sizeof(float);
      },
      wall_seconds);
}

}  // namespace

Ceilings measure_cpu_ceilings() {
  constexpr std::int64_t kLoops = 200'000;
  const cpu::TileKernels& cpu = cpu::best_tile_kernels();
  Ceilings ceilings;
  ceilings.f32_gflops = best_rate([&] { return cpu.spin_f32(kLoops); });
  if (cpu.spin_bf16 != nullptr) ceilings.bf16_gflops = best_rate([&] { return cpu.spin_bf16(kLoops); });
  if (cpu.spin_i8 != nullptr) ceilings.int8_gops = best_rate([&] { return cpu.spin_i8(kLoops); });
  measure_memory(cpu, ceilings);
  return ceilings;
}

double expanded_attention_seconds(int key_dim, int value_dim, std::int64_t n_keys, std::int64_t n_queries, bool exact) {
  cpu::ExpandedHead head(cpu::best_tile_kernels(), key_dim, value_dim, n_keys, exact);
  const auto pattern = [](std::int64_t n) {
    std::vector<float> values(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>((i * 7919 + i / 13) % 257) / 128.0f - 1.0f;
    return values;
  };
  constexpr std::int64_t kShift = 251;  // neighbouring keys differ
  const std::vector<float> keys = pattern(key_dim + kShift);
  const std::vector<float> values = pattern(value_dim + kShift);
  const std::vector<float> queries = pattern(n_queries * key_dim);
  for (std::int64_t s = 0; s < n_keys; ++s) head.set(s, keys.data() + s % kShift, values.data() + s % kShift);
  std::vector<float> out(static_cast<std::size_t>(n_queries * value_dim));
  const double start = cpu_seconds();
  head.attend(queries.data(), n_queries, n_keys - n_queries, 0.1f, out.data());
  return cpu_seconds() - start;
}

}  // namespace kernels
