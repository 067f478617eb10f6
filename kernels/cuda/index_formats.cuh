#pragma once

#include <cuda_fp8.h>

#include "kernels/cuda/device_math.cuh"

/// The indexer's small numbers. int8: the same integers and scales as on the CPU, so that both select the same keys.
/// e4m3: the scale rule of the model family's own implementation, powers of two.
namespace kernels::cuda {

/// The scale with which `n` values become integers in [-127, 127], for the whole block: 16 significant bits, rounded
/// up, so that integer * scale is exact in f32. NaN when a value is not finite, 0 when all are zero.
__device__ inline float int8_scale(const float* values, int n, float* shared) {
  float largest = 0;
  float bad = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    largest = fmaxf(largest, fabsf(values[i]));
    if (!isfinite(values[i])) bad = 1;
  }
  largest = block_max(largest, shared);
  bad = block_max(bad, shared);
  if (bad > 0) return __int_as_float(0x7fc00000);
  const unsigned bits = __float_as_uint(__fdiv_rn(largest, 127.0f));
  return __uint_as_float((bits + 0xffu) & ~0xffu);
}

__device__ inline std::int8_t to_int8(float value, float scale) {
  if (!(scale > 0)) return 0;
  const int rounded = __float2int_rn(__fdiv_rn(value, scale));
  return static_cast<std::int8_t>(rounded < -127 ? -127 : rounded > 127 ? 127 : rounded);
}

/// The power of two that brings `n` values within e4m3's 448; NaN when a value is not finite.
__device__ inline float f8_scale(const float* values, int n, float* shared) {
  float largest = 1e-4f;
  float bad = 0;
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    largest = fmaxf(largest, fabsf(values[i]));
    if (!isfinite(values[i])) bad = 1;
  }
  largest = block_max(largest, shared);
  bad = block_max(bad, shared);
  if (bad > 0) return __int_as_float(0x7fc00000);
  const unsigned bits = __float_as_uint(__fdiv_rn(largest, 448.0f));
  return __uint_as_float((bits + 0x7fffffu) & 0x7f800000u);  // rounded up to a power of two
}

__device__ inline std::uint8_t to_f8(float value, float scale) {
  if (!(scale > 0)) return 0;
  return __nv_fp8_e4m3(__fdiv_rn(value, scale)).__x;
}

__device__ inline float from_f8(std::uint8_t bits) {
  __nv_fp8_e4m3 value;
  value.__x = bits;
  return static_cast<float>(value);
}

}  // namespace kernels::cuda
