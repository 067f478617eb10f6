#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "engine/base/result.h"

namespace engine {

/// Storage of a GGUF tensor; the numbers are the file format's.
enum class GgufType : std::uint32_t {
  kF32 = 0, kF16 = 1, kQ4_0 = 2, kQ5_0 = 6, kQ8_0 = 8, kQ4_K = 12, kQ5_K = 13, kQ6_K = 14, kBF16 = 30,
};

/// The supported type with this number; an error names the type, known or not, and those supported.
Result<GgufType> gguf_type(std::uint32_t number);
std::string name_of(GgufType type);

/// Values that share one block, and the bytes of a block. 1 value for plain numbers.
struct GgufBlock {
  std::uint64_t n_values = 1;
  std::uint64_t n_bytes = 0;
};
GgufBlock block_of(GgufType type);

/// The one formula for sizes: bytes of `n_values` values. Nothing when they are no whole blocks or
/// the product overflows.
std::optional<std::uint64_t> gguf_bytes(GgufType type, std::uint64_t n_values);

/// The values of whole blocks in f32: `data` holds exactly gguf_bytes(type, values.size()) bytes, any
/// alignment. Formulas: ggml-quants, as in the GGUF specification of each type.
void dequantise(GgufType type, std::span<const std::byte> data, std::span<float> values);

}  // namespace engine
