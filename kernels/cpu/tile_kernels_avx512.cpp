#include <immintrin.h>

#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {
namespace {

constexpr const char* kName = "AVX-512";
constexpr int kLanes = 16;
constexpr int kRegisters = 32;
constexpr int kGemmRows = 14;

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
