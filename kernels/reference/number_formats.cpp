#include "kernels/reference/number_formats.h"

#include <cstring>

namespace kernels {

const char* matrix_source_fault(const MatrixSource& source) {
  if (source.data == nullptr || source.n_out <= 0 || source.n_in <= 0) return "it is empty";
  switch (source.dtype) {
    case DType::kF32:
    case DType::kBF16:
    case DType::kF16:
      return nullptr;
    case DType::kF8E4M3:
      return source.block_scales == nullptr ? "its FP8 values have no block scales" : nullptr;
    case DType::kI8:
    case DType::kI32:
      break;
  }
  return "its number format is not one of f32, bf16, f16, f8e4m3";
}

void decode_row(const MatrixSource& source, std::int64_t row, float* out) {
  const std::int64_t n = source.n_in;
  const auto* bytes =
      static_cast<const std::byte*>(source.data) + row * n * static_cast<std::int64_t>(size_of(source.dtype));
  // memcpy: rows of a mapped file need not be aligned.
  const auto half_at = [bytes](std::int64_t i) {
    std::uint16_t bits;
    std::memcpy(&bits, bytes + 2 * i, 2);
    return bits;
  };
  switch (source.dtype) {
    case DType::kF32:
      std::memcpy(out, bytes, static_cast<std::size_t>(n) * 4);
      break;
    case DType::kBF16:
      for (std::int64_t i = 0; i < n; ++i) out[i] = bf16_to_float(half_at(i));
      break;
    case DType::kF16:
      for (std::int64_t i = 0; i < n; ++i) out[i] = f16_to_float(half_at(i));
      break;
    case DType::kF8E4M3: {
      const std::int64_t blocks_in = (n + kScaleBlock - 1) / kScaleBlock;
      const float* scales = source.block_scales + row / kScaleBlock * blocks_in;
      for (std::int64_t i = 0; i < n; ++i)
        out[i] = f8e4m3_to_float(static_cast<std::uint8_t>(bytes[i])) * scales[i / kScaleBlock];
      break;
    }
    case DType::kI8:
    case DType::kI32:
      break;  // refused by matrix_source_fault
  }
}

}  // namespace kernels
