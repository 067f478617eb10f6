#pragma once

#include "kernels/cuda/cuda_device.h"

/// What every matrix product needs: activations in the format of the weights.
namespace kernels::cuda {

inline constexpr const char* kNoWork = "the work of one token";

inline std::int64_t packed_pitch(std::int64_t n) { return (n + 7) / 8 * 8; }
inline std::size_t element_bytes(Format format) { return format == Format::kF32 ? 4 : format == Format::kBF16 ? 2 : 1; }

inline bool multiply(Device& device, Format format, const Product& product) {
  return device.check(format == Format::kBF16 ? multiply_bf16(device.queue(), product) : multiply_f32(device.queue(), product),
                      "a matrix product");
}

/// bf16 activations are rounded into work memory, f32 ones are read where they are. Data null: an error was noted.
struct Packed {
  const void* data = nullptr;
  std::int64_t pitch = 0;
};
Packed pack(Device& device, Work& work, Format format, const float* in, std::int64_t n_rows, std::int64_t n);

}  // namespace kernels::cuda
