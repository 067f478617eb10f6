#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "engine/model/checkpoint.h"
#include "engine/model/number_formats.h"

namespace engine {
namespace {

using kernels::DType;

HostMatrix make_owned(DType dtype, std::int64_t n_out, std::int64_t n_in, std::vector<std::byte> bytes) {
  HostMatrix matrix;
  matrix.dtype = dtype;
  matrix.n_out = n_out;
  matrix.n_in = n_in;
  matrix.owned = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  matrix.data = matrix.owned->data();
  return matrix;
}

std::vector<std::byte> room_for(std::int64_t n_out, std::int64_t n_in, DType dtype) {
  return std::vector<std::byte>(static_cast<std::size_t>(n_out * n_in) * kernels::size_of(dtype));
}

bool is_power_of_two(float scale) {
  int exponent = 0;
  return std::frexp(scale, &exponent) == 0.5f && exponent > -100 && exponent < 100;
}

template <typename Word>
Word word_at(const std::byte* data, std::int64_t i) {
  Word word;
  std::memcpy(&word, data + i * static_cast<std::int64_t>(sizeof(Word)), sizeof(Word));
  return word;
}

/// One row in f32, block scales multiplied.
void decode_row(const HostMatrix& matrix, std::int64_t row, float* out) {
  const std::int64_t first = row * matrix.n_in;
  const std::int64_t scales_per_row = (matrix.n_in + kScaleBlock - 1) / kScaleBlock;
  for (std::int64_t i = 0; i < matrix.n_in; ++i) {
    switch (matrix.dtype) {
      case DType::kBF16:
        out[i] = from_bf16(word_at<std::uint16_t>(matrix.data, first + i));
        break;
      case DType::kF16:
        out[i] = from_f16(word_at<std::uint16_t>(matrix.data, first + i));
        break;
      case DType::kF8E4M3: {
        const std::int64_t block = row / kScaleBlock * scales_per_row + i / kScaleBlock;
        out[i] = from_f8e4m3(word_at<std::uint8_t>(matrix.data, first + i)) * matrix.block_scales[static_cast<std::size_t>(block)];
        break;
      }
      default:
        out[i] = word_at<float>(matrix.data, first + i);
    }
  }
}

template <typename Word>
void transpose_head(const std::byte* in, std::byte* out, std::int64_t rows, std::int64_t columns) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      std::memcpy(out + (c * rows + r) * static_cast<std::int64_t>(sizeof(Word)),
                  in + (r * columns + c) * static_cast<std::int64_t>(sizeof(Word)), sizeof(Word));
    }
  }
}

/// Whether any value's exponent bits are all ones.
template <typename Word>
bool has_special(const std::byte* data, std::size_t n, Word exponent_mask) {
  bool found = false;
  for (std::size_t i = 0; i < n; ++i) {
    Word word;
    std::memcpy(&word, data + i * sizeof(Word), sizeof(Word));
    found |= (word & exponent_mask) == exponent_mask;
  }
  return found;
}

}  // namespace

kernels::MatrixSource HostMatrix::source() const {
  kernels::MatrixSource source;
  source.data = data;
  source.dtype = dtype;
  source.n_out = n_out;
  source.n_in = n_in;
  source.block_scales = block_scales.empty() ? nullptr : block_scales.data();
  return source;
}

HostMatrix without_block_scales(const HostMatrix& matrix) {
  if (matrix.dtype != DType::kF8E4M3) return matrix;
  const bool exact = std::all_of(matrix.block_scales.begin(), matrix.block_scales.end(), is_power_of_two);
  if (!exact) return widened(matrix);
  std::vector<std::byte> bytes = room_for(matrix.n_out, matrix.n_in, DType::kBF16);
  std::vector<float> row(static_cast<std::size_t>(matrix.n_in));
  std::byte* out = bytes.data();
  for (std::int64_t r = 0; r < matrix.n_out; ++r) {
    decode_row(matrix, r, row.data());
    for (const float value : row) {
      const std::uint16_t bits = to_bf16(value);
      std::memcpy(out, &bits, sizeof bits);
      out += sizeof bits;
    }
  }
  return make_owned(DType::kBF16, matrix.n_out, matrix.n_in, std::move(bytes));
}

HostMatrix widened(const HostMatrix& matrix) {
  if (matrix.dtype == DType::kF32) return matrix;
  std::vector<std::byte> bytes = room_for(matrix.n_out, matrix.n_in, DType::kF32);
  auto* out = reinterpret_cast<float*>(bytes.data());
  for (std::int64_t r = 0; r < matrix.n_out; ++r) {
    decode_row(matrix, r, out + r * matrix.n_in);
  }
  return make_owned(DType::kF32, matrix.n_out, matrix.n_in, std::move(bytes));
}

HostMatrix scaled(const HostMatrix& matrix, float factor) {
  std::vector<std::byte> bytes = room_for(matrix.n_out, matrix.n_in, DType::kF32);
  auto* out = reinterpret_cast<float*>(bytes.data());
  for (std::int64_t r = 0; r < matrix.n_out; ++r) decode_row(matrix, r, out + r * matrix.n_in);
  std::for_each(out, out + matrix.n_out * matrix.n_in, [factor](float& value) { value *= factor; });
  return make_owned(DType::kF32, matrix.n_out, matrix.n_in, std::move(bytes));
}

HostMatrix head_rows(const HostMatrix& matrix, int n_heads, std::int64_t first, std::int64_t n) {
  const HostMatrix plain = without_block_scales(matrix);  // block scales do not follow heads
  const std::int64_t rows = plain.n_out / n_heads;
  const auto row_bytes = static_cast<std::size_t>(plain.n_in) * kernels::size_of(plain.dtype);
  std::vector<std::byte> bytes = room_for(n_heads * n, plain.n_in, plain.dtype);
  const std::size_t head_bytes = static_cast<std::size_t>(n) * row_bytes;
  for (int h = 0; h < n_heads; ++h) {
    std::memcpy(bytes.data() + static_cast<std::size_t>(h) * head_bytes,
                plain.data + static_cast<std::size_t>(h * rows + first) * row_bytes, head_bytes);
  }
  return make_owned(plain.dtype, n_heads * n, plain.n_in, std::move(bytes));
}

HostMatrix transposed_heads(const HostMatrix& matrix, int n_heads) {
  const HostMatrix plain = without_block_scales(matrix);
  const std::int64_t rows = plain.n_out / n_heads;
  std::vector<std::byte> bytes = room_for(plain.n_out, plain.n_in, plain.dtype);
  const std::size_t head_bytes = bytes.size() / static_cast<std::size_t>(n_heads);
  for (std::size_t h = 0; h < static_cast<std::size_t>(n_heads); ++h) {
    const std::byte* in = plain.data + h * head_bytes;
    std::byte* out = bytes.data() + h * head_bytes;
    if (kernels::size_of(plain.dtype) == 4) {
      transpose_head<std::uint32_t>(in, out, rows, plain.n_in);
    } else {
      transpose_head<std::uint16_t>(in, out, rows, plain.n_in);
    }
  }
  return make_owned(plain.dtype, n_heads * plain.n_in, rows, std::move(bytes));
}

Result<void> check_finite(const HostMatrix& matrix, const std::string& where) {
  const auto n = static_cast<std::size_t>(matrix.n_out * matrix.n_in);
  bool special = false;
  if (matrix.dtype == DType::kF32) special = has_special<std::uint32_t>(matrix.data, n, 0x7f800000u);
  if (matrix.dtype == DType::kBF16) special = has_special<std::uint16_t>(matrix.data, n, 0x7f80u);
  if (matrix.dtype == DType::kF16) special = has_special<std::uint16_t>(matrix.data, n, 0x7c00u);
  if (matrix.dtype == DType::kF8E4M3) special = has_special<std::uint8_t>(matrix.data, n, 0x7fu);
  special |= !std::all_of(matrix.block_scales.begin(), matrix.block_scales.end(), [](float s) { return std::isfinite(s); });
  if (!special) return {};
  return Error{ErrorCode::kCorrupt, where + " holds values that are no numbers (inf or NaN). Download the file again."};
}

}  // namespace engine
