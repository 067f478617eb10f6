#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {
namespace {

constexpr int kLanes = 16;
constexpr int kRegisters = 32;
constexpr int kGemmRows = 14;

#include "kernels/cpu/tile_kernels_body.h"

constexpr TileKernels kKernels{"avx512", kGemmRows, gemm_f32, silu_multiply, add_relu, attend_f32};

}  // namespace

const TileKernels* avx512_tile_kernels() {
  return &kKernels;
}

}  // namespace kernels::cpu
