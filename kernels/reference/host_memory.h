#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "kernels/api/backend.h"

namespace kernels {

/// Host memory, aligned to 64 bytes (one cache line, one AVX-512 register), zeroed by the system.
class HostBuffer final : public Buffer {
 public:
  /// Null when the memory is not there.
  static std::unique_ptr<HostBuffer> create(std::size_t n_bytes);
  ~HostBuffer() override;
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;

  std::byte* data() override { return data_; }
  const std::byte* data() const { return data_; }
  std::size_t size_bytes() const override { return n_bytes_; }
  template <typename T>
  T* as() {
    return reinterpret_cast<T*>(data_);
  }
  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_);
  }

 private:
  HostBuffer(std::byte* data, std::size_t n_bytes) : data_(data), n_bytes_(n_bytes) {}
  std::byte* data_;
  std::size_t n_bytes_;
};

/// Product of non-negative factors, or nothing when it does not fit.
std::optional<std::size_t> checked_product(std::int64_t a, std::int64_t b, std::int64_t c = 1);

/// "Not enough memory for WHAT: N MB are wanted and M MB are free. ..."
DeviceError out_of_memory(const std::string& what, std::size_t n_bytes);

/// Memory that can be had without swapping (MemAvailable), 0 when the system does not say.
std::size_t host_memory_free_bytes();

}  // namespace kernels
