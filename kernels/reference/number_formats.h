#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/api/operations.h"

/// The number formats of weight files, one value at a time.
namespace kernels {

inline float bf16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Rounds to nearest, ties to even; NaN stays NaN.
inline std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

/// IEEE half: 5 exponent bits (bias 15), 10 mantissa bits.
inline float f16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
  return sign ? -magnitude : magnitude;
}

/// e4m3 (FN): bias 7, largest 448, no infinity, NaN = 0x7f and 0xff.
inline float f8e4m3_to_float(std::uint8_t bits) {
  const std::uint32_t exponent = (bits >> 3) & 0xfu;
  const std::uint32_t mantissa = bits & 0x7u;
  if ((bits & 0x7fu) == 0x7fu) return std::bit_cast<float>(0x7fc00000u);
  const float magnitude = exponent == 0 ? static_cast<float>(mantissa) * 0x1p-9f
                                        : std::bit_cast<float>(((exponent + 120) << 23) | (mantissa << 20));
  return (bits & 0x80u) ? -magnitude : magnitude;
}

constexpr std::int64_t kScaleBlock = 128;  // rows and columns of one block scale of kF8E4M3

/// Why `source` cannot be read, or nothing.
const char* matrix_source_fault(const MatrixSource& source);

/// One row of a source as f32 [n_in], block scales multiplied.
void decode_row(const MatrixSource& source, std::int64_t row, float* out);

}  // namespace kernels
