#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/forward/key_store.h"
#include "engine/model/config.h"
#include "kernels/api/backend.h"

namespace engine {

constexpr std::int64_t kKeyBlock = 64;  // keys that are chosen together
constexpr std::int64_t kSlab = 64;      // blocks whose summaries are packed together

struct BlockOptions {
  int budget = 0;                        // keys per query, window and anchors included
  int window = 0;                        // newest keys that are always read
  std::span<const std::int64_t> anchors; // pairs of positions that are always read, ascending, disjoint
  std::span<const std::int64_t> muted = {};  // pairs of positions that are never read, the query's own apart
};

/// Chooses keys for models that have no indexer: the newest keys, the anchors, and the distant blocks of
/// 64 keys that promise most attention, up to a budget. Nothing is trained.
///
/// What a block promises head h of query q, from the block's mean key m and variance v alone:
///
///   score = scale * dot(q, m) + 1/2 * scale^2 * sum over d of q_d^2 * v_d
///
/// the logarithm of the mean weight exp(scale * dot(q, k)) if the block's keys were normally
/// distributed. Heads are made comparable by a softmax over the blocks, then averaged. Queries and keys
/// are those of absorbed latent attention, so one summary serves all heads. Engine thread only.
class BlockSelector {
 public:
  BlockSelector(kernels::Backend& backend, const ModelConfig& config);

  /// Keys from position `n` on are no longer those that were summarised. To be called whenever the
  /// sequence is cut, before other keys are stored there.
  void truncate(std::int64_t n);

  /// `queries_latent` [n, n_heads, kv_rank] and `queries_rope` [n, n_heads, rope_dim] on the device, of
  /// positions first, first + 1, ..., whose keys are stored. Fills `indices` [n][budget]: ascending
  /// positions, then -1.
  Result<void> select(int layer, const KeyStore& keys, const kernels::TensorView& queries_latent,
                      const kernels::TensorView& queries_rope, std::int64_t first, const BlockOptions& options,
                      std::vector<std::int32_t>& indices);

 private:
  struct Summary {
    std::int64_t n_rows = 0;       // keys that are part of it
    std::vector<float> means;      // [n_blocks, width]
    std::vector<float> variances;  // [n_blocks, width]
    /// What queries are multiplied by, kSlab blocks each; only of blocks that no new key changes any more.
    std::vector<std::unique_ptr<kernels::Matrix>> slabs;
  };

  void summarise(int layer, const KeyStore& keys, std::int64_t first, std::int64_t n_rows);
  /// Fills `scores_` with what each block promises each head of each query.
  Result<void> score(Summary& summary, std::int64_t n_blocks, const kernels::TensorView& latent, const kernels::TensorView& rope);
  Result<std::unique_ptr<kernels::Matrix>> pack(const Summary& summary, std::int64_t first, std::int64_t n_blocks);
  void choose(std::int64_t query, std::span<const float> promise, const BlockOptions& options, std::int32_t* row);

  kernels::Backend& backend_;
  std::int64_t n_heads_;
  std::int64_t rank_;
  std::int64_t rope_;
  std::int64_t width_;               // rank_ + rope_
  double scale_;
  std::vector<Summary> summaries_;   // per layer
  std::vector<float> scores_;        // [slabs][n * n_heads][kSlab]
  std::vector<float> queries_;       // [n * n_heads, width]
  std::vector<char> is_kept_;        // per visible position
};

}  // namespace engine
