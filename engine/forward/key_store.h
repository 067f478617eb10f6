#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/config.h"
#include "kernels/api/backend.h"

namespace engine {

/// The keys of all layers for the tokens of one conversation. Main keys and indexer keys move together:
/// row i of every layer belongs to position i. Grows in steps; engine thread only.
class KeyStore {
 public:
  KeyStore(kernels::Backend& backend, const ModelConfig& config);

  /// Makes room for `n_tokens` and keeps the first `n_kept` rows. Fails with kOutOfMemory and then
  /// holds no rows at all.
  Result<void> reserve(std::int64_t n_tokens, std::int64_t n_kept);

  kernels::KeyCache& layer(int index) { return *caches_[static_cast<std::size_t>(index)]; }
  int n_layers() const { return static_cast<int>(shapes_.size()); }
  std::int64_t capacity() const { return capacity_; }

  /// Bytes that one token's rows take when saved, in one layer.
  std::size_t row_bytes(int layer) const;
  /// Rows [first, first + n) of a layer; `rows` has n * row_bytes(layer) bytes.
  void save(int layer, std::int64_t first, std::int64_t n, std::byte* rows) const;
  void load(int layer, std::int64_t first, std::int64_t n, const std::byte* rows);

  /// Main keys and indexer keys of one token in all layers, f32.
  static std::int64_t bytes_per_token(const ModelConfig& config);

 private:
  Result<void> grow_layer(std::size_t layer, std::int64_t capacity, std::int64_t n_kept);

  kernels::Backend& backend_;
  std::vector<kernels::KeyCacheShape> shapes_;  // per layer, capacity unused
  std::vector<std::unique_ptr<kernels::KeyCache>> caches_;
  std::int64_t capacity_ = 0;
};

}  // namespace engine
