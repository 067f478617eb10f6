#include "kernels/api/backend.h"

namespace kernels {

DeviceResult<std::unique_ptr<Backend>> make_cuda_backend(const CudaOptions&) {
  return DeviceError{false, "This build has no CUDA: it was compiled without nvcc."};
}

}  // namespace kernels
