#pragma once

#include <cuda_bf16.h>

#include <cstdint>

/// Softmax over tiles of scores, held as wgmma.cuh lays them out: a thread has two rows, and the four
/// lanes of a quad share them. All in powers of two: exp(x) = exp2(x log2 e).
namespace kernels::cuda::hopper {

/// Score of a key that a row must not see. Finite, so that rows without any key make no NaN.
constexpr float kHidden = -1e30f;
/// A maximum below this says that a row has met hidden keys only (scaled ones included).
constexpr float kNothingSeen = -1e20f;

struct RowScales {
  float row[2];
};

struct RowSoftmax {
  float maximum[2] = {kHidden, kHidden};  // in units of the scores times scale_log2
  float sum[2] = {0.0f, 0.0f};            // this thread's part

  __device__ __forceinline__ static float over_quad(float value) {
    value = fmaxf(value, __shfl_xor_sync(0xFFFFFFFFu, value, 1));
    return fmaxf(value, __shfl_xor_sync(0xFFFFFFFFu, value, 2));
  }

  /// Moves on to a larger maximum; returns what everything accumulated so far has to be multiplied with.
  __device__ __forceinline__ RowScales raise(const float (&to)[2]) {
    RowScales scales;
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      const float raised = fmaxf(maximum[row], to[row]);
      scales.row[row] = exp2f(maximum[row] - raised);
      maximum[row] = raised;
      sum[row] *= scales.row[row];
    }
    return scales;
  }

  /// Replaces scores by exp2(score * scale_log2 - maximum) and adds them up.
  template <int n>
  __device__ __forceinline__ RowScales add_tile(float (&scores)[n], float scale_log2) {
    float tile_maximum[2];
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      float value = scores[2 * row];
#pragma unroll
      for (int i = 0; i < n; i += 4) {
        value = fmaxf(value, fmaxf(scores[i + 2 * row], scores[i + 2 * row + 1]));
      }
      // Hidden stays hidden whatever the scale.
      tile_maximum[row] = fmaxf(over_quad(value) * scale_log2, kHidden);
    }
    const RowScales scales = raise(tile_maximum);
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      // With no visible key so far every share is exp2(-large) = 0, not exp2(0).
      const float offset = maximum[row] < kNothingSeen ? 0.0f : maximum[row];
      float total = 0.0f;
#pragma unroll
      for (int i = 0; i < n; i += 4) {
#pragma unroll
        for (int column = 0; column < 2; ++column) {
          float& score = scores[i + 2 * row + column];
          asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(score) : "f"(fmaf(score, scale_log2, -offset)));
          total += score;
        }
      }
      sum[row] += total;
    }
    return scales;
  }

  /// One over the sum of each row, 0 for a row without any key.
  __device__ __forceinline__ RowScales inverse_sums() const {
    RowScales result;
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      float total = sum[row] + __shfl_xor_sync(0xFFFFFFFFu, sum[row], 1);
      total += __shfl_xor_sync(0xFFFFFFFFu, total, 2);
      result.row[row] = total > 0.0f ? 1.0f / total : 0.0f;
    }
    return result;
  }
};

template <int n>
__device__ __forceinline__ void scale_rows(float (&values)[n], const RowScales& scales) {
#pragma unroll
  for (int i = 0; i < n; i += 4) {
    values[i] *= scales.row[0];
    values[i + 1] *= scales.row[0];
    values[i + 2] *= scales.row[1];
    values[i + 3] *= scales.row[1];
  }
}

__device__ __forceinline__ std::uint32_t pack_pair(float first, float second) {
  std::uint32_t packed;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(second), "f"(first));
  return packed;
}

/// Accumulators of a product to operand a of the next.
template <int n>
__device__ __forceinline__ void pack_pairs(std::uint32_t (&packed)[n / 2], const float (&values)[n]) {
#pragma unroll
  for (int i = 0; i < n / 2; ++i) {
    packed[i] = pack_pair(values[2 * i], values[2 * i + 1]);
  }
}

/// Writes one of the thread's rows; `offset` is that of column 2 (lane % 4).
template <bool kF32, int n>
__device__ __forceinline__ void store_row(void* base, std::int64_t offset, const float (&values)[n], int row,
                                          float scale) {
#pragma unroll
  for (int j = 0; j < n / 4; ++j) {
    const float first = values[4 * j + 2 * row] * scale;
    const float second = values[4 * j + 2 * row + 1] * scale;
    if constexpr (kF32) {
      *reinterpret_cast<float2*>(static_cast<float*>(base) + offset + 8 * j) = make_float2(first, second);
    } else {
      *reinterpret_cast<std::uint32_t*>(static_cast<__nv_bfloat16*>(base) + offset + 8 * j) =
          pack_pair(first, second);
    }
  }
}

}  // namespace kernels::cuda::hopper
