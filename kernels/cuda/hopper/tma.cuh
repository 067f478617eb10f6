#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/hopper/mbarrier.cuh"

/// Bulk tensor copies (TMA): boxes of a matrix in device memory arrive in shared memory in the
/// 128-byte swizzled layout that wgmma reads. Rows of a box are 128 bytes; the 16-byte piece c of row
/// r lies at piece c ^ (r % 8), so that 8 rows are read without bank conflicts. A box starts at a
/// multiple of 1024 bytes. What lies outside the matrix arrives as zeros.
namespace kernels::cuda::hopper {

/// Describes a matrix of up to 3 dimensions, innermost first. `strides_bytes[i]` is the distance
/// along dimension i + 1 (multiples of 16); the box's innermost side must be 128 bytes.
cudaError_t make_tensor_map(CUtensorMap* map, CUtensorMapDataType type, const void* data, int n_dims,
                            const std::uint64_t* sizes, const std::uint64_t* strides_bytes,
                            const std::uint32_t* box);

__device__ __forceinline__ void prefetch_tensor_map(const CUtensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

__device__ __forceinline__ void copy_box_2d(void* destination, const CUtensorMap* map, std::uint64_t* barrier,
                                            int x, int y) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];"
      ::"r"(shared_address(destination)),
      "l"(map), "r"(shared_address(barrier)), "r"(x), "r"(y)
      : "memory");
}

__device__ __forceinline__ void copy_box_3d(void* destination, const CUtensorMap* map, std::uint64_t* barrier,
                                            int x, int y, int z) {
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], "
      "[%2];" ::"r"(shared_address(destination)),
      "l"(map), "r"(shared_address(barrier)), "r"(x), "r"(y), "r"(z)
      : "memory");
}

}  // namespace kernels::cuda::hopper
