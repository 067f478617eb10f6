#include <cstdlib>
#include <string_view>

#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {

const TileKernels& best_tile_kernels() {
  const char* wish = std::getenv("LONGLEAF_ISA");
  const std::string_view name = wish ? wish : "";
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl");
  const bool has_bf16 =
      has_avx512 && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni");
  if (name == "plain" || !has_avx2) return *plain_tile_kernels();
  if (name == "avx2" || !has_avx512) return *avx2_tile_kernels();
  if (name == "avx512" || !has_bf16) return *avx512_tile_kernels();
  return *avx512bf16_tile_kernels();
}

}  // namespace kernels::cpu
