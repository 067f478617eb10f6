#include <algorithm>

#include "kernels/cuda/cuda_hopper.h"
#include "kernels/cuda/cuda_operations.h"

namespace kernels::cuda {
namespace {

constexpr std::int64_t kMostRows = 32768;  // of one launch
constexpr std::int64_t kSplitFrom = 4096;  // keys from which several blocks share one row
constexpr const char* kNoWork = "the work of one token";

/// Bytes of work for the queries of one token in the form the scoring kernel wants them.
std::size_t query_bytes(const Keys& keys, int n_heads_padded) {
  return keys.index_format != Format::kF32 ? static_cast<std::size_t>(n_heads_padded) * (static_cast<std::size_t>(keys.index_pitch) + 4) : 0;
}

/// Heads of the packed queries: the portable kernel wants multiples of 8, the one for Hopper 32 or 64.
int padded_heads(const Keys& keys, const TensorView& queries) {
  const auto n_heads = static_cast<int>(queries.shape[1]);
  if (keys.index_format == Format::kF8) return n_heads <= 32 ? 32 : n_heads <= 64 ? 64 : (n_heads + 63) / 64 * 64;
  return (n_heads + 7) / 8 * 8;
}

/// Queries [first, first + n) of a call.
bool prepare_queries(Device& device, Work& work, const Keys& keys, const TensorView& queries, const TensorView& head_weights,
                     std::int64_t first, std::int64_t n, IndexQueries& out) {
  const auto n_heads = static_cast<int>(queries.shape[1]);
  out.n = n;
  out.n_heads = n_heads;
  out.n_heads_padded = padded_heads(keys, queries);
  out.values = queries.as<const float>() + first * n_heads * keys.index_dim;
  out.weights = head_weights.as<const float>() + first * n_heads;
  // More heads than the kernel for e4m3 takes: the f32 kernel reads those keys too.
  if (keys.index_format == Format::kF32 || (keys.index_format == Format::kF8 && out.n_heads_padded > 64)) return true;
  auto* packed = work.take<std::byte>(n * out.n_heads_padded * keys.index_pitch);
  auto* weights = work.take<float>(n * out.n_heads_padded);
  if (packed == nullptr || weights == nullptr) return device.check(cudaErrorMemoryAllocation, kNoWork);
  if (!device.check(pack_index_queries(device.queue(), keys, out.values, out.weights, n, n_heads, out.n_heads_padded, packed, weights),
                    "rounding the indexer's queries"))
    return false;
  out.packed = packed;
  out.weights = weights;
  return true;
}

bool score_on(Device& device, const Keys& keys, const IndexQueries& queries, std::int64_t first_position, std::int64_t n_keys, float* scores,
              std::int64_t pitch) {
  if (hopper_score(device, keys, queries, first_position, n_keys, scores, pitch)) return true;
  return device.check(score(device.queue(), keys, queries, first_position, n_keys, scores, pitch), "scoring keys");
}

}  // namespace

void select_keys(Device& device, const SelectKeysArgs& args) {
  const Keys& keys = resident(args.cache).keys();
  const std::int64_t n_queries = args.queries.shape[0];
  const int n_heads_padded = padded_heads(keys, args.queries);
  TopArgs top;
  top.k = args.indices.shape[1];
  top.keep_window = args.keep_window;
  top.n_keep_ranges = args.n_keep_ranges;
  const std::size_t range_bytes = static_cast<std::size_t>(args.n_keep_ranges) * 16;
  for (std::int64_t first = 0; first < n_queries && !device.stopped();) {
    // The scores of a few rows at a time: a fixed amount of memory however long the context.
    const std::int64_t pitch = (args.first_position + n_queries + 31) / 32 * 32;
    const std::size_t row_bytes = static_cast<std::size_t>(pitch) * 4 + query_bytes(keys, n_heads_padded);
    const std::size_t fixed = range_bytes + kVectorRows * kTopWork * sizeof(int);
    const std::size_t left = device.work_bytes() > fixed ? device.work_bytes() - fixed : 0;
    const std::int64_t n = rows_that_fit(left, row_bytes, std::min(kMostRows, n_queries - first));
    if (n == 0) {
      device.check(cudaErrorMemoryAllocation, kNoWork);
      return;
    }
    Work work(device);
    if (args.n_keep_ranges > 0) {
      auto* ranges = work.take<std::int64_t>(std::int64_t{2} * args.n_keep_ranges);
      if (!device.check(cudaMemcpyAsync(ranges, args.keep_ranges, range_bytes, cudaMemcpyHostToDevice, device.stream()), "copying ranges")) return;
      top.keep_ranges = ranges;
    }
    top.first_position = args.first_position + first;
    top.n_queries = n;
    top.indices = args.indices.as<std::int32_t>() + first * top.k;
    top.pitch = pitch;
    const std::int64_t n_keys = top.first_position + n;
    if (n_keys > top.k) {  // while everything that is visible is selected, nothing has to be scored
      IndexQueries queries;
      if (!prepare_queries(device, work, keys, args.queries, args.head_weights, first, n, queries)) return;
      auto* scores = work.take<float>(n * pitch);
      if (!score_on(device, keys, queries, top.first_position, n_keys, scores, pitch)) return;
      top.scores = scores;
    }
    // One token leaves most of the card idle unless its keys are shared by many blocks.
    const bool is_split = n_queries <= kVectorRows && n_keys >= kSplitFrom;
    top.work = is_split ? work.take<int>(n * kTopWork) : nullptr;
    if ((top.work != nullptr || !hopper_select(device, top)) && !device.check(select_top(device.queue(), top), "selecting keys")) return;
    first += n;
  }
}

void score_keys(Device& device, const ScoreKeysArgs& args) {
  const Keys& keys = resident(args.cache).keys();
  const std::int64_t n_queries = args.queries.shape[0];
  const std::int64_t n_keys = args.scores.shape[1];
  const int n_heads_padded = padded_heads(keys, args.queries);
  const std::size_t row_bytes = query_bytes(keys, n_heads_padded) + 1;
  for (std::int64_t first = 0; first < n_queries && !device.stopped();) {
    const std::int64_t n = rows_that_fit(device.work_bytes(), row_bytes, std::min(kMostRows, n_queries - first));
    Work work(device);
    IndexQueries queries;
    if (!prepare_queries(device, work, keys, args.queries, args.head_weights, first, n, queries)) return;
    float* scores = args.scores.as<float>() + first * n_keys;
    if (!score_on(device, keys, queries, args.first_position + first, n_keys, scores, n_keys) ||
        !device.check(hide_future(device.queue(), scores, n, n_keys, args.first_position + first), "scoring keys"))
      return;
    first += n;
  }
}

void attention(Device& device, const AttentionArgs& args) {
  if (hopper_attention(device, args)) return;
  const Keys& keys = resident(args.cache).keys();
  const auto [n_queries, n_heads, latent_dim] = args.q_latent.shape;
  AttentionTask task;
  task.n_heads = static_cast<int>(n_heads);
  task.scale = args.scale;
  task.k = args.indices.shape[1];
  Work work(device);
  task.partial_rows = rows_that_fit(work.left(), static_cast<std::size_t>(latent_dim + 2) * 4, 1 << 16);
  task.partial = work.take<float>(task.partial_rows * latent_dim);
  task.partial_stats = work.take<float>(task.partial_rows * 2);
  for (std::int64_t first = 0; first < n_queries && !device.stopped();) {
    task.n = std::min(kMostRows, n_queries - first);
    task.q_latent = args.q_latent.as<const float>() + first * n_heads * latent_dim;
    task.q_rope = args.q_rope.as<const float>() + first * n_heads * keys.rope_dim;
    task.out = args.out.as<float>() + first * n_heads * latent_dim;
    task.first_position = args.first_position + first;
    task.indices = args.indices.data != nullptr ? args.indices.as<const std::int32_t>() + first * task.k : nullptr;
    if (!device.check(attend(device.queue(), keys, task), "attention")) return;
    first += task.n;
  }
}

void attention_mass(Device& device, const AttentionMassArgs& args) {
  const Keys& keys = resident(args.cache).keys();
  const auto [n_queries, n_heads, latent_dim] = args.q_latent.shape;
  const std::int64_t n_keys = args.mass.shape[1];
  for (std::int64_t t = 0; t < n_queries && !device.stopped(); ++t) {
    const std::int64_t n_visible = std::min(n_keys, args.first_position + t + 1);
    const std::int64_t n_at_once = rows_that_fit(device.work_bytes(), static_cast<std::size_t>(n_visible) * 4, n_heads);
    if (n_at_once == 0) {
      device.check(cudaErrorMemoryAllocation, kNoWork);
      return;
    }
    Work work(device);
    if (!device.check(attention_mass(device.queue(), keys, args.q_latent.as<const float>() + t * n_heads * latent_dim,
                                     args.q_rope.as<const float>() + t * n_heads * keys.rope_dim, static_cast<int>(n_heads),
                                     static_cast<int>(n_at_once), args.scale, n_visible, n_keys, work.take<float>(n_at_once * n_visible),
                                     args.mass.as<float>() + t * n_keys),
                      "the attention distribution"))
      return;
  }
}

void save_keys(Device& device, const DeviceKeyCache& cache, std::int64_t first, std::int64_t n, std::byte* host) {
  const std::int64_t row = cache.keys().latent_dim + cache.keys().rope_dim;
  const std::int64_t index_dim = cache.keys().index_dim;
  auto* out = reinterpret_cast<float*>(host);
  const std::int64_t n_at_once = rows_that_fit(device.work_bytes(), static_cast<std::size_t>(cache.row_floats()) * 4, std::min(n, kMostRows));
  for (std::int64_t done = 0; done < n;) {
    const std::int64_t n_now = std::min(n_at_once, n - done);
    Work work(device);
    auto* latent = work.take<float>(n_now * row);
    auto* index = work.take<float>(n_now * index_dim);
    if (n_now == 0) {
      device.check(cudaErrorMemoryAllocation, kNoWork);
      return;
    }
    if (!device.check(read_keys(device.queue(), cache.keys(), first + done, n_now, latent, index), "reading keys") ||
        !device.check(cudaMemcpyAsync(out + done * row, latent, static_cast<std::size_t>(n_now * row) * 4, cudaMemcpyDeviceToHost, device.stream()), "reading keys") ||
        !device.check(cudaMemcpyAsync(out + n * row + done * index_dim, index, static_cast<std::size_t>(n_now * index_dim) * 4,
                                      cudaMemcpyDeviceToHost, device.stream()),
                      "reading keys"))
      return;
    done += n_now;
  }
  device.wait();
}

void load_keys(Device& device, const DeviceKeyCache& cache, std::int64_t first, std::int64_t n, const std::byte* host) {
  const std::int64_t row = cache.keys().latent_dim + cache.keys().rope_dim;
  const std::int64_t index_dim = cache.keys().index_dim;
  const auto* in = reinterpret_cast<const float*>(host);
  const std::int64_t n_at_once = rows_that_fit(device.work_bytes(), static_cast<std::size_t>(cache.row_floats()) * 4, std::min(n, kMostRows));
  for (std::int64_t done = 0; done < n;) {
    const std::int64_t n_now = std::min(n_at_once, n - done);
    Work work(device);
    auto* latent = work.take<float>(n_now * row);
    auto* index = work.take<float>(n_now * index_dim);
    if (n_now == 0) {
      device.check(cudaErrorMemoryAllocation, kNoWork);
      return;
    }
    if (!device.check(cudaMemcpyAsync(latent, in + done * row, static_cast<std::size_t>(n_now * row) * 4, cudaMemcpyHostToDevice, device.stream()), "loading keys") ||
        !device.check(cudaMemcpyAsync(index, in + n * row + done * index_dim, static_cast<std::size_t>(n_now * index_dim) * 4,
                                      cudaMemcpyHostToDevice, device.stream()),
                      "loading keys") ||
        !device.check(write_keys(device.queue(), cache.keys(), first + done, n_now, latent, row, latent + cache.keys().latent_dim, row, index),
                      "loading keys"))
      return;
    done += n_now;
  }
}

}  // namespace kernels::cuda
