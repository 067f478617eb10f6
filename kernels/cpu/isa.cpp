#include <cstdlib>
#include <string_view>

#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {

const TileKernels& best_tile_kernels() {
  const char* wish = std::getenv("LONGLEAF_ISA");
  const std::string_view name = wish ? wish : "";
  if (name == "plain") return *plain_tile_kernels();
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl");
  if (has_avx512 && name != "avx2") return *avx512_tile_kernels();
  if (has_avx2) return *avx2_tile_kernels();
  return *plain_tile_kernels();
}

}  // namespace kernels::cpu
