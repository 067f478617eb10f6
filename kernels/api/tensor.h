#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

/// Tensors as the kernels see them: dense, row-major, no strides.
namespace kernels {

enum class DType : std::uint8_t { kF32, kBF16, kF16, kF8E4M3, kI8, kI32 };

constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kBF16:
    case DType::kF16:
      return 2;
    case DType::kF8E4M3:
    case DType::kI8:
      return 1;
  }
  return 0;
}

/// Memory of one backend (host memory for the CPU, device memory for CUDA). Freed when it goes.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual std::byte* data() = 0;
  virtual std::size_t size_bytes() const = 0;
};

/// Borrows memory of the backend that will read it; never stored beyond the call it is passed to.
struct TensorView {
  void* data = nullptr;
  DType dtype = DType::kF32;
  std::array<std::int64_t, 3> shape{0, 1, 1};  // unused trailing dimensions are 1

  std::int64_t n_elements() const { return shape[0] * shape[1] * shape[2]; }
  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

}  // namespace kernels
