#include "engine/forward/key_store.h"

#include <algorithm>
#include <utility>

namespace engine {
namespace {

constexpr std::int64_t kStep = 1024;      // tokens; capacities are multiples of it
constexpr std::int64_t kCopyRows = 4096;  // tokens moved at once when a cache grows

}  // namespace

KeyStore::KeyStore(kernels::Backend& backend, const ModelConfig& config) : backend_(backend) {
  for (const IndexerKind kind : config.indexers) {
    kernels::KeyCacheShape shape;
    shape.latent_dim = static_cast<int>(config.kv_rank);
    shape.rope_dim = config.rope_dim;
    shape.index_dim = kind == IndexerKind::kFull ? config.indexer.head_dim : 0;
    shapes_.push_back(shape);
  }
  caches_.resize(shapes_.size());
}

Result<void> KeyStore::reserve(std::int64_t n_tokens, std::int64_t n_kept) {
  if (n_tokens <= capacity_) return {};
  CHECK(n_kept <= capacity_);
  // Half again as much as before, so that an answer that grows token by token is moved rarely.
  const std::int64_t wanted = std::max(n_tokens, capacity_ + capacity_ / 2);
  const std::int64_t capacity = (wanted + kStep - 1) / kStep * kStep;
  for (std::size_t layer = 0; layer < caches_.size(); ++layer) {
    if (auto grown = grow_layer(layer, capacity, n_kept); !grown) {
      for (auto& cache : caches_) cache.reset();
      capacity_ = 0;
      return grown;
    }
  }
  capacity_ = capacity;
  return {};
}

Result<void> KeyStore::grow_layer(std::size_t layer, std::int64_t capacity, std::int64_t n_kept) {
  kernels::KeyCacheShape shape = shapes_[layer];
  shape.capacity = capacity;
  auto made = backend_.make_key_cache(shape);
  if (auto* error = std::get_if<kernels::DeviceError>(&made)) {
    return Error{error->out_of_memory ? ErrorCode::kOutOfMemory : ErrorCode::kDevice,
                 "There is no memory for the keys of " + std::to_string(capacity) +
                     " tokens: ask about fewer pages. " + error->message};
  }
  auto& cache = std::get<std::unique_ptr<kernels::KeyCache>>(made);
  if (n_kept > 0) {
    const std::size_t row = backend_.key_row_bytes(*caches_[layer]);
    std::vector<std::byte> rows(static_cast<std::size_t>(std::min(n_kept, kCopyRows)) * row);
    for (std::int64_t first = 0; first < n_kept; first += kCopyRows) {
      const std::int64_t n = std::min(kCopyRows, n_kept - first);
      backend_.save_keys(*caches_[layer], first, n, rows.data());
      backend_.load_keys(*cache, first, n, rows.data());
    }
  }
  caches_[layer] = std::move(cache);
  return {};
}

std::size_t KeyStore::row_bytes(int layer) const {
  return backend_.key_row_bytes(*caches_[static_cast<std::size_t>(layer)]);
}

void KeyStore::save(int layer, std::int64_t first, std::int64_t n, std::byte* rows) const {
  backend_.save_keys(*caches_[static_cast<std::size_t>(layer)], first, n, rows);
}

void KeyStore::load(int layer, std::int64_t first, std::int64_t n, const std::byte* rows) {
  backend_.load_keys(*caches_[static_cast<std::size_t>(layer)], first, n, rows);
}

std::int64_t KeyStore::bytes_per_token(const ModelConfig& config) {
  std::int64_t n = 0;
  for (const IndexerKind kind : config.indexers) {
    n += config.kv_rank + config.rope_dim + (kind == IndexerKind::kFull ? config.indexer.head_dim : 0);
  }
  return n * static_cast<std::int64_t>(sizeof(float));
}

}  // namespace engine
