#include "engine/model/gguf_blocks.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "engine/model/checked.h"
#include "engine/model/number_formats.h"

namespace engine {
namespace {

using Block = const std::uint8_t*;

float half_at(Block block, std::size_t offset) {
  std::uint16_t bits;
  std::memcpy(&bits, block + offset, sizeof bits);
  return from_f16(bits);
}

void read_f32(Block block, float* out) { std::memcpy(out, block, sizeof *out); }

void read_f16(Block block, float* out) { *out = half_at(block, 0); }

void read_bf16(Block block, float* out) {
  std::uint16_t bits;
  std::memcpy(&bits, block, sizeof bits);
  *out = from_bf16(bits);
}

/// f16 d; 32 x int8: y = d * q.
void read_q8_0(Block block, float* out) {
  const float d = half_at(block, 0);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(static_cast<std::int8_t>(block[2 + i]));
}

/// f16 d; 16 bytes, low nibbles first: y = d * (n - 8).
void read_q4_0(Block block, float* out) {
  const float d = half_at(block, 0);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>((block[2 + i] & 15) - 8);
    out[i + 16] = d * static_cast<float>((block[2 + i] >> 4) - 8);
  }
}

/// f16 d; 32 fifth bits; 16 bytes as in Q4_0: y = d * (n - 16).
void read_q5_0(Block block, float* out) {
  const float d = half_at(block, 0);
  std::uint32_t high;
  std::memcpy(&high, block + 2, sizeof high);
  for (int i = 0; i < 16; ++i) {
    const int low_value = (block[6 + i] & 15) | static_cast<int>((high >> i) & 1u) << 4;
    const int high_value = (block[6 + i] >> 4) | static_cast<int>((high >> (i + 16)) & 1u) << 4;
    out[i] = d * static_cast<float>(low_value - 16);
    out[i + 16] = d * static_cast<float>(high_value - 16);
  }
}

struct ScaleAndMinimum {
  float scale;
  float minimum;
};

/// The 6-bit scale and minimum of sub-block j in the 12 packed bytes of Q4_K and Q5_K.
ScaleAndMinimum packed_scale(Block s, int j) {
  if (j < 4) return {static_cast<float>(s[j] & 63), static_cast<float>(s[j + 4] & 63)};
  return {static_cast<float>((s[j + 4] & 15) | (s[j - 4] >> 6) << 4), static_cast<float>((s[j + 4] >> 4) | (s[j] >> 6) << 4)};
}

/// Q4_K and Q5_K: y = d * scale * n - dmin * minimum, in 8 sub-blocks of 32. `fifth` bits: Q5_K only.
void read_k(Block block, Block fifth, Block nibbles, float* out) {
  const float d = half_at(block, 0);
  const float d_minimum = half_at(block, 2);
  for (int sub = 0; sub < 8; ++sub) {
    const auto [scale, minimum] = packed_scale(block + 4, sub);
    const Block bytes = nibbles + sub / 2 * 32;
    for (int i = 0; i < 32; ++i) {
      int n = sub % 2 == 0 ? bytes[i] & 15 : bytes[i] >> 4;
      if (fifth != nullptr) n += ((fifth[i] >> sub) & 1) << 4;
      out[sub * 32 + i] = d * scale * static_cast<float>(n) - d_minimum * minimum;
    }
  }
}

void read_q4_k(Block block, float* out) { read_k(block, nullptr, block + 16, out); }
void read_q5_k(Block block, float* out) { read_k(block, block + 16, block + 48, out); }

/// 128 low nibbles, 64 pairs of high bits, 16 int8 scales, f16 d: y = d * scale * (n - 32).
void read_q6_k(Block block, float* out) {
  const float d = half_at(block, 208);
  for (int half = 0; half < 2; ++half) {
    const Block low = block + half * 64;
    const Block high = block + 128 + half * 32;
    const Block scales = block + 192 + half * 8;
    for (int part = 0; part < 4; ++part) {
      for (int i = 0; i < 32; ++i) {
        const int byte = low[i + part % 2 * 32];
        const int nibble = part < 2 ? byte & 15 : byte >> 4;
        const int n = (nibble | ((high[i] >> (2 * part)) & 3) << 4) - 32;
        const auto scale = static_cast<std::int8_t>(scales[part * 2 + i / 16]);
        out[half * 128 + part * 32 + i] = d * static_cast<float>(scale) * static_cast<float>(n);
      }
    }
  }
}

struct TypeRow {
  GgufType type;
  std::string_view name;
  GgufBlock block;
  void (*read)(Block, float*);
};
constexpr std::array<TypeRow, 9> kTypes = {{
    {GgufType::kF32, "F32", {1, 4}, read_f32},
    {GgufType::kF16, "F16", {1, 2}, read_f16},
    {GgufType::kBF16, "BF16", {1, 2}, read_bf16},
    {GgufType::kQ8_0, "Q8_0", {32, 34}, read_q8_0},
    {GgufType::kQ4_0, "Q4_0", {32, 18}, read_q4_0},
    {GgufType::kQ5_0, "Q5_0", {32, 22}, read_q5_0},
    {GgufType::kQ4_K, "Q4_K", {256, 144}, read_q4_k},
    {GgufType::kQ5_K, "Q5_K", {256, 176}, read_q5_k},
    {GgufType::kQ6_K, "Q6_K", {256, 210}, read_q6_k},
}};

struct UnsupportedName {
  std::uint32_t number;
  std::string_view name;
};
constexpr std::array<UnsupportedName, 24> kUnsupported = {{
    {3, "Q4_1"},     {7, "Q5_1"},   {9, "Q8_1"},   {10, "Q2_K"},   {11, "Q3_K"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
    {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"}, {23, "IQ4_XS"}, {24, "I8"},      {25, "I16"},
    {26, "I32"},     {27, "I64"},   {28, "F64"},   {29, "IQ1_M"},  {34, "TQ1_0"}, {35, "TQ2_0"}, {39, "MXFP4"},   {40, "NVFP4"},
}};

const TypeRow& row_of(GgufType type) {
  return *std::find_if(kTypes.begin(), kTypes.end(), [type](const TypeRow& row) { return row.type == type; });
}

}  // namespace

Result<GgufType> gguf_type(std::uint32_t number) {
  std::string supported;
  for (const TypeRow& row : kTypes) {
    if (static_cast<std::uint32_t>(row.type) == number) return row.type;
    supported += (supported.empty() ? "" : ", ") + std::string(row.name);
  }
  const auto known = std::find_if(kUnsupported.begin(), kUnsupported.end(),
                                  [number](const UnsupportedName& row) { return row.number == number; });
  const std::string name = known == kUnsupported.end() ? "type " + std::to_string(number) : std::string(known->name);
  return Error{ErrorCode::kUnsupported, "is stored as " + name + ", which Longleaf does not read. Supported: " + supported + "."};
}

std::string name_of(GgufType type) { return std::string(row_of(type).name); }

GgufBlock block_of(GgufType type) { return row_of(type).block; }

std::optional<std::uint64_t> gguf_bytes(GgufType type, std::uint64_t n_values) {
  const GgufBlock block = block_of(type);
  if (n_values % block.n_values != 0) return std::nullopt;
  return checked_multiply(n_values / block.n_values, block.n_bytes);
}

void dequantise(GgufType type, std::span<const std::byte> data, std::span<float> values) {
  const TypeRow& row = row_of(type);
  CHECK(gguf_bytes(type, values.size()) == data.size());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(data.data());
  const std::size_t n_blocks = values.size() / row.block.n_values;
  for (std::size_t i = 0; i < n_blocks; ++i) row.read(bytes + i * row.block.n_bytes, values.data() + i * row.block.n_values);
}

}  // namespace engine
