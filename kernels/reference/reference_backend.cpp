#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "kernels/api/backend.h"
#include "kernels/reference/checks.h"
#include "kernels/reference/host_memory.h"
#include "kernels/reference/key_selection.h"
#include "kernels/reference/number_formats.h"
#include "kernels/reference/row_operations.h"

namespace kernels {
namespace {

class PlainMatrix final : public Matrix {
 public:
  PlainMatrix(std::int64_t n_out, std::int64_t n_in, std::unique_ptr<HostBuffer> values)
      : n_out_(n_out), n_in_(n_in), values_(std::move(values)) {}
  std::int64_t n_out() const override { return n_out_; }
  std::int64_t n_in() const override { return n_in_; }
  std::size_t size_bytes() const override { return values_->size_bytes(); }
  const float* row(std::int64_t i) const { return values_->as<float>() + i * n_in_; }

 private:
  std::int64_t n_out_;
  std::int64_t n_in_;
  std::unique_ptr<HostBuffer> values_;
};

class PlainKeyCache final : public KeyCache {
 public:
  PlainKeyCache(const KeyCacheShape& shape, std::unique_ptr<HostBuffer> values)
      : shape_(shape), values_(std::move(values)) {}
  std::int64_t capacity() const override { return shape_.capacity; }
  std::size_t size_bytes() const override { return values_->size_bytes(); }
  const KeyCacheShape& shape() const { return shape_; }
  int latent_row() const { return shape_.latent_dim + shape_.rope_dim; }
  float* latent(std::int64_t position) const { return values_->as<float>() + position * latent_row(); }
  float* index(std::int64_t position) const {
    return values_->as<float>() + shape_.capacity * latent_row() + position * shape_.index_dim;
  }

 private:
  KeyCacheShape shape_;
  std::unique_ptr<HostBuffer> values_;
};

const PlainMatrix& plain(const Matrix* matrix) {
  return static_cast<const PlainMatrix&>(*matrix);
}
const PlainKeyCache& plain(const KeyCache* cache) {
  return static_cast<const PlainKeyCache&>(*cache);
}

float dot(const float* a, const float* b, std::int64_t n) {
  float sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

float index_score(const float* queries, const float* head_weights, std::int64_t n_heads, const float* key,
                  int dim) {
  float score = 0;
  for (std::int64_t h = 0; h < n_heads; ++h) {
    const float value = dot(queries + h * dim, key, dim);
    score += head_weights[h] * (value < 0 ? 0 : value);  // a NaN goes through
  }
  return score;
}

/// down( silu(gate x) * (up x) ), added to `out` times `factor`.
void add_feed_forward(const FeedForwardWeights& weights, const float* in, float factor,
                      std::vector<float>& inner, float* out) {
  const std::int64_t n_hidden = weights.gate->n_in();
  const std::int64_t n_inner = weights.gate->n_out();
  inner.resize(static_cast<std::size_t>(n_inner));
  for (std::int64_t i = 0; i < n_inner; ++i) {
    const float gate = dot(plain(weights.gate).row(i), in, n_hidden);
    const float up = dot(plain(weights.up).row(i), in, n_hidden);
    inner[static_cast<std::size_t>(i)] = gate / (1.0f + std::exp(-gate)) * up;
  }
  for (std::int64_t i = 0; i < n_hidden; ++i)
    out[i] += factor * dot(plain(weights.down).row(i), inner.data(), n_inner);
}

class ReferenceBackend final : public Backend {
 public:
  std::string name() const override { return "Reference, plain f32 loops"; }
  std::size_t memory_free_bytes() const override { return host_memory_free_bytes(); }

  DeviceResult<std::unique_ptr<Buffer>> allocate(std::size_t n_bytes) override {
    auto buffer = HostBuffer::create(n_bytes);
    if (buffer == nullptr) return out_of_memory("a working buffer", n_bytes);
    return std::unique_ptr<Buffer>(std::move(buffer));
  }

  DeviceResult<std::unique_ptr<Matrix>> load_matrix(const MatrixSource& source) override {
    if (const char* fault = matrix_source_fault(source))
      return DeviceError{false, std::string("A weight matrix cannot be loaded: ") + fault + "."};
    const auto n_bytes = checked_product(source.n_out, source.n_in, 4);
    auto values = n_bytes ? HostBuffer::create(*n_bytes) : nullptr;
    if (values == nullptr) return out_of_memory("a weight matrix", n_bytes.value_or(SIZE_MAX));
    for (std::int64_t i = 0; i < source.n_out; ++i)
      decode_row(source, i, values->as<float>() + i * source.n_in);
    return std::unique_ptr<Matrix>(
        std::make_unique<PlainMatrix>(source.n_out, source.n_in, std::move(values)));
  }

  DeviceResult<std::unique_ptr<KeyCache>> make_key_cache(const KeyCacheShape& shape) override {
    const auto n_bytes =
        checked_product(shape.capacity, std::int64_t{shape.latent_dim} + shape.rope_dim + shape.index_dim, 4);
    auto values = n_bytes ? HostBuffer::create(*n_bytes) : nullptr;
    if (values == nullptr) return out_of_memory("the keys of one layer", n_bytes.value_or(SIZE_MAX));
    return std::unique_ptr<KeyCache>(std::make_unique<PlainKeyCache>(shape, std::move(values)));
  }

  void copy_to_device(const void* host, TensorView device) override {
    std::memcpy(device.data, host, static_cast<std::size_t>(device.n_elements()) * size_of(device.dtype));
  }
  void copy_to_host(TensorView device, void* host) override {
    std::memcpy(host, device.data, static_cast<std::size_t>(device.n_elements()) * size_of(device.dtype));
  }

  std::size_t key_row_bytes(const KeyCache& cache) const override {
    return static_cast<std::size_t>(plain(&cache).latent_row() + plain(&cache).shape().index_dim) * 4;
  }

  void save_keys(const KeyCache& cache, std::int64_t first, std::int64_t n, std::byte* host) override {
    const PlainKeyCache& keys = plain(&cache);
    require("save_keys", first >= 0 && n >= 0 && first + n <= keys.capacity(), "the rows leave the cache");
    const std::size_t latent_bytes = static_cast<std::size_t>(n * keys.latent_row()) * 4;
    std::memcpy(host, keys.latent(first), latent_bytes);
    std::memcpy(host + latent_bytes, keys.index(first),
                static_cast<std::size_t>(n * keys.shape().index_dim) * 4);
  }

  void load_keys(KeyCache& cache, std::int64_t first, std::int64_t n, const std::byte* host) override {
    const PlainKeyCache& keys = plain(&cache);
    require("load_keys", first >= 0 && n >= 0 && first + n <= keys.capacity(), "the rows leave the cache");
    const std::size_t latent_bytes = static_cast<std::size_t>(n * keys.latent_row()) * 4;
    std::memcpy(keys.latent(first), host, latent_bytes);
    std::memcpy(keys.index(first), host + latent_bytes,
                static_cast<std::size_t>(n * keys.shape().index_dim) * 4);
  }

  void embed(const EmbedArgs& args) override {
    check(args);
    const std::int64_t n = args.table->n_in();
    for (std::int64_t t = 0; t < args.out.shape[0]; ++t)
      std::memcpy(args.out.as<float>() + t * n, plain(args.table).row(args.ids[t]),
                  static_cast<std::size_t>(n) * 4);
  }

  void matmul(const MatmulArgs& args) override {
    check(args);
    const std::int64_t n_in = args.weight->n_in();
    const std::int64_t n_out = args.weight->n_out();
    for (std::int64_t t = 0; t < args.in.shape[0] && !stopped(); ++t) {
      const float* in = args.in.as<const float>() + t * n_in;
      float* out = args.out.as<float>() + t * n_out;
      for (std::int64_t o = 0; o < n_out; ++o) {
        const float sum = dot(plain(args.weight).row(o), in, n_in);
        out[o] = args.accumulate ? out[o] + sum : sum;
      }
    }
  }

  void matmul_heads(const MatmulHeadsArgs& args) override {
    check(args);
    const auto [n_tokens, n_heads, n_in] = args.in.shape;
    const std::int64_t n_out = args.out.shape[2];
    for (std::int64_t t = 0; t < n_tokens && !stopped(); ++t) {
      const float* in = args.in.as<const float>() + t * n_heads * n_in;
      float* out = args.out.as<float>() + t * n_heads * n_out;
      for (std::int64_t i = 0; i < n_heads * n_out; ++i)
        out[i] = dot(plain(args.weight).row(i), in + i / n_out * n_in, n_in);
    }
  }

  void rms_norm(const RmsNormArgs& args) override {
    check(args);
    rows::rms_norm(args, 0, args.in.shape[0]);
  }
  void layer_norm(const LayerNormArgs& args) override {
    check(args);
    rows::layer_norm(args, 0, args.in.shape[0]);
  }
  void rotate(const RotateArgs& args) override {
    check(args);
    rows::rotate(args, 0, args.values.shape[0]);
  }
  void hadamard(const HadamardArgs& args) override {
    check(args);
    rows::hadamard(args, 0, args.values.shape[0]);
  }

  void store_keys(const StoreKeysArgs& args) override {
    require("store_keys", args.cache != nullptr, "the cache is missing");
    const PlainKeyCache& cache = plain(args.cache);
    check(args, cache.shape());
    const auto [capacity, latent_dim, rope_dim, index_dim] = cache.shape();
    const auto copy = [](float* to, const TensorView& from, std::int64_t row, int n) {
      if (n > 0) std::memcpy(to, from.as<const float>() + row * n, static_cast<std::size_t>(n) * 4);
    };
    for (std::int64_t t = 0; t < args.latent.shape[0]; ++t) {
      copy(cache.latent(args.first_position + t), args.latent, t, latent_dim);
      copy(cache.latent(args.first_position + t) + latent_dim, args.rope, t, rope_dim);
      copy(cache.index(args.first_position + t), args.index_keys, t, index_dim);
    }
  }

  void select_keys(const SelectKeysArgs& args) override {
    require("select_keys", args.cache != nullptr, "the cache is missing");
    const PlainKeyCache& cache = plain(args.cache);
    check(args, cache.shape());
    const auto [n_queries, n_heads, dim] = args.queries.shape;
    const std::int64_t k = args.indices.shape[1];
    std::vector<std::uint64_t> ranks;
    for (std::int64_t t = 0; t < n_queries && !stopped(); ++t) {
      const std::int64_t n_visible = args.first_position + t + 1;
      ranks.clear();
      for (std::int64_t s = 0; s < n_visible; ++s) {
        if (is_muted(args, s, n_visible - 1)) continue;
        const float score = index_score(args.queries.as<const float>() + t * n_heads * dim,
                                        args.head_weights.as<const float>() + t * n_heads, n_heads,
                                        cache.index(s), cache.shape().index_dim);
        ranks.push_back(selection_rank(score, static_cast<std::int32_t>(s)));
      }
      const std::vector<std::int32_t> kept = kept_positions(args, n_visible, k);
      for (std::uint64_t& rank : ranks)
        if (std::binary_search(kept.begin(), kept.end(), position_of(rank))) rank |= ~std::uint64_t{0} << 32;
      std::sort(ranks.begin(), ranks.end(), std::greater<>());
      auto* indices = args.indices.as<std::int32_t>() + t * k;
      const auto n_selected = std::min(k, static_cast<std::int64_t>(ranks.size()));
      for (std::int64_t j = 0; j < k; ++j)
        indices[j] = j < n_selected ? position_of(ranks[static_cast<std::size_t>(j)]) : -1;
      std::sort(indices, indices + n_selected);
    }
  }

  void score_keys(const ScoreKeysArgs& args) override {
    require("score_keys", args.cache != nullptr, "the cache is missing");
    const PlainKeyCache& cache = plain(args.cache);
    check(args, cache.shape());
    const auto [n_queries, n_heads, dim] = args.queries.shape;
    const std::int64_t n_keys = args.scores.shape[1];
    for (std::int64_t t = 0; t < n_queries && !stopped(); ++t) {
      for (std::int64_t s = 0; s < n_keys; ++s) {
        args.scores.as<float>()[t * n_keys + s] =
            s > args.first_position + t ? -std::numeric_limits<float>::infinity()
                                        : index_score(args.queries.as<const float>() + t * n_heads * dim,
                                                      args.head_weights.as<const float>() + t * n_heads,
                                                      n_heads, cache.index(s), cache.shape().index_dim);
      }
    }
  }

  void attention(const AttentionArgs& args) override {
    require("attention", args.cache != nullptr, "the cache is missing");
    const PlainKeyCache& cache = plain(args.cache);
    check(args, cache.shape());
    const auto [n_queries, n_heads, latent_dim] = args.q_latent.shape;
    const std::int64_t k = args.indices.shape[1];
    std::vector<std::int32_t> visible;
    std::vector<float> p;
    for (std::int64_t t = 0; t < n_queries && !stopped(); ++t) {
      const std::int64_t n_visible = args.first_position + t + 1;
      visible.clear();
      if (args.indices.data != nullptr) {
        const auto* indices = args.indices.as<const std::int32_t>() + t * k;
        std::copy_if(indices, indices + k, std::back_inserter(visible),
                     [n = n_visible](std::int32_t s) { return s >= 0 && s < n; });
      } else {
        for (std::int64_t s = 0; s < n_visible; ++s) visible.push_back(static_cast<std::int32_t>(s));
      }
      for (std::int64_t h = 0; h < n_heads; ++h) {
        attention_weights(cache, args.q_latent, args.q_rope, t * n_heads + h, args.scale, visible, p);
        float* out = args.out.as<float>() + (t * n_heads + h) * latent_dim;
        std::fill(out, out + latent_dim, 0.0f);
        for (std::size_t j = 0; j < visible.size(); ++j) {
          const float* c = cache.latent(visible[j]);
          for (std::int64_t d = 0; d < latent_dim; ++d) out[d] += p[j] * c[d];
        }
      }
    }
  }

  void attention_mass(const AttentionMassArgs& args) override {
    require("attention_mass", args.cache != nullptr, "the cache is missing");
    const PlainKeyCache& cache = plain(args.cache);
    check(args, cache.shape());
    const std::int64_t n_heads = args.q_latent.shape[1];
    const std::int64_t n_keys = args.mass.shape[1];
    std::vector<std::int32_t> visible;
    std::vector<float> p;
    for (std::int64_t t = 0; t < args.q_latent.shape[0] && !stopped(); ++t) {
      float* mass = args.mass.as<float>() + t * n_keys;
      std::fill(mass, mass + n_keys, 0.0f);
      visible.clear();
      for (std::int64_t s = 0; s < std::min(n_keys, args.first_position + t + 1); ++s)
        visible.push_back(static_cast<std::int32_t>(s));
      for (std::int64_t h = 0; h < n_heads; ++h) {
        attention_weights(cache, args.q_latent, args.q_rope, t * n_heads + h, args.scale, visible, p);
        for (std::size_t s = 0; s < p.size(); ++s) mass[s] += p[s] / static_cast<float>(n_heads);
      }
    }
  }

  void route_experts(const RouteExpertsArgs& args) override {
    check(args);
    rows::route_experts(args, 0, args.logits.shape[0]);
  }

  void feed_forward(const FeedForwardArgs& args) override {
    check(args);
    const auto [n_tokens, n_hidden, unused] = args.in.shape;
    std::vector<float> inner;
    for (std::int64_t t = 0; t < n_tokens && !stopped(); ++t) {
      float* out = args.out.as<float>() + t * n_hidden;
      if (!args.accumulate) std::fill(out, out + n_hidden, 0.0f);
      add_feed_forward(args.weights, args.in.as<const float>() + t * n_hidden, 1.0f, inner, out);
    }
  }

  void run_experts(const RunExpertsArgs& args) override {
    check(args);
    const auto [n_tokens, n_hidden, unused] = args.in.shape;
    const std::int64_t n_used = args.chosen.shape[1];
    std::vector<float> inner;
    std::vector<std::int64_t> order(static_cast<std::size_t>(n_used));
    for (std::int64_t t = 0; t < n_tokens && !stopped(); ++t) {
      const auto* chosen = args.chosen.as<const std::int32_t>() + t * n_used;
      float* out = args.out.as<float>() + t * n_hidden;
      if (!args.accumulate) std::fill(out, out + n_hidden, 0.0f);
      for (std::int64_t j = 0; j < n_used; ++j) order[static_cast<std::size_t>(j)] = j;
      std::stable_sort(order.begin(), order.end(),
                       [chosen](std::int64_t a, std::int64_t b) { return chosen[a] < chosen[b]; });
      for (const std::int64_t j : order)
        add_feed_forward(args.experts[chosen[j]], args.in.as<const float>() + t * n_hidden,
                         args.weights.as<const float>()[t * n_used + j], inner, out);
    }
  }

  void add(const AddArgs& args) override {
    check(args);
    for (std::int64_t i = 0; i < args.in.n_elements(); ++i)
      args.out.as<float>()[i] += args.in.as<const float>()[i];
  }

  bool can_mute() const override { return true; }
  void set_stop(std::function<bool()> stop) override { stop_ = std::move(stop); }
  std::optional<DeviceError> synchronize() override { return std::nullopt; }

 private:
  bool stopped() const { return stop_ && stop_(); }

  /// Softmax over `visible` of one query and head (`row` = query * n_heads + head).
  void attention_weights(const PlainKeyCache& cache, const TensorView& q_latent, const TensorView& q_rope,
                         std::int64_t row, float scale, const std::vector<std::int32_t>& visible,
                         std::vector<float>& p) {
    const int latent_dim = cache.shape().latent_dim;
    const int rope_dim = cache.shape().rope_dim;
    p.resize(visible.size());
    float largest = -std::numeric_limits<float>::infinity();
    for (std::size_t j = 0; j < visible.size(); ++j) {
      const float* key = cache.latent(visible[j]);
      p[j] = scale * (dot(q_latent.as<const float>() + row * latent_dim, key, latent_dim) +
                      dot(q_rope.as<const float>() + row * rope_dim, key + latent_dim, rope_dim));
      largest = std::max(largest, p[j]);
    }
    float sum = 0;
    for (float& value : p) sum += value = std::exp(value - largest);
    for (float& value : p) value /= sum;
  }

  std::function<bool()> stop_;
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend() {
  return std::make_unique<ReferenceBackend>();
}

}  // namespace kernels
