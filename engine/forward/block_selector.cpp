#include "engine/forward/block_selector.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>

namespace engine {
namespace {

using kernels::TensorView;

std::int64_t blocks_of(std::int64_t n_keys) { return (n_keys + kKeyBlock - 1) / kKeyBlock; }

Error from_device(const kernels::DeviceError& error) {
  return Error{error.out_of_memory ? ErrorCode::kOutOfMemory : ErrorCode::kDevice, error.message};
}

}  // namespace

BlockSelector::BlockSelector(kernels::Backend& backend, const ModelConfig& config)
    : backend_(backend),
      n_heads_(config.n_heads),
      rank_(config.kv_rank),
      rope_(config.rope_dim),
      width_(config.kv_rank + config.rope_dim),
      scale_(config.softmax_scale()),
      summaries_(static_cast<std::size_t>(config.n_layers)) {}

void BlockSelector::truncate(std::int64_t n) {
  for (Summary& summary : summaries_) {
    summary.n_rows = std::min(summary.n_rows, n);
    summary.slabs.resize(std::min(summary.slabs.size(), static_cast<std::size_t>(n / (kSlab * kKeyBlock))));
  }
}

void BlockSelector::summarise(int layer, const KeyStore& keys, std::int64_t first, std::int64_t n_rows) {
  Summary& summary = summaries_[static_cast<std::size_t>(layer)];
  // Rows from `first` on are new, also where an earlier prompt had others there.
  const std::int64_t begin = std::min(first, summary.n_rows) / kKeyBlock;
  summary.slabs.resize(std::min(summary.slabs.size(), static_cast<std::size_t>(begin / kSlab)));
  const std::int64_t end = blocks_of(n_rows);
  summary.means.resize(static_cast<std::size_t>(end * width_));
  summary.variances.resize(static_cast<std::size_t>(end * width_));
  std::vector<float> rows(static_cast<std::size_t>(kKeyBlock) * keys.row_bytes(layer) / sizeof(float));
  for (std::int64_t block = begin; block < end; ++block) {
    const std::int64_t n = std::min(kKeyBlock, n_rows - block * kKeyBlock);
    keys.save(layer, block * kKeyBlock, n, reinterpret_cast<std::byte*>(rows.data()));
    for (std::int64_t d = 0; d < width_; ++d) {
      double sum = 0.0;
      double squares = 0.0;
      for (std::int64_t r = 0; r < n; ++r) {
        const double value = rows[static_cast<std::size_t>(r * width_ + d)];
        sum += value;
        squares += value * value;
      }
      const double mean = sum / static_cast<double>(n);
      summary.means[static_cast<std::size_t>(block * width_ + d)] = static_cast<float>(mean);
      summary.variances[static_cast<std::size_t>(block * width_ + d)] =
          static_cast<float>(std::max(0.0, squares / static_cast<double>(n) - mean * mean));
    }
  }
  summary.n_rows = n_rows;
}

/// As weights of a matrix product: [n_blocks, 2 * width], scale * means, then scale^2 / 2 * variances.
Result<std::unique_ptr<kernels::Matrix>> BlockSelector::pack(const Summary& summary, std::int64_t first, std::int64_t n_blocks) {
  std::vector<float> weights(static_cast<std::size_t>(2 * n_blocks * width_));
  for (std::int64_t b = 0; b < n_blocks; ++b) {
    for (std::int64_t d = 0; d < width_; ++d) {
      const auto from = static_cast<std::size_t>((first + b) * width_ + d);
      const auto to = static_cast<std::size_t>(2 * b * width_ + d);
      weights[to] = static_cast<float>(scale_) * summary.means[from];
      weights[to + static_cast<std::size_t>(width_)] = static_cast<float>(0.5 * scale_ * scale_) * summary.variances[from];
    }
  }
  kernels::MatrixSource source;
  source.data = weights.data();
  source.n_out = n_blocks;
  source.n_in = 2 * width_;
  auto matrix = backend_.load_matrix(source);
  if (auto* error = std::get_if<kernels::DeviceError>(&matrix)) return from_device(*error);
  return std::move(std::get<0>(matrix));
}

Result<void> BlockSelector::score(Summary& summary, std::int64_t n_blocks, const TensorView& latent, const TensorView& rope) {
  const std::int64_t n_rows = latent.shape[0] * n_heads_;
  std::vector<float> host_latent(static_cast<std::size_t>(n_rows * rank_));
  std::vector<float> host_rope(static_cast<std::size_t>(n_rows * rope_));
  backend_.copy_to_host(latent, host_latent.data());
  backend_.copy_to_host(rope, host_rope.data());
  queries_.resize(static_cast<std::size_t>(2 * n_rows * width_));
  for (std::int64_t r = 0; r < n_rows; ++r) {
    float* q = queries_.data() + 2 * r * width_;
    std::memcpy(q, host_latent.data() + r * rank_, static_cast<std::size_t>(rank_) * sizeof(float));
    std::memcpy(q + rank_, host_rope.data() + r * rope_, static_cast<std::size_t>(rope_) * sizeof(float));
    for (std::int64_t d = 0; d < width_; ++d) q[width_ + d] = q[d] * q[d];
  }
  auto in = backend_.allocate(queries_.size() * sizeof(float));
  if (auto* error = std::get_if<kernels::DeviceError>(&in)) return from_device(*error);
  auto out = backend_.allocate(static_cast<std::size_t>(n_rows * kSlab) * sizeof(float));
  if (auto* error = std::get_if<kernels::DeviceError>(&out)) return from_device(*error);
  const TensorView in_view{std::get<0>(in)->data(), kernels::DType::kF32, {n_rows, 2 * width_, 1}};
  backend_.copy_to_device(queries_.data(), in_view);
  const std::int64_t n_slabs = (n_blocks + kSlab - 1) / kSlab;
  scores_.resize(static_cast<std::size_t>(n_slabs * n_rows * kSlab));
  std::vector<float> some(static_cast<std::size_t>(n_rows * kSlab));
  for (std::int64_t slab = 0; slab < n_slabs; ++slab) {
    const std::int64_t n = std::min(kSlab, n_blocks - slab * kSlab);
    const bool is_done = (slab + 1) * kSlab * kKeyBlock <= summary.n_rows;
    std::unique_ptr<kernels::Matrix> unfinished;
    if (slab >= static_cast<std::int64_t>(summary.slabs.size())) {
      TRY_ASSIGN(auto made, pack(summary, slab * kSlab, n));
      if (is_done) {
        summary.slabs.push_back(std::move(made));
      } else {
        unfinished = std::move(made);
      }
    }
    const kernels::Matrix* matrix = unfinished ? unfinished.get() : summary.slabs[static_cast<std::size_t>(slab)].get();
    const TensorView out_view{std::get<0>(out)->data(), kernels::DType::kF32, {n_rows, n, 1}};
    backend_.matmul({in_view, matrix, out_view});
    backend_.copy_to_host(out_view, some.data());
    float* to = scores_.data() + slab * n_rows * kSlab;
    for (std::int64_t r = 0; r < n_rows; ++r) std::copy_n(some.data() + r * n, n, to + r * kSlab);
  }
  return {};
}

Result<void> BlockSelector::select(int layer, const KeyStore& keys, const TensorView& queries_latent,
                                   const TensorView& queries_rope, std::int64_t first, const BlockOptions& options,
                                   std::vector<std::int32_t>& indices) {
  const std::int64_t n = queries_latent.shape[0];
  summarise(layer, keys, first, first + n);
  Summary& summary = summaries_[static_cast<std::size_t>(layer)];
  const std::int64_t n_blocks = blocks_of(first + n);
  TRY(score(summary, n_blocks, queries_latent, queries_rope));
  indices.assign(static_cast<std::size_t>(n * options.budget), -1);
  const std::int64_t n_rows = n * n_heads_;
  std::vector<float> promise;
  std::vector<float> row;
  for (std::int64_t t = 0; t < n; ++t) {
    // The block that holds the query's own position is summarised with later keys in it, but the window
    // covers it; it takes no part.
    const std::int64_t n_past = (first + t) / kKeyBlock;
    promise.assign(static_cast<std::size_t>(n_past), 0.0f);
    row.resize(promise.size());
    for (std::int64_t h = 0; h < n_heads_ && n_past > 0; ++h) {
      for (std::int64_t b = 0; b < n_past; b += kSlab) {
        const float* from = scores_.data() + (b / kSlab * n_rows + t * n_heads_ + h) * kSlab;
        std::copy_n(from, std::min(kSlab, n_past - b), row.data() + b);
      }
      const float largest = *std::max_element(row.begin(), row.end());
      float sum = 0.0f;
      for (float& value : row) sum += value = std::exp(value - largest);
      const float share = 1.0f / sum;
      for (std::size_t b = 0; b < row.size(); ++b) promise[b] += row[b] * share;
    }
    choose(first + t, promise, options, indices.data() + t * options.budget);
  }
  return {};
}

void BlockSelector::choose(std::int64_t query, std::span<const float> promise, const BlockOptions& options,
                           std::int32_t* row) {
  const std::int64_t n_visible = query + 1;
  std::int64_t n_left = std::min<std::int64_t>(options.budget, n_visible);
  is_kept_.assign(static_cast<std::size_t>(n_visible), 0);
  const auto is_muted = [&](std::int64_t s) {
    bool inside = false;
    for (std::size_t i = 0; i + 1 < options.muted.size(); i += 2) inside = inside || (s >= options.muted[i] && s < options.muted[i + 1]);
    return inside && s != query;
  };
  const auto keep = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = end - 1; s >= begin && n_left > 0; --s) {
      if (is_muted(s)) continue;
      char& kept = is_kept_[static_cast<std::size_t>(s)];
      n_left -= kept ? 0 : 1;
      kept = 1;
    }
  };
  // The block that is being written always belongs to the window: it has no finished summary.
  const std::int64_t window = std::max<std::int64_t>(options.window, query % kKeyBlock + 1);
  keep(std::max<std::int64_t>(0, n_visible - window), n_visible);
  for (std::size_t i = 0; i + 1 < options.anchors.size(); i += 2) {
    keep(std::min(options.anchors[i], n_visible), std::min(options.anchors[i + 1], n_visible));
  }
  std::vector<std::int32_t> order(promise.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    const float left = promise[static_cast<std::size_t>(a)];
    const float right = promise[static_cast<std::size_t>(b)];
    return left != right ? left > right : a > b;  // ties: the newer block
  });
  for (const std::int32_t block : order) {
    if (n_left == 0) break;
    keep(block * kKeyBlock, (block + 1) * kKeyBlock);
  }
  for (std::int64_t s = 0; s < n_visible; ++s) {
    if (is_kept_[static_cast<std::size_t>(s)]) *row++ = static_cast<std::int32_t>(s);
  }
}

}  // namespace engine
