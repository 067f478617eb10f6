#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "kernels/api/backend.h"
#include "kernels/cuda/launch.h"

namespace kernels::cuda {

/// One GPU as this program uses it: one queue, one block of work memory that is taken at the start and never grows,
/// the first error since it was asked for, and the flag that stops long kernels.
class Device {
 public:
  static DeviceResult<std::unique_ptr<Device>> open(int number);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const Queue& queue() const { return queue_; }
  cudaStream_t stream() const { return queue_.stream; }
  const std::string& name() const { return name_; }  // "NVIDIA H200 (sm_90)"
  int architecture() const { return architecture_; } // 90 for compute capability 9.0
  std::size_t memory_free_bytes() const;

  std::byte* work() const { return work_; }
  std::size_t work_bytes() const { return work_bytes_; }

  /// Null, with the error noted in `why`, when the memory is not there. Zeroed.
  std::byte* take(std::size_t n_bytes, const std::string& what, DeviceError& why);
  void give(std::byte* memory);

  /// Notes the first error; returns whether there was none.
  bool check(cudaError_t error, const char* doing);
  void fail(DeviceError error);
  std::optional<DeviceError> take_error();

  void set_stop(std::function<bool()> stop) { stop_ = std::move(stop); }
  /// Asked between launches of a long operation.
  bool stopped() const { return stop_ && stop_(); }
  /// Until everything that is queued has run; raises the stop flag of the kernels when asked to stop meanwhile.
  void wait();

 private:
  Device() = default;
  DeviceError memory_error(const std::string& what, std::size_t n_bytes) const;

  int number_ = 0;
  Queue queue_;
  cudaStream_t side_ = nullptr;  // carries the stop flag past the queue
  int* stop_flag_ = nullptr;
  int* one_ = nullptr;           // pinned
  std::byte* work_ = nullptr;
  std::size_t work_bytes_ = 0;
  std::string name_;
  int architecture_ = 0;
  std::function<bool()> stop_;
  std::optional<DeviceError> error_;
};

/// Hands out the work memory of one operation. What was handed out is valid until the next operation is queued.
class Work {
 public:
  explicit Work(const Device& device) : next_(device.work()), left_(device.work_bytes()) {}
  /// Aligned to 256 bytes. The caller has planned its sizes to fit; null when they do not.
  template <typename T>
  T* take(std::int64_t n) {
    const std::size_t n_bytes = (static_cast<std::size_t>(n) * sizeof(T) + 255) / 256 * 256;
    if (n_bytes > left_) return nullptr;
    std::byte* at = next_;
    next_ += n_bytes;
    left_ -= n_bytes;
    return reinterpret_cast<T*>(at);
  }
  std::size_t left() const { return left_; }

 private:
  std::byte* next_;
  std::size_t left_;
};

/// How many rows of `row_bytes` fit in `n_bytes` with room for rounding, at most `wanted`; 0 when not one does.
std::int64_t rows_that_fit(std::size_t n_bytes, std::size_t row_bytes, std::int64_t wanted);

}  // namespace kernels::cuda
