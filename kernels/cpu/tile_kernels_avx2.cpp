#include <immintrin.h>

#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {
namespace {

constexpr const char* kName = "AVX2";
constexpr int kLanes = 8;
constexpr int kRegisters = 16;
constexpr int kGemmRows = 6;

/// Products of 16-bit numbers, neighbours added.
typedef int Words __attribute__((vector_size(32), aligned(4), may_alias));
inline Words multiply_halves(Words a, Words b) {
  return reinterpret_cast<Words>(_mm256_madd_epi16(reinterpret_cast<__m256i>(a), reinterpret_cast<__m256i>(b)));
}

#include "kernels/cpu/tile_kernels_body.h"

}  // namespace

const TileKernels* avx2_tile_kernels() {
  return &kPortable;
}

}  // namespace kernels::cpu
