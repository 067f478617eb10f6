#include "kernels/cpu/index_scorer.h"

#include <algorithm>
#include <cstring>

namespace kernels::cpu {

namespace {
constexpr std::int64_t kHalfRows = kIndexRows / 2;
}

IndexScorer::IndexScorer(const Cpu& cpu, const TensorView& queries, const TensorView& head_weights,
                         const PanelKeyCache& cache)
    : cpu_(cpu),
      cache_(cache),
      n_heads_(queries.shape[1]),
      dim_(queries.shape[2]),
      queries_(queries.as<const float>()),
      head_weights_(head_weights.as<const float>()),
      i8_(cache.formats().index == Format::kI8),
      paired_(i8_ && n_heads_ <= kHalfRows),
      n_groups_(static_cast<int>((n_heads_ + kIndexRows - 1) / kIndexRows)) {
  if (i8_) {
    // Of a pair, the second query's rows lie behind the first's within one group.
    const std::int64_t n_rows = paired_ ? kHalfRows : n_groups_ * kIndexRows;
    query_bytes_ = n_rows * cache.padded_index_dim();
    row_.resize(static_cast<std::size_t>(cache.padded_index_dim()));
    offsets_.resize(static_cast<std::size_t>(kQueries * n_rows));
    weights_.resize(offsets_.size());
  } else {
    const std::int64_t n_blocks = (n_heads_ + cpu.kernels.rows - 1) / cpu.kernels.rows;
    query_bytes_ = n_blocks * cpu.kernels.rows * ((dim_ * 4 + kChunkBytes - 1) / kChunkBytes) * kChunkBytes;
    tile_.resize(kKeysPerTile);
  }
  packed_.resize(static_cast<std::size_t>(kQueries * query_bytes_));
}

void IndexScorer::set_queries(std::int64_t first, int n) {
  first_ = first;
  n_ = n;
  std::fill(packed_.begin(), packed_.end(), std::byte{0});
  std::fill(weights_.begin(), weights_.end(), 0.0f);
  std::fill(offsets_.begin(), offsets_.end(), 0);
  for (int slot = 0; slot < n; ++slot) {
    if (i8_) {
      pack_i8(first + slot, slot);
    } else {
      pack_f32(first + slot, slot);
    }
  }
}

void IndexScorer::pack_f32(std::int64_t query, int slot) {
  std::byte* out = packed_.data() + slot * query_bytes_;
  const std::int64_t chunks = (dim_ * 4 + kChunkBytes - 1) / kChunkBytes;
  for (std::int64_t h = 0; h < n_heads_; h += cpu_.kernels.rows) {
    const std::int64_t n_rows = std::min<std::int64_t>(cpu_.kernels.rows, n_heads_ - h);
    for (std::int64_t r = 0; r < n_rows; ++r)
      cpu_.kernels.pack_f32(queries_ + (query * n_heads_ + h + r) * dim_, dim_, out + r * kChunkBytes,
                            n_rows * kChunkBytes);
    out += n_rows * chunks * kChunkBytes;
  }
}

void IndexScorer::pack_i8(std::int64_t query, int slot) {
  const std::int64_t dim = cache_.padded_index_dim();
  for (std::int64_t h = 0; h < n_heads_; ++h) {
    const float* q = queries_ + (query * n_heads_ + h) * dim_;
    const float scale = int8_scale(cpu_.kernels.largest_size(q, dim_));
    std::fill(row_.begin(), row_.end(), std::int8_t{0});
    if (scale > 0) cpu_.kernels.quantise(q, dim_, scale, row_.data());
    // Where row r of the group lies: groups of kIndexRows rows, a pair of queries shares one.
    const std::int64_t row = paired_ ? slot * kHalfRows + h : slot * n_groups_ * kIndexRows + h;
    const std::int64_t group = row / kIndexRows;
    std::byte* out = packed_.data() + group * kIndexRows * dim + row % kIndexRows * 4;
    std::int32_t sum = 0;
    for (const std::int8_t value : row_) sum += value;
    for (std::int64_t d = 0; d < dim; d += 4)
      std::memcpy(out + d * kIndexRows, row_.data() + d, 4);
    offsets_[static_cast<std::size_t>(row)] = -128 * sum;
    weights_[static_cast<std::size_t>(row)] = head_weights_[query * n_heads_ + h] * scale;
  }
}

void IndexScorer::add_keys(std::int64_t first_key, std::int64_t n_keys, const std::int64_t* n_visible,
                           BestKeys* const* best) {
  if (i8_) {
    add_i8({cache_.panel(first_key / kPanel), cache_.scales() + first_key, first_key, n_keys}, n_visible, best);
    return;
  }
  for (int slot = 0; slot < n_; ++slot) {
    const std::int64_t n = std::min(n_keys, n_visible[slot] - first_key);
    if (n > 0) add_f32(slot, first_key, n, *best[slot]);
  }
}

void IndexScorer::add_f32(int slot, std::int64_t first_key, std::int64_t n_keys, BestKeys& best) {
  alignas(64) float dots[kMaxRows * kTile];
  const std::int64_t chunks = (dim_ * 4 + kChunkBytes - 1) / kChunkBytes;
  std::fill(tile_.begin(), tile_.end(), 0.0f);
  for (std::int64_t j = 0; j < n_keys; j += kTile) {
    const std::byte* a = packed_.data() + slot * query_bytes_;
    for (std::int64_t h = 0; h < n_heads_; h += cpu_.kernels.rows) {
      const auto n_rows = static_cast<int>(std::min<std::int64_t>(cpu_.kernels.rows, n_heads_ - h));
      cpu_.kernels.gemm_f32({n_rows, kPanelsPerTile, dim_, a, cache_.panel((first_key + j) / kPanel),
                             cache_.panel_bytes(), dots, kTile, false, nullptr});
      for (int r = 0; r < n_rows; ++r)
        cpu_.kernels.add_relu(dots + r * kTile, head_weights_[(first_ + slot) * n_heads_ + h + r],
                              tile_.data() + j, kTile);
      a += n_rows * chunks * kChunkBytes;
    }
  }
  float* scores = best.scores_room(n_keys);
  best.added(cpu_.kernels.keep_above(tile_.data(), static_cast<int>(n_keys), best.threshold(),
                                     static_cast<std::int32_t>(first_key), scores, best.positions_room()));
}

void IndexScorer::start_warm(std::span<const std::int32_t> positions, BestKeys* const* best) {
  if (!i8_) return;
  const std::int64_t dim = cache_.padded_index_dim();
  std::int64_t n_visible[kQueries];
  for (std::size_t done = 0; done < positions.size(); done += kKeysPerTile) {
    const auto part = positions.subspan(done, std::min<std::size_t>(kKeysPerTile, positions.size() - done));
    const std::size_t n_padded = (part.size() + kIndexKeys - 1) / kIndexKeys * kIndexKeys;
    chosen_keys_.resize(n_padded * static_cast<std::size_t>(dim));
    chosen_scales_.resize(n_padded);
    for (std::size_t i = 0; i < part.size(); ++i) {
      const std::byte* from = cache_.panel(part[i] / kPanel) + part[i] % kPanel * 4;
      std::byte* to = chosen_keys_.data() + i / kPanel * kPanel * static_cast<std::size_t>(dim) + i % kPanel * 4;
      for (std::int64_t d = 0; d < dim; d += 4) std::memcpy(to + d * kPanel, from + d * kPanel, 4);
      chosen_scales_[i] = cache_.scales()[part[i]];
    }
    const auto n = static_cast<std::int64_t>(part.size());
    std::fill_n(n_visible, kQueries, n);
    add_i8({chosen_keys_.data(), chosen_scales_.data(), 0, n}, n_visible, best);
  }
  for (int i = 0; i < n_; ++i) best[i]->restart();
}

void IndexScorer::add_i8(const KeyRun& run, const std::int64_t* n_visible, BestKeys* const* best) {
  IndexTile tile{run.keys,
                 run.scales,
                 static_cast<int>(run.n),
                 cache_.padded_index_dim(),
                 n_groups_,
                 n_,
                 paired_,
                 packed_.data(),
                 offsets_.data(),
                 weights_.data(),
                 static_cast<std::int32_t>(run.first_position),
                 {}};
  for (int i = 0; i < n_; ++i) {
    const std::int64_t visible = std::clamp<std::int64_t>(n_visible[i] - run.first_position, 0, run.n);
    float* scores = best[i]->scores_room(run.n);
    tile.query[i] = {best[i]->threshold(), static_cast<int>(visible), scores, best[i]->positions_room(), 0};
  }
  cpu_.kernels.score_i8(tile);
  const auto start = Clock::now();
  for (int i = 0; i < n_; ++i) best[i]->added(tile.query[i].n_found);
  choosing += Clock::now() - start;
}

}  // namespace kernels::cpu
