#include "kernels/cuda/cuda_device.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace kernels::cuda {
namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;
constexpr std::size_t kMostWork = 512 * kMegabyte;
constexpr std::size_t kLeastWork = 64 * kMegabyte;
constexpr int kOldestArchitecture = 80;

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

DeviceResult<std::unique_ptr<Device>> Device::open(int number) {
  int n_devices = 0;
  if (const cudaError_t error = cudaGetDeviceCount(&n_devices); error != cudaSuccess) {
    cudaGetLastError();
    return DeviceError{false, no_device_message(error)};
  }
  if (number < 0 || number >= n_devices)
    return DeviceError{false, "There is no GPU number " + std::to_string(number) + "; this machine has " + std::to_string(n_devices) + "."};
  std::unique_ptr<Device> device(new Device);
  device->number_ = number;
  cudaDeviceProp properties{};
  if (const cudaError_t failed = cudaGetDeviceProperties(&properties, number); failed != cudaSuccess)
    return DeviceError{false, std::string("The GPU cannot be asked what it is: ") + cudaGetErrorString(failed) + "."};
  device->architecture_ = properties.major * 10 + properties.minor;
  const std::string architecture = "sm_" + std::to_string(device->architecture_);
  if (device->architecture_ < kOldestArchitecture)
    return DeviceError{false, std::string(properties.name) + " (" + architecture + ") is too old: the GPU must be of the Ampere generation (sm_80) or newer. Choose the CPU."};
  device->name_ = std::string(properties.name) + " (" + architecture + ")";
  device->queue_.n_processors = properties.multiProcessorCount;
  device->queue_.shared_limit = static_cast<int>(properties.sharedMemPerBlockOptin);

  cudaError_t error = cudaSetDevice(number);
  if (error == cudaSuccess) error = cudaStreamCreateWithFlags(&device->queue_.stream, cudaStreamNonBlocking);
  if (error == cudaSuccess) error = cudaStreamCreateWithFlags(&device->side_, cudaStreamNonBlocking);
  if (error == cudaSuccess) error = cudaMalloc(reinterpret_cast<void**>(&device->stop_flag_), sizeof(int));
  if (error == cudaSuccess) error = cudaMemset(device->stop_flag_, 0, sizeof(int));
  if (error == cudaSuccess) error = cudaMallocHost(reinterpret_cast<void**>(&device->one_), sizeof(int));
  if (error != cudaSuccess)
    return DeviceError{error == cudaErrorMemoryAllocation, device->name_ + " cannot be used: " + cudaGetErrorString(error) + "."};
  *device->one_ = 1;
  device->queue_.stop = device->stop_flag_;
  const std::size_t n_free = device->memory_free_bytes();
  device->work_bytes_ = std::clamp(n_free / 16 / kMegabyte * kMegabyte, kLeastWork, kMostWork);
  DeviceError why;
  device->work_ = device->take(device->work_bytes_, "the work of one step", why);
  if (device->work_ == nullptr) return why;
  return device;
}

Device::~Device() {
  if (queue_.stream != nullptr) cudaStreamSynchronize(queue_.stream);
  cudaFree(work_);
  cudaFree(stop_flag_);
  cudaFreeHost(one_);
  if (queue_.stream != nullptr) cudaStreamDestroy(queue_.stream);
  if (side_ != nullptr) cudaStreamDestroy(side_);
}

std::size_t Device::memory_free_bytes() const {
  std::size_t n_free = 0;
  std::size_t n_total = 0;
  if (cudaMemGetInfo(&n_free, &n_total) != cudaSuccess) cudaGetLastError();
  return n_free;
}

DeviceError Device::memory_error(const std::string& what, std::size_t n_bytes) const {
  return DeviceError{true, "Not enough memory on the GPU for " + what + ": " + std::to_string(n_bytes / kMegabyte + 1) +
                               " MB are wanted and " + std::to_string(memory_free_bytes() / kMegabyte) +
                               " MB are free. Close other programs that use the GPU, choose a shorter context or a smaller model, or the CPU."};
}

std::byte* Device::take(std::size_t n_bytes, const std::string& what, DeviceError& why) {
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, std::max<std::size_t>(n_bytes, 1));
  if (error != cudaSuccess) {
    cudaGetLastError();  // running out of memory leaves the device as it was
    why = error == cudaErrorMemoryAllocation
              ? memory_error(what, n_bytes)
              : DeviceError{false, name_ + " stopped working: " + cudaGetErrorString(error) + ". Start the program again, or choose the CPU."};
    return nullptr;
  }
  check(cudaMemsetAsync(memory, 0, n_bytes, queue_.stream), "clearing memory");
  return static_cast<std::byte*>(memory);
}

void Device::give(std::byte* memory) { cudaFree(memory); }

bool Device::check(cudaError_t error, const char* doing) {
  if (error == cudaSuccess) return true;
  if (error == cudaErrorMemoryAllocation) {
    fail(memory_error(doing, 0));
  } else {
    fail({false, name_ + " failed at " + doing + ": " + cudaGetErrorString(error) + ". Start the program again, or choose the CPU."});
  }
  cudaGetLastError();
  return false;
}

void Device::fail(DeviceError error) {
  if (!error_) error_ = std::move(error);
}

std::optional<DeviceError> Device::take_error() { return std::exchange(error_, std::nullopt); }

void Device::wait() {
  using Clock = std::chrono::steady_clock;
  constexpr auto kPoll = std::chrono::milliseconds(5);
  bool raised = false;
  auto next_poll = Clock::now() + kPoll;
  cudaError_t error = cudaStreamQuery(queue_.stream);
  while (error == cudaErrorNotReady) {
    if (const auto now = Clock::now(); now >= next_poll) {
      next_poll = now + kPoll;
      if (!raised && stopped()) {
        raised = true;
        check(cudaMemcpyAsync(stop_flag_, one_, sizeof(int), cudaMemcpyHostToDevice, side_), "stopping");
      }
      std::this_thread::sleep_for(std::chrono::microseconds(50));  // a long wait: leave the core to others
    }
    error = cudaStreamQuery(queue_.stream);
  }
  check(error, "computing");
  if (raised) {
    check(cudaStreamSynchronize(side_), "stopping");
    check(cudaMemsetAsync(stop_flag_, 0, sizeof(int), queue_.stream), "stopping");
  }
}

std::int64_t rows_that_fit(std::size_t n_bytes, std::size_t row_bytes, std::int64_t wanted) {
  constexpr std::size_t kRounding = 16 * 256;
  if (n_bytes <= kRounding || row_bytes == 0) return 0;
  return std::min<std::int64_t>(wanted, static_cast<std::int64_t>((n_bytes - kRounding) / row_bytes));
}

}  // namespace kernels::cuda
