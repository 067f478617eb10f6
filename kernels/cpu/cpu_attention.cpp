#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "kernels/cpu/cpu_operations.h"
#include "kernels/reference/number_formats.h"

namespace kernels::cpu {
namespace {

constexpr int kMaxLanes = 32;              // query-heads that one task carries through its keys
constexpr std::int64_t kSelectedPerTask = 4;  // groups of lanes that follow each other on one thread
constexpr std::int64_t kSplitKeys = 4096;  // keys summed from zero; the parts are joined in order

/// Query-heads [first, first + n) of all [n_queries * n_heads], padded to whole registers.
struct Lanes {
  std::int64_t first = 0;
  int n = 0;
  int padded() const { return (n + 7) / 8 * 8; }
};

/// Running softmax of one group of lanes: q, largest, sum, out and a tile of scores.
class LaneState {
 public:
  LaneState(const Cpu& cpu, const PanelKeyCache& cache)
      : latent_dim_(cache.shape().latent_dim),
        row_dim_(cache.row_dim()),
        bf16_(cache.formats().latent == Format::kBF16),
        native_(bf16_ && cpu.kernels.native_bf16) {
    const std::size_t lanes = kMaxLanes;
    const auto latent = static_cast<std::size_t>((latent_dim_ + kEightBlock - 1) / kEightBlock * kEightBlock);
    q_.resize(static_cast<std::size_t>(row_dim_ + 1) * lanes);
    part_.resize(latent * lanes);
    whole_.resize(part_.size());
    scratch_.resize(kKeyTile * lanes);
    row_.resize(static_cast<std::size_t>(row_dim_));
    halves_.resize(static_cast<std::size_t>((row_dim_ + 31) / 32 * 16));
    if (native_) side_.resize(kKeyTile * (latent + lanes));
    if (bf16_ && !native_) widened_.resize(static_cast<std::size_t>(kKeyTile * row_dim_));
  }

  void start(const Cpu& cpu, const AttentionArgs& args, const Lanes& lanes) {
    lanes_ = lanes;
    const auto* latent = args.q_latent.as<const float>() + lanes.first * latent_dim_;
    const std::int64_t rope_dim = row_dim_ - latent_dim_;
    const auto* rope = args.q_rope.as<const float>() + lanes.first * rope_dim;
    for (int lane = 0; lane < lanes.n; ++lane)
      set_q(cpu, lane, args.scale, latent + static_cast<std::ptrdiff_t>(lane) * latent_dim_,
            rope + lane * rope_dim);
    for (int lane = lanes.n; lane < lanes.padded(); ++lane) clear_q(lane);
    eight_ = native_ && lanes_.padded() == 8;
    reset_part();
    has_whole_ = false;
  }

  void attend(const Cpu& cpu, const void** rows, int n_keys, const int* n_visible,
              const void* const* next_rows, int n_next) {
    if (bf16_ && !native_) {
      for (int j = 0; j < n_keys; ++j) {
        float* row = widened_.data() + static_cast<std::ptrdiff_t>(j) * row_dim_;
        cpu.kernels.widen_bf16(static_cast<const std::uint16_t*>(rows[j]), row, row_dim_);
        rows[j] = row;
      }
    }
    const AttentionTile tile{rows,      rows,        n_keys,      latent_dim_, row_dim_,     lanes_.padded(), q_.data(),
                             n_visible, largest_,    sum_,        part_.data(), scratch_.data(), next_rows,
                             n_next,    side_.data()};
    const auto attend_lanes = native_ ? cpu.kernels.attend_bf16 : cpu.kernels.attend_f32;
    (eight_ ? cpu.kernels.attend_eight : attend_lanes)(tile);
  }

  /// Working memory: the rows that this query and the next one selected.
  std::vector<const void*>& rows() { return rows_; }
  std::vector<const void*>& next_rows() { return next_rows_; }

  /// Joins the part that was summed since the last call to the whole.
  void end_part() {
    if (!has_whole_) {
      std::swap(whole_, part_);
      std::copy(largest_, largest_ + kMaxLanes, whole_largest_);
      std::copy(sum_, sum_ + kMaxLanes, whole_sum_);
      has_whole_ = true;
      return reset_part();
    }
    const int n = lanes_.padded();
    float old_factor[kMaxLanes];
    float new_factor[kMaxLanes];
    for (int lane = 0; lane < n; ++lane) {
      const float largest = std::max(whole_largest_[lane], largest_[lane]);
      const float origin = largest == -INFINITY ? 0.0f : largest;
      old_factor[lane] = std::exp(whole_largest_[lane] - origin);
      new_factor[lane] = std::exp(largest_[lane] - origin);
      whole_largest_[lane] = largest;
      whole_sum_[lane] = whole_sum_[lane] * old_factor[lane] + sum_[lane] * new_factor[lane];
    }
    for (int i = 0; i < width(); ++i)
      for (int lane = 0; lane < n; ++lane) {
        float& whole = whole_[place(i, lane)];
        whole = whole * old_factor[lane] + part_[place(i, lane)] * new_factor[lane];
      }
    reset_part();
  }

  void write(float* out) const {
    for (int lane = 0; lane < lanes_.n; ++lane) {
      const float scale = whole_sum_[lane] > 0 ? 1.0f / whole_sum_[lane] : 0.0f;
      float* row = out + (lanes_.first + lane) * latent_dim_;
      if (eight_) {
        for (int first = 0; first < latent_dim_; first += kEightFour) {
          const float* four = &whole_[place(first / kEightBlock * kEightBlock, lane)] + eight_place(first % kEightBlock);
          const int n = std::min(kEightFour, latent_dim_ - first);
          for (int i = 0; i < n; ++i) row[first + i] = four[i] * scale;
        }
      } else {
        for (int d = 0; d < latent_dim_; ++d) row[d] = whole_[place(d, lane)] * scale;
      }
    }
  }

 private:
  /// q[d][lane] = scale * (latent, rope)[d].
  void set_q(const Cpu& cpu, int lane, float scale, const float* latent, const float* rope) {
    const int n = lanes_.padded();
    float* row = row_.data();
    for (int d = 0; d < latent_dim_; ++d) row[d] = scale * latent[d];
    for (int d = latent_dim_; d < row_dim_; ++d) row[d] = scale * rope[d - latent_dim_];
    if (!native_) {
      for (int d = 0; d < row_dim_; ++d)
        q_[static_cast<std::size_t>(d) * static_cast<std::size_t>(n) + static_cast<std::size_t>(lane)] =
            row[d];
      return;
    }
    // Rounded side by side first: that is many values at once, and then whole pairs move.
    cpu.kernels.pack_bf16(row, row_dim_, reinterpret_cast<std::byte*>(halves_.data()), kChunkBytes);
    auto* words = reinterpret_cast<std::uint32_t*>(q_.data()) + lane;
    const std::uint32_t* pairs = halves_.data();
    for (int d = 0; d < (row_dim_ + 1) / 2; ++d) words[static_cast<std::ptrdiff_t>(d) * n] = pairs[d];
  }
  void clear_q(int lane) {
    const int n = lanes_.padded();
    for (int d = 0; d < row_dim_; ++d)
      q_[static_cast<std::size_t>(d) * static_cast<std::size_t>(n) + static_cast<std::size_t>(lane)] = 0.0f;
  }
  /// Numbers that belong to one lane, and where number `i` of them lies.
  int width() const {
    return eight_ ? (latent_dim_ + kEightBlock - 1) / kEightBlock * kEightBlock : latent_dim_;
  }
  std::size_t place(int i, int lane) const {
    return static_cast<std::size_t>(eight_ ? lane * width() + i : i * lanes_.padded() + lane);
  }
  void reset_part() {
    std::fill_n(part_.begin(), width() * lanes_.padded(), 0.0f);
    std::fill(largest_, largest_ + kMaxLanes, -INFINITY);
    std::fill(sum_, sum_ + kMaxLanes, 0.0f);
  }

  int latent_dim_;
  int row_dim_;
  bool bf16_;    // the cache's rows
  bool native_;  // and the inner loops take them as they are
  bool eight_ = false;      // sums lie as attend_eight wants them
  bool has_whole_ = false;  // whole_ holds something
  Lanes lanes_;
  std::vector<float> q_;
  std::vector<float> part_;
  std::vector<float> whole_;
  std::vector<float> scratch_;
  std::vector<std::uint16_t> side_;
  std::vector<float> widened_;
  std::vector<const void*> rows_;
  std::vector<const void*> next_rows_;
  std::vector<float> row_;             // one query-head
  std::vector<std::uint32_t> halves_;  // the same in pairs of bf16
  float largest_[kMaxLanes] = {};
  float sum_[kMaxLanes] = {};
  float whole_largest_[kMaxLanes] = {};
  float whole_sum_[kMaxLanes] = {};
};

/// Keys [0, n_visible) of the lanes' last query; earlier queries of the group see fewer.
void attend_all(const Cpu& cpu, const PanelKeyCache& cache, const AttentionArgs& args, const Lanes& lanes,
                int thread, LaneState& state) {
  const std::int64_t n_heads = args.q_latent.shape[1];
  const std::int64_t last = args.first_position + (lanes.first + lanes.n - 1) / n_heads;
  const void* rows[kKeyTile];
  int n_visible[kMaxLanes];
  state.start(cpu, args, lanes);
  for (std::int64_t s = 0; s <= last && !cpu.stop.poll(thread); s += kKeyTile) {
    if (s > 0 && s % kSplitKeys == 0) state.end_part();
    const int n_keys = static_cast<int>(std::min<std::int64_t>(kKeyTile, last + 1 - s));
    for (int j = 0; j < n_keys; ++j) rows[j] = cache.latent(s + j);
    for (int lane = 0; lane < lanes.padded(); ++lane) {
      const std::int64_t query = args.first_position + (lanes.first + std::min(lane, lanes.n - 1)) / n_heads;
      n_visible[lane] = static_cast<int>(std::clamp<std::int64_t>(query + 1 - s, 0, n_keys));
    }
    state.attend(cpu, rows, n_keys, n_visible, nullptr, 0);
  }
}

/// The rows that one query selected.
void selected_rows(const PanelKeyCache& cache, const AttentionArgs& args, std::int64_t query,
                                 std::vector<const void*>& rows) {
  const std::int64_t k = args.indices.shape[1];
  const auto* indices = args.indices.as<const std::int32_t>() + query * k;
  rows.clear();
  for (std::int64_t j = 0; j < k; ++j)
    if (indices[j] >= 0 && indices[j] <= args.first_position + query) rows.push_back(cache.latent(indices[j]));
}

/// The selected keys of the queries that `tasks` belong to, one after the other. Each tile of keys is fetched
/// while the one before is multiplied, the first of a query with the last of its predecessor.
void attend_selected(const Cpu& cpu, const PanelKeyCache& cache, const AttentionArgs& args,
                     std::span<const Lanes> tasks, int thread, LaneState& state) {
  const std::int64_t n_heads = args.q_latent.shape[1];
  std::vector<const void*>& rows = state.rows();
  std::vector<const void*>& next_rows = state.next_rows();
  selected_rows(cache, args, tasks[0].first / n_heads, rows);
  for (std::size_t j = 0; j < std::min<std::size_t>(rows.size(), kKeyTile); ++j)
    for (std::int64_t at = 0; at < cache.row_bytes(); at += 64)
      __builtin_prefetch(static_cast<const char*>(rows[j]) + at, 0, 2);
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    state.start(cpu, args, tasks[i]);
    next_rows.clear();
    if (i + 1 < tasks.size()) selected_rows(cache, args, tasks[i + 1].first / n_heads, next_rows);
    const auto n = static_cast<std::int64_t>(rows.size());
    for (std::int64_t s = 0; s < n && !cpu.stop.poll(thread); s += kKeyTile) {
      if (s > 0 && s % kSplitKeys == 0) state.end_part();
      const std::int64_t end = std::min(n, s + kKeyTile);
      const std::span<const void*> next =
          end < n ? std::span(rows).subspan(static_cast<std::size_t>(end)) : std::span(next_rows);
      state.attend(cpu, rows.data() + s, static_cast<int>(end - s), nullptr, next.data(),
                   static_cast<int>(std::min<std::size_t>(kKeyTile, next.size())));
    }
    state.end_part();
    state.write(args.out.as<float>());
    std::swap(rows, next_rows);
  }
}

/// How many of the first queries read every key that they may see: dense attention gives the same sums for less, since
/// neighbours share what they read. Indices ascend, so the last of them tells.
std::int64_t n_reading_all(const AttentionArgs& args) {
  const std::int64_t n_queries = args.q_latent.shape[0];
  if (args.indices.data == nullptr) return n_queries;
  const std::int64_t k = args.indices.shape[1];
  const auto* indices = args.indices.as<const std::int32_t>();
  std::int64_t n = 0;
  for (; n < n_queries; ++n) {
    const std::int64_t position = args.first_position + n;
    if (position >= k || indices[n * k + position] != position) break;
  }
  return n;
}

/// Queries [begin, end), `n_together` of them beside each other as far as lanes reach.
std::vector<Lanes> lanes_of(std::int64_t begin, std::int64_t end, std::int64_t n_heads, std::int64_t n_together) {
  std::vector<Lanes> lanes;
  for (std::int64_t t = begin; t < end; t += n_together) {
    const std::int64_t last = std::min(end, t + n_together) * n_heads;
    for (std::int64_t first = t * n_heads; first < last; first += kMaxLanes)
      lanes.push_back({first, static_cast<int>(std::min<std::int64_t>(kMaxLanes, last - first))});
  }
  return lanes;
}

}  // namespace

void attention(Cpu& cpu, const AttentionArgs& args) {
  const PanelKeyCache& cache = panels(args.cache);
  const auto [n_queries, n_heads, latent_dim] = args.q_latent.shape;
  const std::int64_t n_dense = n_reading_all(args);
  const std::vector<Lanes> dense = lanes_of(0, n_dense, n_heads, std::max<std::int64_t>(1, kMaxLanes / n_heads));
  const std::vector<Lanes> selected = lanes_of(n_dense, n_queries, n_heads, 1);
  std::vector<LaneState> states(static_cast<std::size_t>(cpu.pool.n_threads()), LaneState(cpu, cache));
  const auto n_dense_tasks = static_cast<std::int64_t>(dense.size());
  const auto n_selected = static_cast<std::int64_t>(selected.size());
  cpu.pool.run(n_dense_tasks + (n_selected + kSelectedPerTask - 1) / kSelectedPerTask, [&](std::int64_t i, int thread) {
    LaneState& state = states[static_cast<std::size_t>(thread)];
    if (i >= n_dense_tasks) {
      const auto first = static_cast<std::size_t>((i - n_dense_tasks) * kSelectedPerTask);
      const auto n = std::min<std::size_t>(selected.size() - first, kSelectedPerTask);
      return attend_selected(cpu, cache, args, std::span(selected).subspan(first, n), thread, state);
    }
    attend_all(cpu, cache, args, dense[static_cast<std::size_t>(i)], thread, state);
    state.end_part();
    state.write(args.out.as<float>());
  });
}

namespace {

constexpr std::int64_t kMassHeads = 8;  // whose products one pass over the keys makes
constexpr std::int64_t kMassKeys = 512;

/// Sixteen sums side by side: one alone would wait for every product.
float dot(const float* a, const float* b, std::int64_t n) {
  constexpr int kSums = 16;
  float sums[kSums] = {};
  std::int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (int j = 0; j < kSums; ++j) sums[j] += a[i + j] * b[i + j];
  }
  float sum = 0;
  for (const float one : sums) sum += one;
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// Makes weights of one head's products: their softmax over `n_heads`.
void soften(float* p, std::int64_t n, std::int64_t n_heads) {
  const float largest = *std::max_element(p, p + n);
  float sum = 0;
  for (std::int64_t s = 0; s < n; ++s) sum += p[s] = std::exp(p[s] - largest);
  const float scale = 1 / (sum * static_cast<float>(n_heads));
  for (std::int64_t s = 0; s < n; ++s) p[s] *= scale;
}

}  // namespace

void attention_mass(Cpu& cpu, const AttentionMassArgs& args) {
  const PanelKeyCache& cache = panels(args.cache);
  const auto [n_queries, n_heads, latent_dim] = args.q_latent.shape;
  const std::int64_t rope_dim = cache.shape().rope_dim, row_dim = cache.row_dim(), n_keys = args.mass.shape[1];
  std::vector<float> weights(static_cast<std::size_t>(kMassHeads * n_keys));
  std::vector<float> keys(static_cast<std::size_t>(cpu.pool.n_threads() * row_dim));
  for (std::int64_t t = 0; t < n_queries; ++t) {
    float* mass = args.mass.as<float>() + t * n_keys;
    const std::int64_t n_visible = std::min(n_keys, args.first_position + t + 1);
    std::fill(mass, mass + n_keys, 0.0f);
    for (std::int64_t first = 0; first < n_heads; first += kMassHeads) {
      const std::int64_t n = std::min<std::int64_t>(kMassHeads, n_heads - first);
      const float* q = args.q_latent.as<const float>() + (t * n_heads + first) * latent_dim;
      const float* q_rope = args.q_rope.as<const float>() + (t * n_heads + first) * rope_dim;
      cpu.pool.run((n_visible + kMassKeys - 1) / kMassKeys, [&, dim = latent_dim](std::int64_t task, int thread) {
        if (cpu.stop.poll(thread)) return;
        float* key = keys.data() + thread * row_dim;
        for (std::int64_t s = task * kMassKeys; s < std::min(n_visible, (task + 1) * kMassKeys); ++s) {
          cache.get_latent(s, key);
          for (std::int64_t h = 0; h < n; ++h) {
            weights[static_cast<std::size_t>(h * n_keys + s)] = args.scale * (dot(q + h * dim, key, dim) + dot(q_rope + h * rope_dim, key + dim, rope_dim));
          }
        }
      });
      cpu.pool.run(n, [&, all = n_heads](std::int64_t h, int) { soften(weights.data() + h * n_keys, n_visible, all); });
      for (std::int64_t h = 0; h < n; ++h) {
        for (std::int64_t s = 0; s < n_visible; ++s) mass[s] += weights[static_cast<std::size_t>(h * n_keys + s)];
      }
    }
  }
}

}  // namespace kernels::cpu
