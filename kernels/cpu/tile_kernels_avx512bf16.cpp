#include <immintrin.h>

#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {
namespace {

constexpr const char* kName = "AVX-512 BF16 VNNI";
constexpr int kLanes = 16;
constexpr int kRegisters = 32;
constexpr int kGemmRows = 14;

/// Products of 16-bit numbers, neighbours added.
typedef int Words __attribute__((vector_size(64), aligned(4), may_alias));
inline Words multiply_halves(Words a, Words b) {
  return reinterpret_cast<Words>(_mm512_madd_epi16(reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(b)));
}

#include "kernels/cpu/tile_kernels_body.h"

#include "kernels/cpu/tile_kernels_avx512_body.h"
#include "kernels/cpu/tile_kernels_bf16_body.h"

constexpr TileKernels with_faster_entries() {
  TileKernels kernels = kPortable;
  kernels.keep_above = keep_above_compressed;
  kernels.keep_from = keep_from_compressed;
  kernels.native_bf16 = true;
  kernels.gemm_bf16 = gemm_bf16_dot;
  kernels.gemm_i8 = gemm_i8_dot;
  kernels.attend_bf16 = attend_bf16;
  kernels.attend_eight = attend_eight;
  kernels.score_i8 = score_i8;
  kernels.spin_bf16 = spin_bf16;
  kernels.spin_i8 = spin_i8;
  return kernels;
}

constexpr TileKernels kKernels = with_faster_entries();

}  // namespace

const TileKernels* avx512bf16_tile_kernels() {
  return &kKernels;
}

}  // namespace kernels::cpu
