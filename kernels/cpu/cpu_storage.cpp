#include "kernels/cpu/cpu_storage.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/reference/number_formats.h"

namespace kernels::cpu {

std::int64_t PackedMatrix::bytes_of_panel(std::int64_t n_in, Format format) {
  switch (format) {
    case Format::kF32:
      return n_in * kPanel * 4;
    case Format::kBF16:
      return (n_in + 1) / 2 * kPanel * 4;
    case Format::kI8:
      return (n_in + kByteBlock - 1) / kByteBlock * kByteBlockBytes;
  }
  return 0;
}

std::unique_ptr<PackedMatrix> PackedMatrix::pack(const MatrixSource& source, Format format,
                                                 ThreadPool& pool) {
  if (!checked_product(source.n_out + kPanel, source.n_in + kByteBlock, 4)) return nullptr;
  const std::int64_t n_panels = (source.n_out + kPanel - 1) / kPanel;
  auto values = HostBuffer::create(static_cast<std::size_t>(n_panels * bytes_of_panel(source.n_in, format)));
  if (values == nullptr) return nullptr;
  auto matrix = std::unique_ptr<PackedMatrix>(new PackedMatrix(source, format, std::move(values)));
  std::vector<float> rows(static_cast<std::size_t>(pool.n_threads() * source.n_in));
  pool.run(n_panels, [&](std::int64_t p, int thread) {
    matrix->pack_panel(source, p, rows.data() + thread * source.n_in);
  });
  return matrix;
}

void PackedMatrix::pack_panel(const MatrixSource& source, std::int64_t panel, float* row) {
  std::byte* out = values_->data() + panel * panel_bytes_;
  for (std::int64_t j = 0; j < std::min<std::int64_t>(kPanel, n_out_ - panel * kPanel); ++j) {
    decode_row(source, panel * kPanel + j, row);
    if (format_ == Format::kF32) {
      for (std::int64_t i = 0; i < n_in_; ++i) reinterpret_cast<float*>(out)[i * kPanel + j] = row[i];
    } else if (format_ == Format::kI8) {
      pack_bytes(row, j, out);
    } else {
      auto* pairs = reinterpret_cast<std::uint16_t*>(out);
      for (std::int64_t i = 0; i < n_in_; ++i)
        pairs[(i / 2 * kPanel + j) * 2 + i % 2] = float_to_bf16(row[i]);
    }
  }
}

void PackedMatrix::pack_bytes(const float* row, std::int64_t column, std::byte* panel) const {
  const TileKernels& kernels = best_tile_kernels();
  for (std::int64_t first = 0; first < n_in_; first += kByteBlock, panel += kByteBlockBytes) {
    const std::int64_t n = std::min<std::int64_t>(kByteBlock, n_in_ - first);
    std::int8_t values[kByteBlock] = {};
    const float scale = int8_scale(kernels.largest_size(row + first, n));
    if (scale > 0) kernels.quantise(row + first, n, scale, values);
    reinterpret_cast<float*>(panel)[column] = scale;
    std::int32_t sum = 0;
    for (const std::int8_t value : values) sum += value;
    reinterpret_cast<std::int32_t*>(panel)[kPanel + column] = -128 * sum;
    for (int d = 0; d < kByteBlock; d += 4)
      std::memcpy(panel + kPanel * (8 + d) + column * 4, values + d, 4);
  }
}

void PackedMatrix::row(std::int64_t i, float* out) const {
  const std::int64_t j = i % kPanel;
  const std::byte* at = panel(i / kPanel);
  if (format_ == Format::kF32) {
    for (std::int64_t d = 0; d < n_in_; ++d) out[d] = reinterpret_cast<const float*>(at)[d * kPanel + j];
  } else if (format_ == Format::kI8) {
    for (std::int64_t d = 0; d < n_in_; ++d) {
      const std::byte* block = at + d / kByteBlock * kByteBlockBytes;
      const std::int64_t in_block = d % kByteBlock;
      const auto value = static_cast<std::int8_t>(block[kPanel * (8 + in_block / 4 * 4) + j * 4 + in_block % 4]);
      out[d] = reinterpret_cast<const float*>(block)[j] * static_cast<float>(value);
    }
  } else {
    const auto* pairs = reinterpret_cast<const std::uint16_t*>(at);
    for (std::int64_t d = 0; d < n_in_; ++d) out[d] = bf16_to_float(pairs[(d / 2 * kPanel + j) * 2 + d % 2]);
  }
}

std::unique_ptr<PanelKeyCache> PanelKeyCache::create(const KeyCacheShape& shape, const KeyFormats& formats,
                                                     const TileKernels& kernels) {
  if (shape.latent_dim < 0 || shape.rope_dim < 0 || shape.index_dim < 0) return nullptr;
  auto cache = std::unique_ptr<PanelKeyCache>(new PanelKeyCache(shape, formats, kernels));
  const std::int64_t row_dim = std::int64_t{shape.latent_dim} + shape.rope_dim;
  cache->row_bytes_ = formats.latent == Format::kF32 ? row_dim * 4 : (row_dim + 31) / 32 * 64;
  cache->panel_bytes_ = formats.index == Format::kF32 ? std::int64_t{shape.index_dim} * kPanel * 4
                                                      : std::int64_t{cache->padded_index_dim()} * kPanel;
  if (shape.capacity < 0 || shape.capacity > INT32_MAX) return nullptr;
  // The inner loops read whole steps.
  const std::int64_t n_panels = (shape.capacity + kIndexKeys - 1) / kIndexKeys * (kIndexKeys / kPanel);
  const auto latent_bytes = checked_product(shape.capacity, cache->row_bytes_);
  const auto index_bytes = checked_product(n_panels, cache->panel_bytes_);
  if (!latent_bytes || !index_bytes) return nullptr;
  cache->latent_ = HostBuffer::create(*latent_bytes);
  cache->index_ = HostBuffer::create(*index_bytes);
  cache->scales_ =
      HostBuffer::create(formats.index == Format::kI8 ? static_cast<std::size_t>(n_panels * kPanel) * 4 : 0);
  if (cache->latent_ == nullptr || cache->index_ == nullptr || cache->scales_ == nullptr) return nullptr;
  return cache;
}

void PanelKeyCache::set_latent(std::int64_t position, int at, const float* values, int n) {
  std::byte* row = latent_->data() + position * row_bytes_;
  if (formats_.latent == Format::kF32) {
    if (n > 0) std::memcpy(row + std::ptrdiff_t{at} * 4, values, static_cast<std::size_t>(n) * 4);
    return;
  }
  auto* halves = reinterpret_cast<std::uint16_t*>(row) + at;
  for (int i = 0; i < n; ++i) halves[i] = float_to_bf16(values[i]);
}

void PanelKeyCache::get_latent(std::int64_t position, float* row) const {
  const std::byte* from = latent(position);
  if (formats_.latent == Format::kF32) {
    std::memcpy(row, from, static_cast<std::size_t>(row_dim()) * 4);
    return;
  }
  for (int i = 0; i < row_dim(); ++i) row[i] = bf16_to_float(reinterpret_cast<const std::uint16_t*>(from)[i]);
}

void PanelKeyCache::set_index(std::int64_t position, const float* key) {
  std::byte* panel = index_->data() + position / kPanel * panel_bytes_;
  const std::int64_t j = position % kPanel;
  if (formats_.index == Format::kF32) {
    for (int d = 0; d < shape_.index_dim; ++d) reinterpret_cast<float*>(panel)[d * kPanel + j] = key[d];
    return;
  }
  const float scale = int8_scale(kernels_.largest_size(key, shape_.index_dim));
  scales_->as<float>()[position] = scale;
  constexpr int kStep = 64;
  for (int first = 0; first < padded_index_dim(); first += kStep) {
    std::int8_t values[kStep] = {};
    if (scale > 0) kernels_.quantise(key + first, std::min(kStep, shape_.index_dim - first), scale, values);
    for (int d = first; d < std::min(first + kStep, padded_index_dim()); ++d)
      panel[(d / 4 * kPanel + j) * 4 + d % 4] = static_cast<std::byte>(values[d - first] + 128);
  }
}

void PanelKeyCache::get_index(std::int64_t position, float* key) const {
  const std::byte* at = panel(position / kPanel);
  const std::int64_t j = position % kPanel;
  for (int d = 0; d < shape_.index_dim; ++d) {
    if (formats_.index == Format::kF32) {
      key[d] = reinterpret_cast<const float*>(at)[d * kPanel + j];
    } else {
      key[d] = scales()[position] *
               static_cast<float>(static_cast<int>(at[(d / 4 * kPanel + j) * 4 + d % 4]) - 128);
    }
  }
}

float int8_scale(float largest) {
  const auto bits = std::bit_cast<std::uint32_t>(largest / 127.0f);
  return std::isnan(largest) ? largest : std::bit_cast<float>((bits + 0xffu) & ~0xffu);
}

}  // namespace kernels::cpu
