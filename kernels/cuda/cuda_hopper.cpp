#include "kernels/cuda/cuda_hopper.h"

#include <algorithm>

#include "kernels/cuda/hopper/hopper_kernels.h"

namespace kernels::cuda {
namespace {

constexpr int kHopper = 90;
constexpr int kIndexDim = 128;
constexpr int kLatent = 512;
constexpr int kRope = 64;
constexpr int kBlockKeys = 64;    // of the attention kernel
constexpr int kHeadTile = 64;     // of the attention kernel
constexpr int kFewestHeads = 8;   // with fewer its tiles of 64 heads are emptier than the portable kernel's of 16
constexpr std::int64_t kMostBest = 4096;
constexpr std::int64_t kMostKeys = 262144;

std::int64_t rounded_up(std::int64_t n, std::int64_t step) { return (n + step - 1) / step * step; }

}  // namespace

bool hopper_wants_f8_index(const Device& device, const KeyCacheShape& shape) {
  return device.architecture() == kHopper && shape.index_dim == kIndexDim;
}

bool hopper_score(Device& device, const Keys& keys, const IndexQueries& queries, std::int64_t first_position, std::int64_t n_keys,
                  float* scores, std::int64_t scores_pitch) {
  if (device.architecture() != kHopper || keys.index_format != Format::kF8 || (queries.n_heads_padded != 32 && queries.n_heads_padded != 64)) return false;
  hopper::IndexerScoresArgs args;
  args.queries = queries.packed;
  args.head_weights = queries.weights;
  args.keys = keys.index;
  args.key_scales = keys.index_scales;
  args.scores = scores;
  args.pitch = scores_pitch;
  args.n_queries = static_cast<int>(queries.n);
  args.n_heads = queries.n_heads_padded;
  args.n_keys = static_cast<int>(std::min(n_keys, first_position + queries.n));
  args.first_position = first_position;
  device.check(hopper::indexer_scores(args, device.stream()), "scoring keys");
  return true;
}

bool hopper_select(Device& device, const TopArgs& args) {
  const std::int64_t n_keys = args.first_position + args.n_queries;
  if (device.architecture() != kHopper || args.keep_window > 0 || args.n_keep_ranges > 0 || args.scores == nullptr) return false;
  if (args.k > kMostBest || n_keys > kMostKeys || args.pitch % 4 != 0) return false;
  hopper::SelectBestArgs best;
  best.scores = args.scores;
  best.pitch = args.pitch;
  best.indices = args.indices;
  best.n_queries = static_cast<int>(args.n_queries);
  best.n_keys = static_cast<int>(n_keys);
  best.k = static_cast<int>(args.k);
  best.first_position = args.first_position;
  device.check(hopper::select_best(best, device.stream()), "selecting keys");
  return true;
}

bool hopper_attention(Device& device, const AttentionArgs& args) {
  const Keys& keys = resident(args.cache).keys();
  const auto [n_queries, n_heads, latent_dim] = args.q_latent.shape;
  if (device.architecture() != kHopper || keys.latent_format != Format::kBF16 || keys.latent_dim != kLatent || keys.rope_dim != kRope) return false;
  if (n_heads < kFewestHeads || args.first_position + n_queries > INT32_MAX) return false;
  const bool dense = args.indices.data == nullptr;
  // Dense attention selects every key: one list of positions per query, as wide as the context.
  const std::int64_t k = dense ? args.first_position + n_queries : args.indices.shape[1];
  const std::int64_t k_padded = rounded_up(k, kBlockKeys);
  const std::int64_t head_tiles = rounded_up(n_heads, kHeadTile) / kHeadTile;
  const std::int64_t n_splits_wanted = std::max<std::int64_t>(1, device.queue().n_processors / (n_queries * head_tiles));
  const auto n_splits = static_cast<int>(std::min(n_splits_wanted, k_padded / kBlockKeys));
  const std::size_t row_bytes = static_cast<std::size_t>(n_heads) * (kLatent + kRope) * 2 + static_cast<std::size_t>(k_padded) * 4 +
                                static_cast<std::size_t>(hopper::sparse_attention_scratch_bytes(1, static_cast<int>(n_heads), n_splits));
  const std::int64_t n_at_once = rows_that_fit(device.work_bytes(), row_bytes, n_queries);
  if (n_at_once == 0) return false;
  for (std::int64_t first = 0; first < n_queries && !device.stopped(); first += n_at_once) {
    const std::int64_t n = std::min(n_at_once, n_queries - first);
    Work work(device);
    PackArgs latent;
    latent.in = args.q_latent.as<const float>() + first * n_heads * kLatent;
    latent.in_pitch = latent.out_pitch = latent.n = kLatent;
    latent.n_rows = n * n_heads;
    latent.out = work.take<std::uint16_t>(n * n_heads * kLatent);
    PackArgs rope = latent;
    rope.in = args.q_rope.as<const float>() + first * n_heads * kRope;
    rope.in_pitch = rope.out_pitch = rope.n = kRope;
    rope.out = work.take<std::uint16_t>(n * n_heads * kRope);
    auto* indices = work.take<std::int32_t>(n * k_padded);
    const std::int64_t scratch_bytes = hopper::sparse_attention_scratch_bytes(static_cast<int>(n), static_cast<int>(n_heads), n_splits);
    auto* scratch = work.take<std::byte>(scratch_bytes);
    if (indices == nullptr || scratch == nullptr) return device.check(cudaErrorMemoryAllocation, "attention");
    if (!device.check(pack_rows(device.queue(), Format::kBF16, latent), "attention") ||
        !device.check(pack_rows(device.queue(), Format::kBF16, rope), "attention") ||
        !device.check(visible_indices(device.queue(), dense ? nullptr : args.indices.as<const std::int32_t>() + first * k, n, k, k_padded,
                                      args.first_position + first, indices),
                      "attention"))
      return true;
    hopper::SparseAttentionArgs sparse;
    sparse.q_latent = latent.out;
    sparse.q_rope = rope.out;
    sparse.latents = keys.latent;
    sparse.indices = indices;
    sparse.out = args.out.as<float>() + first * n_heads * kLatent;
    sparse.out_f32 = true;
    sparse.n_queries = static_cast<int>(n);
    sparse.n_heads = static_cast<int>(n_heads);
    sparse.n_keys = static_cast<int>(args.first_position + first + n);
    sparse.k = static_cast<int>(k_padded);
    sparse.scale = args.scale;
    sparse.n_splits = n_splits;
    sparse.scratch = n_splits > 1 ? scratch : nullptr;
    if (!device.check(hopper::sparse_attention(sparse, device.stream()), "attention")) return true;
  }
  return true;
}

}  // namespace kernels::cuda
