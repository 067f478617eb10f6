#include <immintrin.h>

#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {
namespace {

constexpr const char* kName = "AVX-512";
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

constexpr TileKernels with_faster_entries() {
  TileKernels kernels = kPortable;
  kernels.keep_above = keep_above_compressed;
  kernels.keep_from = keep_from_compressed;
  return kernels;
}

constexpr TileKernels kKernels = with_faster_entries();

}  // namespace

const TileKernels* avx512_tile_kernels() {
  return &kKernels;
}

}  // namespace kernels::cpu
