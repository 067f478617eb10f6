#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {
namespace {

constexpr const char* kName = "AVX2";
constexpr int kLanes = 8;
constexpr int kRegisters = 16;
constexpr int kGemmRows = 6;

#include "kernels/cpu/tile_kernels_body.h"

}  // namespace

const TileKernels* avx2_tile_kernels() {
  return &kPortable;
}

}  // namespace kernels::cpu
