#include <immintrin.h>

#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {
namespace {

constexpr const char* kName = "plain SSE2";
constexpr int kLanes = 4;
constexpr int kRegisters = 16;
constexpr int kGemmRows = 3;

/// Products of 16-bit numbers, neighbours added.
typedef int Words __attribute__((vector_size(16), aligned(4), may_alias));
inline Words multiply_halves(Words a, Words b) {
  return reinterpret_cast<Words>(_mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
}

#include "kernels/cpu/tile_kernels_body.h"

}  // namespace

const TileKernels* plain_tile_kernels() {
  return &kPortable;
}

}  // namespace kernels::cpu
