#pragma once

/// What one core of this machine can do at most: the yardstick of benchmarks.
namespace kernels {

/// Measured on the calling thread in its own CPU time, the best of several short runs. 0: no such instructions.
struct Ceilings {
  double f32_gflops = 0;       // multiply and add count as two
  double bf16_gflops = 0;
  double int8_gops = 0;
  double memory_gb_per_s = 0;  // reading an array that fits in no cache
};

/// Takes about a second. 256 MB of memory are used meanwhile.
Ceilings measure_cpu_ceilings();

}  // namespace kernels
