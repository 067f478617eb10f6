#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {
namespace {

constexpr int kLanes = 8;
constexpr int kRegisters = 16;
constexpr int kGemmRows = 6;

#include "kernels/cpu/tile_kernels_body.h"

constexpr TileKernels kKernels{"avx2", kGemmRows, gemm_f32, silu_multiply, add_relu, attend_f32};

}  // namespace

const TileKernels* avx2_tile_kernels() {
  return &kKernels;
}

}  // namespace kernels::cpu
