#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {
namespace {

constexpr int kLanes = 4;
constexpr int kRegisters = 16;
constexpr int kGemmRows = 3;

#include "kernels/cpu/tile_kernels_body.h"

constexpr TileKernels kKernels{
    .name = "plain SSE2",
    .rows = kGemmRows,
    .native_bf16 = false,
    .gemm_f32 = gemm_f32,
    .gemm_bf16 = gemm_bf16,
    .gemm_i8 = nullptr,
    .pack_f32 = pack_f32,
    .pack_bf16 = pack_bf16,
    .silu_multiply = silu_multiply,
    .add_scaled = add_scaled,
    .add_relu = add_relu,
    .keep_above = keep_above,
    .count_from = count_from,
    .attend_f32 = attend_f32,
    .attend_bf16 = nullptr,
    .widen_bf16 = widen_bf16,
    .score_i8 = nullptr,
    .spin_f32 = spin_f32,
    .spin_bf16 = nullptr,
    .spin_i8 = nullptr,
    .read_floats = read_floats,
};

}  // namespace

const TileKernels* plain_tile_kernels() {
  return &kKernels;
}

}  // namespace kernels::cpu
