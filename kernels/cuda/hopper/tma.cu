#include "kernels/cuda/hopper/tma.cuh"

namespace kernels::cuda::hopper {
namespace {

using EncodeTiled = CUresult (*)(CUtensorMap*, CUtensorMapDataType, cuuint32_t, void*, const cuuint64_t*,
                                 const cuuint64_t*, const cuuint32_t*, const cuuint32_t*, CUtensorMapInterleave,
                                 CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill);

// Asked of the runtime, because linking libcuda would keep the program from starting without a driver.
EncodeTiled find_encode_tiled() {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult result = cudaDriverEntryPointSymbolNotFound;
  if (cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault, &result) !=
          cudaSuccess ||
      result != cudaDriverEntryPointSuccess) {
    return nullptr;
  }
  return reinterpret_cast<EncodeTiled>(function);
}

}  // namespace

cudaError_t make_tensor_map(CUtensorMap* map, CUtensorMapDataType type, const void* data, int n_dims,
                            const std::uint64_t* sizes, const std::uint64_t* strides_bytes,
                            const std::uint32_t* box) {
  static const EncodeTiled encode = find_encode_tiled();
  if (encode == nullptr) {
    return cudaErrorNotSupported;
  }
  const cuuint32_t element_steps[3] = {1, 1, 1};
  const CUresult result =
      encode(map, type, static_cast<cuuint32_t>(n_dims), const_cast<void*>(data), sizes, strides_bytes, box,
             element_steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace kernels::cuda::hopper
