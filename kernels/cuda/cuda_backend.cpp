#include <cuda_runtime_api.h>

#include <string>

#include "kernels/api/backend.h"

namespace kernels {
namespace {

/// "13.0" from the runtime's 13000.
std::string version_text(int version) { return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10); }

std::string no_device_message(cudaError_t error) {
  int driver = 0;
  int runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  if (driver == 0) return "No NVIDIA driver is installed, so there is no GPU to compute on.";
  if (error == cudaErrorInsufficientDriver) {
    return "The NVIDIA driver knows CUDA up to " + version_text(driver) + ", this program needs " + version_text(runtime) +
           ": install a newer driver.";
  }
  return std::string("No NVIDIA GPU can be used: ") + cudaGetErrorString(error) + ".";
}

}  // namespace

// Looks for the GPU and says what stands in the way. There are no GPU kernels in this version, so a
// GPU that is found is named and the caller computes on the CPU.
DeviceResult<std::unique_ptr<Backend>> make_cuda_backend(int device) {
  int n_devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&n_devices);
  if (error != cudaSuccess) return DeviceError{false, no_device_message(error)};
  if (device < 0 || device >= n_devices) {
    return DeviceError{false, "There is no GPU number " + std::to_string(device) + "; this machine has " + std::to_string(n_devices) + "."};
  }
  cudaDeviceProp properties{};
  if (const cudaError_t failed = cudaGetDeviceProperties(&properties, device); failed != cudaSuccess) {
    return DeviceError{false, std::string("The GPU cannot be asked what it is: ") + cudaGetErrorString(failed) + "."};
  }
  return DeviceError{false, std::string(properties.name) + " (compute capability " + std::to_string(properties.major) + "." +
                                std::to_string(properties.minor) + ") was found, but this version has no GPU kernels; choose the CPU."};
}

}  // namespace kernels
