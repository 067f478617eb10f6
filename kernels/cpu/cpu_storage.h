#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/api/backend.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/cpu/tile_kernels.h"
#include "kernels/reference/host_memory.h"

namespace kernels::cpu {

/// Weights in panels of kPanel outputs, in the order in which the inner loops read them; missing outputs are
/// zero rows. f32: [n_panels][n_in][kPanel]; bf16: [n_panels][ceil(n_in/2)][kPanel][2]; i8: blocks of kByteBlock
/// inputs with a scale per output, see kByteBlockBytes.
class PackedMatrix final : public Matrix {
 public:
  /// Null when the memory is not there.
  static std::unique_ptr<PackedMatrix> pack(const MatrixSource& source, Format format, ThreadPool& pool);

  std::int64_t n_out() const override { return n_out_; }
  std::int64_t n_in() const override { return n_in_; }
  std::size_t size_bytes() const override { return values_->size_bytes(); }

  Format format() const { return format_; }
  std::int64_t panel_bytes() const { return panel_bytes_; }
  const std::byte* panel(std::int64_t i) const { return values_->data() + i * panel_bytes_; }
  /// Row `i` as it is computed with, [n_in].
  void row(std::int64_t i, float* out) const;

 private:
  PackedMatrix(const MatrixSource& source, Format format, std::unique_ptr<HostBuffer> values)
      : n_out_(source.n_out),
        n_in_(source.n_in),
        format_(format),
        panel_bytes_(bytes_of_panel(source.n_in, format)),
        values_(std::move(values)) {}
  static std::int64_t bytes_of_panel(std::int64_t n_in, Format format);
  void pack_panel(const MatrixSource& source, std::int64_t panel, float* row);
  void pack_bytes(const float* row, std::int64_t column, std::byte* panel) const;

  std::int64_t n_out_;
  std::int64_t n_in_;
  Format format_;
  std::int64_t panel_bytes_;
  std::unique_ptr<HostBuffer> values_;
};

struct KeyFormats {
  Format latent = Format::kF32;  // kF32 or kBF16
  Format index = Format::kF32;   // kF32 or kI8
};

/// latent: rows of f32 or bf16, [capacity][latent_dim + rope_dim, bf16 padded to a cache line].
/// index: panels of kPanel neighbouring keys, so that a register holds the same dimensions of all of them:
///   f32 [panels][index_dim][kPanel]
///   i8  [panels][ceil(index_dim/4)][kPanel][4], u8 with 128 added, and one scale per key
class PanelKeyCache final : public KeyCache {
 public:
  static std::unique_ptr<PanelKeyCache> create(const KeyCacheShape& shape, const KeyFormats& formats,
                                               const TileKernels& kernels);

  std::int64_t capacity() const override { return shape_.capacity; }
  std::size_t size_bytes() const override {
    return latent_->size_bytes() + index_->size_bytes() + scales_->size_bytes();
  }

  const KeyCacheShape& shape() const { return shape_; }
  const KeyFormats& formats() const { return formats_; }
  int row_dim() const { return shape_.latent_dim + shape_.rope_dim; }
  const std::byte* latent(std::int64_t position) const { return latent_->data() + position * row_bytes_; }
  std::int64_t row_bytes() const { return row_bytes_; }
  std::int64_t panel_bytes() const { return panel_bytes_; }
  const std::byte* panel(std::int64_t i) const { return index_->data() + i * panel_bytes_; }
  const float* scales() const { return scales_->as<float>(); }
  int padded_index_dim() const { return (shape_.index_dim + 3) / 4 * 4; }

  /// Positions that the last query selected: where the next one looks first. Only a hint; what lies there may have
  /// changed.
  std::vector<std::int32_t>& last_selected() const { return last_selected_; }

  /// `n` values of a latent row starting at `at`.
  void set_latent(std::int64_t position, int at, const float* values, int n);
  void get_latent(std::int64_t position, float* row) const;
  void set_index(std::int64_t position, const float* key);
  void get_index(std::int64_t position, float* key) const;

 private:
  PanelKeyCache(const KeyCacheShape& shape, const KeyFormats& formats, const TileKernels& kernels)
      : shape_(shape), formats_(formats), kernels_(kernels) {}

  KeyCacheShape shape_;
  KeyFormats formats_;
  const TileKernels& kernels_;
  std::int64_t row_bytes_ = 0;
  std::int64_t panel_bytes_ = 0;
  std::unique_ptr<HostBuffer> latent_;
  std::unique_ptr<HostBuffer> index_;
  std::unique_ptr<HostBuffer> scales_;
  mutable std::vector<std::int32_t> last_selected_;
};

/// The scale with which values up to `largest` in size become integers in [-127, 127]. It has 16 significant
/// bits and is rounded up, so that integer * scale is exact in f32 and gives the same integers and scale
/// again. NaN for NaN, 0 for 0.
float int8_scale(float largest);

inline const PackedMatrix& packed(const Matrix* matrix) {
  return static_cast<const PackedMatrix&>(*matrix);
}
inline const PanelKeyCache& panels(const KeyCache* cache) {
  return static_cast<const PanelKeyCache&>(*cache);
}

}  // namespace kernels::cpu
