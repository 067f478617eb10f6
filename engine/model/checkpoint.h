#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "kernels/api/operations.h"

namespace engine {

/// A weight matrix in host memory, row-major [n_out, n_in], still in the number format of its file.
struct HostMatrix {
  const std::byte* data = nullptr;  // in `owned`, or where the maker keeps it
  kernels::DType dtype = kernels::DType::kF32;  // kF32, kBF16, kF16 or kF8E4M3
  std::int64_t n_out = 0;
  std::int64_t n_in = 0;
  std::vector<float> block_scales;  // kF8E4M3 only: [ceil(n_out/128), ceil(n_in/128)], multiplied
  std::shared_ptr<const std::vector<std::byte>> owned;

  kernels::MatrixSource source() const;
};

/// The same values without block scales: in bf16 where that is exact (all scales are powers of two),
/// else in f32. Other formats come back as they are.
HostMatrix without_block_scales(const HostMatrix& matrix);

/// The same values in f32.
HostMatrix widened(const HostMatrix& matrix);

/// The values times `factor`, in f32.
HostMatrix scaled(const HostMatrix& matrix, float factor);

/// Rows of each head: `matrix` is [n_heads * head_rows, n_in]; takes `n` rows from `first` of every head.
HostMatrix head_rows(const HostMatrix& matrix, int n_heads, std::int64_t first, std::int64_t n);

/// Transposes each head: [n_heads * rows, n_in] -> [n_heads * n_in, rows].
HostMatrix transposed_heads(const HostMatrix& matrix, int n_heads);

/// The weights of one model under the names that Hugging Face checkpoints give them
/// ("model.layers.0.self_attn.q_a_proj.weight"), whatever the file calls them.
///
/// A tensor's shape is held against the one asked for before anything is allocated; values that are
/// not finite are refused by name. Thread safe.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;
  virtual bool has(std::string_view name) const = 0;
  virtual Result<HostMatrix> matrix(std::string_view name, std::int64_t n_out, std::int64_t n_in) const = 0;
  virtual Result<std::vector<float>> vector(std::string_view name, std::int64_t n) const = 0;
  /// Bytes of all tensors in the files.
  virtual std::int64_t n_bytes() const = 0;
  /// Identifies the weights: of names, shapes, formats and a sample of every tensor's bytes.
  virtual std::string fingerprint() const = 0;
};

/// A model folder with safetensors: F32, F16, BF16 and F8_E4M3 with 128x128 block scales
/// (weight_scale_inv, as numbers or as e8m0 exponents).
Result<std::unique_ptr<Checkpoint>> open_safetensors(const std::filesystem::path& folder);

/// 128 bits of `text` as 32 hexadecimal digits: tells files apart, is no protection against forgery.
std::string hash_of(std::string_view text);

/// "Tensor model.norm.weight (shard.safetensors) is not finite ..." when a value is inf or NaN.
Result<void> check_finite(const HostMatrix& matrix, const std::string& where);

}  // namespace engine
