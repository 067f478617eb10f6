#pragma once

#include <cstdint>

/// What this machine can do at most: the yardstick of benchmarks.
namespace kernels {

/// Of one core, measured on the calling thread in its own CPU time, unless a line says otherwise; the best of several
/// short runs. 0: no such instructions.
struct Ceilings {
  double f32_gflops = 0;       // multiply and add count as two
  double bf16_gflops = 0;
  double int8_gops = 0;
  double memory_gb_per_s = 0;  // reading an array that fits in no cache
  double all_cores_memory_gb_per_s = 0;  // the same by all physical cores together, in wall time
};

/// Takes about a second. 256 MB of memory are used meanwhile.
Ceilings measure_cpu_ceilings();

/// CPU seconds that one thread needs for dense attention of one head over `n_keys` keys, for the `n_queries` newest
/// queries, with keys and values written out per head: what dense attention costs where it is done as fast as this
/// program can. Numbers without meaning; bf16 where the processor has it, unless `exact`.
double expanded_attention_seconds(int key_dim, int value_dim, std::int64_t n_keys, std::int64_t n_queries, bool exact);

}  // namespace kernels
