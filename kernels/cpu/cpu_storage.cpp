#include "kernels/cpu/cpu_storage.h"

#include <algorithm>

#include "kernels/reference/number_formats.h"

namespace kernels::cpu {

std::unique_ptr<PackedMatrix> PackedMatrix::pack(const MatrixSource& source, ThreadPool& pool) {
  const std::int64_t n_panels = (source.n_out + kPanel - 1) / kPanel;
  const auto n_values = checked_product(n_panels * kPanel, source.n_in, sizeof(float));
  auto values = n_values ? HostBuffer::create(*n_values) : nullptr;
  if (values == nullptr) return nullptr;
  std::vector<float> rows(static_cast<std::size_t>(pool.n_threads() * source.n_in));
  pool.run(n_panels, [&](std::int64_t p, int thread) {
    float* row = rows.data() + thread * source.n_in;
    float* panel = values->as<float>() + p * source.n_in * kPanel;
    for (std::int64_t j = 0; j < std::min<std::int64_t>(kPanel, source.n_out - p * kPanel); ++j) {
      decode_row(source, p * kPanel + j, row);
      for (std::int64_t i = 0; i < source.n_in; ++i) panel[i * kPanel + j] = row[i];
    }
  });
  return std::unique_ptr<PackedMatrix>(new PackedMatrix(source.n_out, source.n_in, std::move(values)));
}

void PackedMatrix::row(std::int64_t i, float* out) const {
  const float* at = panel(i / kPanel) + i % kPanel;
  for (std::int64_t j = 0; j < n_in_; ++j) out[j] = at[j * kPanel];
}

std::unique_ptr<PanelKeyCache> PanelKeyCache::create(const KeyCacheShape& shape) {
  const std::int64_t n_panels = (shape.capacity + kPanel - 1) / kPanel;
  const auto latent_bytes =
      checked_product(shape.capacity, std::int64_t{shape.latent_dim} + shape.rope_dim, 4);
  const auto index_bytes = checked_product(n_panels * kPanel, shape.index_dim, 4);
  if (!latent_bytes || !index_bytes) return nullptr;
  auto latent = HostBuffer::create(*latent_bytes);
  auto index = HostBuffer::create(*index_bytes);
  if (latent == nullptr || index == nullptr) return nullptr;
  return std::unique_ptr<PanelKeyCache>(new PanelKeyCache(shape, std::move(latent), std::move(index)));
}

void PanelKeyCache::set_index(std::int64_t position, const float* key) const {
  float* at = panel(position / kPanel) + position % kPanel;
  for (int d = 0; d < shape_.index_dim; ++d) at[d * kPanel] = key[d];
}

void PanelKeyCache::get_index(std::int64_t position, float* key) const {
  const float* at = panel(position / kPanel) + position % kPanel;
  for (int d = 0; d < shape_.index_dim; ++d) key[d] = at[d * kPanel];
}

}  // namespace kernels::cpu
