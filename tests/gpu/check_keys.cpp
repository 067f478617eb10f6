#include "kernels/reference/number_formats.h"
#include "tests/gpu/check_support.h"

namespace gpu_check {
namespace {

/// Keys and queries of one layer.
struct Scene {
  std::string name;
  int n_heads, latent, rope, index_dim, index_heads, n_keys, n_queries, k;
  bool correlated;
  Floats keys_latent, keys_rope, keys_index, q_latent, q_rope, q_index, head_weights;

  Scene(std::string text, std::array<int, 8> s, bool drifting)
      : name(std::move(text)), n_heads(s[0]), latent(s[1]), rope(s[2]), index_dim(s[3]), index_heads(s[4]), n_keys(s[5]), n_queries(s[6]), k(s[7]),
        correlated(drifting),
        keys_latent(rows(n_keys, latent, 1)),
        keys_rope(rows(n_keys, rope, 2)),
        keys_index(rows(n_keys, index_dim, 3)),
        q_latent(rows(n_queries, n_heads * latent, 4)),
        q_rope(rows(n_queries, n_heads * rope, 5)),
        q_index(rows(n_queries, index_heads * index_dim, 6)),
        head_weights(random_floats(std::int64_t{n_queries} * index_heads, 7)) {}

  /// Random rows; correlated ones drift, so that neighbours are alike, as the keys of a text are.
  Floats rows(std::int64_t n, std::int64_t width, unsigned seed) const {
    Floats values = random_floats(n * width, seed);
    if (correlated)
      for (std::int64_t i = width; i < n * width; ++i)
        values[static_cast<std::size_t>(i)] = 0.95f * values[static_cast<std::size_t>(i - width)] + 0.31f * values[static_cast<std::size_t>(i)];
    // Numbers that bf16 has: what is measured is the arithmetic, not the rounding of its inputs.
    for (float& value : values) value = bf16_to_float(float_to_bf16(value));
    return values;
  }
  int first() const { return n_keys - n_queries; }

  KeyCache* store(Rig& rig) const {
    KeyCache* cache = rig.cache({n_keys + 3, latent, rope, index_dim});
    const int half = n_keys / 2;
    for (const auto& [from, n] : {std::pair{0, half}, std::pair{half, n_keys - half}}) {
      const auto part = [from = from, n = n](const Floats& all, int width) {
        return Floats(all.begin() + std::ptrdiff_t{from} * width, all.begin() + std::ptrdiff_t{from + n} * width);
      };
      rig.b.store_keys({cache, rig.put(part(keys_latent, latent), n, latent), rig.put(part(keys_rope, rope), n, rope),
                        rig.put(part(keys_index, index_dim), n, index_dim), from});
    }
    return cache;
  }
  /// A selection that does not depend on a backend: spread positions, every fifth slot unused.
  Ints spread() const {
    Ints indices;
    for (int t = 0; t < n_queries; ++t)
      for (int j = 0; j < k; ++j)
        indices.push_back(j % 5 == 2 ? -1 : static_cast<std::int32_t>((std::int64_t{j} * n_keys / k + t) % n_keys));
    return indices;
  }
  /// Softmax weights of one query and head over `positions`, and what they make of the latents, in double precision.
  Doubles weights(int t, int h, float scale, const Ints& positions) const {
    const float* q = q_latent.data() + (std::ptrdiff_t{t} * n_heads + h) * latent;
    const float* r = q_rope.data() + (std::ptrdiff_t{t} * n_heads + h) * rope;
    Doubles p;
    double largest = -INFINITY;
    for (const int s : positions) {
      double dot = 0;
      for (int d = 0; d < latent; ++d) dot += static_cast<double>(q[d]) * keys_latent[static_cast<std::size_t>(std::int64_t{s} * latent + d)];
      for (int d = 0; d < rope; ++d) dot += static_cast<double>(r[d]) * keys_rope[static_cast<std::size_t>(std::int64_t{s} * rope + d)];
      p.push_back(dot * static_cast<double>(scale));
      largest = std::max(largest, p.back());
    }
    double sum = 0;
    for (double& value : p) sum += value = std::exp(value - largest);
    for (double& value : p) value /= sum;
    return p;
  }
  float softmax_scale() const { return 2.0f / std::sqrt(static_cast<float>(latent + rope)); }
  Doubles attended(bool sparse) const {
    Doubles out;
    const Ints indices = spread();
    for (int t = 0; t < n_queries; ++t) {
      Ints positions;
      for (int s = 0; s <= first() + t; ++s) positions.push_back(s);
      if (sparse) {
        positions.assign(indices.begin() + std::ptrdiff_t{t} * k, indices.begin() + std::ptrdiff_t{t + 1} * k);
        std::erase_if(positions, [last = first() + t](int s) { return s < 0 || s > last; });
      }
      for (int h = 0; h < n_heads; ++h) {
        const Doubles p = weights(t, h, softmax_scale(), positions);
        Doubles row(static_cast<std::size_t>(latent));
        for (std::size_t j = 0; j < p.size(); ++j)
          for (int d = 0; d < latent; ++d)
            row[static_cast<std::size_t>(d)] += p[j] * keys_latent[static_cast<std::size_t>(std::int64_t{positions[j]} * latent + d)];
        out.insert(out.end(), row.begin(), row.end());
      }
    }
    return out;
  }
  /// A quarter of the logits above: an f32 dot product's error grows with its size, and single weights stand out of a mass.
  float mass_scale() const { return softmax_scale() / 4; }
  Doubles mass() const {
    Doubles out(static_cast<std::size_t>(std::int64_t{n_queries} * n_keys));
    for (int t = 0; t < n_queries; ++t) {
      Ints positions;
      for (int s = 0; s <= first() + t; ++s) positions.push_back(s);
      for (int h = 0; h < n_heads; ++h) {
        const Doubles p = weights(t, h, mass_scale(), positions);
        for (std::size_t j = 0; j < p.size(); ++j) out[static_cast<std::size_t>(std::int64_t{t} * n_keys) + j] += p[j] / n_heads;
      }
    }
    return out;
  }
  Floats attend(Rig& rig, const KeyCache* cache, bool sparse, int from, int n) const {
    AttentionArgs args;
    const auto part = [from, n](const auto& all, int width) {
      return std::decay_t<decltype(all)>(all.begin() + std::ptrdiff_t{from} * width, all.begin() + std::ptrdiff_t{from + n} * width);
    };
    args.q_latent = rig.put(part(q_latent, n_heads * latent), n, n_heads, latent);
    args.q_rope = rig.put(part(q_rope, n_heads * rope), n, n_heads, rope);
    args.cache = cache;
    args.scale = softmax_scale();
    args.first_position = first() + from;
    if (sparse) args.indices = rig.put(part(spread(), k), n, k);
    args.out = rig.room(n, n_heads, latent);
    rig.b.attention(args);
    return rig.floats(args.out);
  }
  Ints select(Rig& rig, int window, const std::vector<std::int64_t>& ranges) const {
    SelectKeysArgs args;
    args.cache = store(rig);
    args.queries = rig.put(q_index, n_queries, index_heads, index_dim);
    args.head_weights = rig.put(head_weights, n_queries, index_heads);
    args.first_position = first();
    args.indices = rig.room(n_queries, k, 1, DType::kI32);
    args.keep_window = window;
    args.keep_ranges = ranges.data();
    args.n_keep_ranges = static_cast<int>(ranges.size() / 2);
    rig.b.select_keys(args);
    return rig.ints(args.indices);
  }
};

void check_attention(Report& report, const std::string& kind, Backend& device, const Scene& scene) {
  const auto check = [&](const std::string& name, const Floats& got, const Doubles& wanted) {
    const auto why = device.synchronize();
    const double error = why ? INFINITY : error_of(got, wanted);
    report.line(kind, name + ", " + scene.name + (why ? ": " + why->message : ""), "error", error, tolerance(kind), error <= tolerance(kind));
  };
  for (const bool sparse : {true, false}) {
    const std::string name = sparse ? "sparse attention" : "dense attention";
    const Doubles wanted = scene.attended(sparse);
    Rig whole(device);
    check(name, scene.attend(whole, scene.store(whole), sparse, 0, scene.n_queries), wanted);
    Rig parts(device);
    const KeyCache* cache = scene.store(parts);
    Floats got;
    for (int t = 0; t < scene.n_queries; ++t) {
      const Floats row = scene.attend(parts, cache, sparse, t, 1);
      got.insert(got.end(), row.begin(), row.end());
    }
    check(name + " one by one", got, wanted);
  }
  Rig rig(device);
  AttentionMassArgs args;
  args.q_latent = rig.put(scene.q_latent, scene.n_queries, scene.n_heads, scene.latent);
  args.q_rope = rig.put(scene.q_rope, scene.n_queries, scene.n_heads, scene.rope);
  args.cache = scene.store(rig);
  args.scale = scene.mass_scale();
  args.first_position = scene.first();
  args.mass = rig.room(scene.n_queries, scene.n_keys);
  device.attention_mass(args);
  check("attention mass", rig.floats(args.mass), scene.mass());
}

/// Rows of `dim` values as e4m3 with a power of two as scale, the GPU's format for the model family's own indexer.
Floats rounded_to_f8(Floats values, int dim) {
  for (std::size_t row = 0; row < values.size(); row += static_cast<std::size_t>(dim)) {
    float largest = 1e-4f;
    for (int d = 0; d < dim; ++d) largest = std::max(largest, std::abs(values[row + static_cast<std::size_t>(d)]));
    const float scale = std::exp2(std::ceil(std::log2(largest / 448.0f)));
    for (int d = 0; d < dim; ++d) {
      float& value = values[row + static_cast<std::size_t>(d)];
      const float wanted = std::abs(value) / scale;
      int best = 0;
      for (int bits = 1; bits < 0x7f; ++bits) {
        const float now = std::abs(f8e4m3_to_float(static_cast<std::uint8_t>(bits)) - wanted);
        const float before = std::abs(f8e4m3_to_float(static_cast<std::uint8_t>(best)) - wanted);
        if (now < before || (now == before && bits % 2 == 0)) best = bits;
      }
      value = std::copysign(f8e4m3_to_float(static_cast<std::uint8_t>(best)) * scale, value);
    }
  }
  return values;
}

void check_selection(Report& report, const std::string& kind, Backend& device, Scene scene) {
  const bool is_f8 = kind == "cuda/bf16" && scene.index_dim == 128 && device.name().find("sm_90") != std::string::npos;
  if (is_f8) {
    scene.q_index = rounded_to_f8(std::move(scene.q_index), scene.index_dim);
    scene.keys_index = rounded_to_f8(std::move(scene.keys_index), scene.index_dim);
  }
  // The same numbers on the host: f32 keys, or int8 ones that are rounded alike.
  const auto host = kind == "cuda/f32" || is_f8 ? make_cpu_backend({0, Compute::kF32, false}) : make_cpu_backend({0, Compute::kBF16, false});
  // Hopper's FP8 instruction keeps about 14 bits of a running sum; int8 sums are exact.
  compare(report, kind, device, *host, "scores, " + scene.name, is_f8 ? 3e-3 : 1e-4, [&](Rig& rig) {
    ScoreKeysArgs args;
    const int n = std::min(2, scene.n_queries);
    args.queries = rig.put(Floats(scene.q_index.begin(), scene.q_index.begin() + std::ptrdiff_t{n} * scene.index_heads * scene.index_dim), n, scene.index_heads, scene.index_dim);
    args.head_weights = rig.put(Floats(scene.head_weights.begin(), scene.head_weights.begin() + std::ptrdiff_t{n} * scene.index_heads), n, scene.index_heads);
    args.cache = scene.store(rig);
    args.first_position = scene.first();
    args.scores = rig.room(n, scene.n_keys);
    rig.b.score_keys(args);
    return rig.floats(args.scores);
  });
  compare_sets(report, kind, device, *host, "selection, " + scene.name, scene.k, 0.999, [&](Rig& rig) { return scene.select(rig, 0, {}); });
  compare_sets(report, kind, device, *host, "selection with kept keys, " + scene.name, scene.k, 0.999,
               [&](Rig& rig) { return scene.select(rig, scene.k / 8, {3, 3 + scene.k / 4, scene.n_keys / 2, scene.n_keys / 2 + 7}); });
}

/// Scores given one by one: +1 and -1 heads of one-dimensional keys.
void check_order(Report& report, const std::string& kind, Backend& device, Backend& host) {
  const auto select = [](const Floats& scores, int k) {
    return [scores, k](Rig& rig) {
      const auto n = static_cast<std::int64_t>(scores.size());
      KeyCache* cache = rig.cache({n, 1, 1, 1});
      rig.b.store_keys({cache, rig.put(Floats(scores.size()), n, 1), rig.put(Floats(scores.size()), n, 1), rig.put(scores, n, 1), 0});
      SelectKeysArgs args;
      args.cache = cache;
      args.queries = rig.put(Floats{1.0f, -1.0f}, 1, 2, 1);
      args.head_weights = rig.put(Floats{1.0f, -1.0f}, 1, 2);
      args.first_position = n - 1;
      args.indices = rig.room(1, k, 1, DType::kI32);
      rig.b.select_keys(args);
      return rig.ints(args.indices);
    };
  };
  const float nan = std::nanf("");
  compare_sets(report, kind, device, host, "ties go to the larger position", 3, 1.0, select({2, 5, 2, 2, 1, 2, 0}, 3));
  compare_sets(report, kind, device, host, "signed zeros are equal", 2, 1.0, select({-0.0f, 0.0f, -0.0f, 0.0f, -1}, 2));
  compare_sets(report, kind, device, host, "NaN comes last", 3, 1.0, select({nan, 1, nan, -5, nan, 3}, 3));
  compare_sets(report, kind, device, host, "all equal", 700, 1.0, select(Floats(5000, 1.0f), 700));
  compare_sets(report, kind, device, host, "fewer keys than wanted", 9, 1.0, select({3, 1, 2}, 9));
}

void check_saving(Report& report, const std::string& kind, Backend& device, const Scene& scene) {
  Rig rig(device);
  const KeyCache* cache = scene.store(rig);
  KeyCache* other = rig.cache({scene.n_keys + 3, scene.latent, scene.rope, scene.index_dim});
  std::vector<std::byte> rows(device.key_row_bytes(*cache) * static_cast<std::size_t>(scene.n_keys));
  device.save_keys(*cache, 0, scene.n_keys, rows.data());
  device.load_keys(*other, 0, scene.n_keys, rows.data());
  std::vector<std::byte> again(rows.size());
  device.save_keys(*other, 0, scene.n_keys, again.data());
  const Floats a = scene.attend(rig, cache, true, 0, scene.n_queries);
  const Floats b = scene.attend(rig, other, true, 0, scene.n_queries);
  const bool same = rows == again && a == b;
  report.line(kind, "saved keys come back bit for bit, " + scene.name, "same", same ? 1 : 0, 1, same);
}

}  // namespace

void check_keys(Report& report, const std::string& kind, Backend& device, Backend& host, bool small) {
  std::vector<Scene> scenes;
  scenes.emplace_back("1 head 5+2", std::array<int, 8>{1, 5, 2, 24, 2, 60, 3, 20}, false);
  scenes.emplace_back("4 heads 96+16", std::array<int, 8>{4, 96, 16, 64, 4, 400, 7, 150}, false);
  scenes.emplace_back("40 heads 32+8", std::array<int, 8>{40, 32, 8, 32, 3, 333, 5, 64}, true);
  if (!small) {
    for (const int n : {2047, 2048, 2049, 4097})
      scenes.emplace_back("16 heads 512+64, " + std::to_string(n) + " keys", std::array<int, 8>{16, 512, 64, 128, 64, n, 5, 2048}, n % 2 == 1);
    scenes.emplace_back("128 heads 512+64, 4097 keys", std::array<int, 8>{128, 512, 64, 128, 64, 4097, 3, 2048}, true);
    scenes.emplace_back("8 heads 256+32, 3000 keys", std::array<int, 8>{8, 256, 32, 64, 4, 3000, 70, 512}, true);
  }
  for (const Scene& scene : scenes) {
    check_attention(report, kind, device, scene);
    check_selection(report, kind, device, scene);
    check_saving(report, kind, device, scene);
  }
  if (!small) check_selection(report, kind, device, Scene("64 heads, 128k keys", std::array<int, 8>{1, 8, 8, 128, 64, 131072, 3, 2048}, true));
  if (!small) check_selection(report, kind, device, Scene("64 heads, 128k keys, random", std::array<int, 8>{1, 8, 8, 128, 64, 131072, 3, 2048}, false));
  check_order(report, kind, device, host);
}

}  // namespace gpu_check
