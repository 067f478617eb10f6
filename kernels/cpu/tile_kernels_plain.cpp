#include "kernels/cpu/tile_kernels.h"

namespace kernels::cpu {
namespace {

constexpr const char* kName = "plain SSE2";
constexpr int kLanes = 4;
constexpr int kRegisters = 16;
constexpr int kGemmRows = 3;

#include "kernels/cpu/tile_kernels_body.h"

}  // namespace

const TileKernels* plain_tile_kernels() {
  return &kPortable;
}

}  // namespace kernels::cpu
