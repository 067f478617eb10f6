#include <QTest>
#include <algorithm>
#include <numeric>

#include "kernels/cpu/expanded_head.h"
#include "tests/kernels/kernel_support.h"

using namespace kernel_support;
using namespace kernels;

namespace {

/// Keys and queries of one layer, the same for every backend.
struct Layer {
  int n_heads;
  int latent_dim;
  int rope_dim;
  int n_keys;
  Floats latent, rope, index;
  float scale = 0.2f;

  Layer(int heads, int latent_size, int rope_size, int keys)
      : n_heads(heads),
        latent_dim(latent_size),
        rope_dim(rope_size),
        n_keys(keys),
        latent(random_floats(keys * latent_size, 1)),
        rope(random_floats(keys * rope_size, 2)),
        index(random_floats(keys * kIndexDim, 3)) {}

  static constexpr int kIndexDim = 24;

  std::unique_ptr<KeyCache> store(Backend& backend, std::int64_t capacity) {
    auto cache = make_cache(backend, {capacity, latent_dim, rope_dim, kIndexDim});
    // In two steps, as chunks of a prompt arrive.
    const int half = n_keys / 2;
    for (const auto& [first, n] : {std::pair{0, half}, std::pair{half, n_keys - half}})
      backend.store_keys({cache.get(),
                          {latent.data() + first * latent_dim, DType::kF32, {n, latent_dim, 1}},
                          {rope.data() + first * rope_dim, DType::kF32, {n, rope_dim, 1}},
                          {index.data() + first * kIndexDim, DType::kF32, {n, kIndexDim, 1}},
                          first});
    return cache;
  }

  /// Softmax weights of one query and head over `positions`, in double precision.
  Doubles weights(const float* q_latent, const float* q_rope, const Ints& positions) const {
    Doubles p;
    double sum = 0;
    double largest = -INFINITY;
    for (const int s : positions) {
      double dot = 0;
      for (int d = 0; d < latent_dim; ++d)
        dot += static_cast<double>(q_latent[d]) * latent[static_cast<std::size_t>(s * latent_dim + d)];
      for (int d = 0; d < rope_dim; ++d)
        dot += static_cast<double>(q_rope[d]) * rope[static_cast<std::size_t>(s * rope_dim + d)];
      p.push_back(dot * static_cast<double>(scale));
      largest = std::max(largest, p.back());
    }
    for (double& value : p) sum += value = std::exp(value - largest);
    for (double& value : p) value /= sum;
    return p;
  }
};

struct Queries {
  int n;
  int first_position;
  Floats latent, rope, index, head_weights;
  Queries(const Layer& layer, int count, int first, int n_index_heads)
      : n(count),
        first_position(first),
        latent(random_floats(count * layer.n_heads * layer.latent_dim, 4)),
        rope(random_floats(count * layer.n_heads * layer.rope_dim, 5)),
        index(random_floats(count * n_index_heads * Layer::kIndexDim, 6)),
        head_weights(random_floats(count * n_index_heads, 7)) {}
};

double index_score(const Layer& layer, const Queries& queries, int n_heads, int t, int s) {
  double score = 0;
  for (int h = 0; h < n_heads; ++h) {
    double dot = 0;
    for (int d = 0; d < Layer::kIndexDim; ++d)
      dot += static_cast<double>(
                 queries.index[static_cast<std::size_t>((t * n_heads + h) * Layer::kIndexDim + d)]) *
             layer.index[static_cast<std::size_t>(s * Layer::kIndexDim + d)];
    score += queries.head_weights[static_cast<std::size_t>(t * n_heads + h)] * std::max(0.0, dot);
  }
  return score;
}

Ints select(Backend& backend, const KeyCache& cache, Queries& queries, int n_heads, int k,
            SelectKeysArgs options = {}) {
  Ints indices(static_cast<std::size_t>(queries.n * k), -7);
  options.queries = view(queries.index, queries.n, n_heads, Layer::kIndexDim);
  options.head_weights = view(queries.head_weights, queries.n, n_heads);
  options.cache = &cache;
  options.first_position = queries.first_position;
  options.indices = view(indices, queries.n, k);
  backend.select_keys(options);
  return indices;
}

/// One query of one head with weight 1 against one-dimensional keys: the score of key s is scores[s].
Ints select_by_scores(Backend& backend, const Floats& scores, int k, SelectKeysArgs options = {}) {
  const auto n = static_cast<std::int64_t>(scores.size());
  auto cache = make_cache(backend, {n, 1, 1, 1});
  // Two heads, +1 with weight 1 and -1 with weight -1, so that negative scores survive the ReLU.
  Floats zeros(scores.size());
  Floats keys(scores);
  backend.store_keys({cache.get(), view(zeros, n, 1), view(zeros, n, 1), view(keys, n, 1), 0});
  Floats queries{1.0f, -1.0f};
  Floats head_weights{1.0f, -1.0f};
  Ints indices(static_cast<std::size_t>(k), -7);
  options.queries = view(queries, 1, 2, 1);
  options.head_weights = view(head_weights, 1, 2);
  options.cache = cache.get();
  options.first_position = n - 1;
  options.indices = view(indices, 1, k);
  backend.select_keys(options);
  return indices;
}

}  // namespace

/// Selection and attention of every backend against loops in double precision, and the rules of
/// selection: ties, signed zeros, NaN, missing keys, kept keys.
class AttentionTest : public QObject {
  Q_OBJECT
 private slots:
  void attention_is_the_softmax_mean_of_the_selected_latents_data() { backends_and_shapes(); }
  void attention_is_the_softmax_mean_of_the_selected_latents();
  void dense_attention_sees_every_earlier_key_data() { backends_and_shapes(); }
  void dense_attention_sees_every_earlier_key();
  void queries_that_selected_everything_give_the_same_bits_together_and_alone_data() { backends_and_shapes(); }
  void queries_that_selected_everything_give_the_same_bits_together_and_alone();
  void keys_written_out_per_head_give_the_softmax_mean_too_data() {
    backends({kBackends.begin() + 1, kBackends.end()});  // the reference has no such form
  }
  void keys_written_out_per_head_give_the_softmax_mean_too();
  void attention_mass_is_the_mean_over_heads_data() { backends_and_shapes(); }
  void attention_mass_is_the_mean_over_heads();
  void a_query_without_any_key_gives_zeros_data() { backends(); }
  void a_query_without_any_key_gives_zeros();
  void scores_follow_the_formula_and_the_future_is_minus_infinity_data() { backends_and_shapes(); }
  void scores_follow_the_formula_and_the_future_is_minus_infinity();
  void selection_takes_the_best_scores_data() { backends_and_shapes(); }
  void selection_takes_the_best_scores();
  void every_visible_key_is_selected_while_there_are_fewer_than_k_data() { backends(); }
  void every_visible_key_is_selected_while_there_are_fewer_than_k();
  void ties_go_to_the_larger_position_data() { backends(); }
  void ties_go_to_the_larger_position();
  void signed_zeros_are_equal_and_nan_comes_last_data() { backends(); }
  void signed_zeros_are_equal_and_nan_comes_last();
  void kept_keys_are_always_there_and_count_towards_k_data() { backends(); }
  void kept_keys_are_always_there_and_count_towards_k();
  void muted_keys_are_never_selected_but_a_query_keeps_its_own_data() { backends(); }
  void muted_keys_are_never_selected_but_a_query_keeps_its_own();
  void a_long_context_selects_the_same_for_one_query_and_for_many_data() { backends(); }
  void a_long_context_selects_the_same_for_one_query_and_for_many();
  void earlier_selections_do_not_change_later_ones_data() { backends({"cpu/plain/1", "cpu/avx512bf16/1", "cpu/avx512bf16/1bf16", "cpu/avx512bf16/2bf16"}); }
  void earlier_selections_do_not_change_later_ones();
  void saved_keys_come_back_bit_for_bit_data() { backends(); }
  void saved_keys_come_back_bit_for_bit();

 private:
  static void backends(const std::vector<std::string>& kinds = kBackends);
  static void backends_and_shapes();
};

void AttentionTest::backends(const std::vector<std::string>& kinds) {
  QTest::addColumn<std::string>("backend");
  for (const std::string& kind : kinds) QTest::newRow(kind.c_str()) << kind;
}

void AttentionTest::backends_and_shapes() {
  QTest::addColumn<std::string>("backend");
  QTest::addColumn<int>("n_heads");
  QTest::addColumn<int>("latent_dim");
  QTest::addColumn<int>("rope_dim");
  QTest::addColumn<int>("n_queries");
  const std::vector<std::array<int, 4>> shapes{
      {1, 5, 2, 1}, {4, 96, 16, 5}, {8, 64, 32, 7}, {3, 33, 6, 30}, {40, 32, 8, 3}};
  for (const std::string& kind : kBackends)
    for (const auto& [heads, latent, rope, n] : shapes)
      QTest::addRow("%s %d heads, %d+%d, %d queries", kind.c_str(), heads, latent, rope, n)
          << kind << heads << latent << rope << n;
}

void AttentionTest::attention_is_the_softmax_mean_of_the_selected_latents() {
  QFETCH(std::string, backend);
  QFETCH(int, n_heads);
  QFETCH(int, latent_dim);
  QFETCH(int, rope_dim);
  QFETCH(int, n_queries);
  auto device = make_backend(backend);
  Layer layer(n_heads, latent_dim, rope_dim, 400);
  const auto cache = layer.store(*device, 400);
  Queries queries(layer, n_queries, 400 - n_queries, 2);
  const int k = 150;  // more than one tile of keys; every seventh slot unused
  Ints indices;
  for (int t = 0; t < n_queries; ++t)
    for (int j = 0; j < k; ++j) indices.push_back(j % 7 == 3 ? -1 : 2 * j + t % 2);
  Doubles wanted;
  for (int row = 0; row < n_queries * n_heads; ++row) {
    Ints positions(indices.begin() + row / n_heads * k, indices.begin() + (row / n_heads + 1) * k);
    std::erase(positions, -1);
    const Doubles p = layer.weights(&queries.latent[static_cast<std::size_t>(row * latent_dim)],
                                    &queries.rope[static_cast<std::size_t>(row * rope_dim)], positions);
    for (int d = 0; d < latent_dim; ++d) {
      double sum = 0;
      for (std::size_t j = 0; j < positions.size(); ++j)
        sum += p[j] * layer.latent[static_cast<std::size_t>(positions[j] * latent_dim + d)];
      wanted.push_back(sum);
    }
  }
  Floats out(wanted.size());
  device->attention({view(queries.latent, n_queries, n_heads, latent_dim),
                     view(queries.rope, n_queries, n_heads, rope_dim), cache.get(), layer.scale,
                     queries.first_position, view(indices, n_queries, k),
                     view(out, n_queries, n_heads, latent_dim)});
  QVERIFY(error_of(out, wanted) < tolerance(backend));
}

void AttentionTest::dense_attention_sees_every_earlier_key() {
  QFETCH(std::string, backend);
  QFETCH(int, n_heads);
  QFETCH(int, latent_dim);
  QFETCH(int, rope_dim);
  QFETCH(int, n_queries);
  auto device = make_backend(backend);
  Layer layer(n_heads, latent_dim, rope_dim, 300);
  const auto cache = layer.store(*device, 300);
  Queries queries(layer, n_queries, 120, 2);  // so that the first queries end inside of the first tile
  Doubles wanted;
  for (int row = 0; row < n_queries * n_heads; ++row) {
    Ints positions;
    for (int s = 0; s <= 120 + row / n_heads; ++s) positions.push_back(s);
    const Doubles p = layer.weights(&queries.latent[static_cast<std::size_t>(row * latent_dim)],
                                    &queries.rope[static_cast<std::size_t>(row * rope_dim)], positions);
    for (int d = 0; d < latent_dim; ++d) {
      double sum = 0;
      for (std::size_t j = 0; j < positions.size(); ++j)
        sum += p[j] * layer.latent[j * static_cast<std::size_t>(latent_dim) + static_cast<std::size_t>(d)];
      wanted.push_back(sum);
    }
  }
  Floats out(wanted.size());
  device->attention({view(queries.latent, n_queries, n_heads, latent_dim),
                     view(queries.rope, n_queries, n_heads, rope_dim),
                     cache.get(),
                     layer.scale,
                     queries.first_position,
                     {},
                     view(out, n_queries, n_heads, latent_dim)});
  QVERIFY(error_of(out, wanted) < tolerance(backend));
}

void AttentionTest::queries_that_selected_everything_give_the_same_bits_together_and_alone() {
  QFETCH(std::string, backend);
  QFETCH(int, n_heads);
  QFETCH(int, latent_dim);
  QFETCH(int, rope_dim);
  QFETCH(int, n_queries);
  auto device = make_backend(backend);
  Layer layer(n_heads, latent_dim, rope_dim, 300);
  const auto cache = layer.store(*device, 300);
  Queries queries(layer, n_queries, 120, 2);
  constexpr int kMost = 256;
  const auto attend = [&](int n_of_first) {
    Ints indices(static_cast<std::size_t>(n_queries * kMost), -1);
    for (int t = 0; t < n_queries; ++t)
      std::iota(indices.begin() + t * kMost, indices.begin() + t * kMost + (t == 0 ? n_of_first : 121 + t), 0);
    Floats out(static_cast<std::size_t>(n_queries * n_heads * latent_dim));
    device->attention({view(queries.latent, n_queries, n_heads, latent_dim), view(queries.rope, n_queries, n_heads, rope_dim), cache.get(),
                       layer.scale, queries.first_position, view(indices, n_queries, kMost), view(out, n_queries, n_heads, latent_dim)});
    return out;
  };
  // Neighbours share their keys only from the first query on, which misses one of its own here.
  const Floats together = attend(121);
  const Floats alone = attend(120);
  const auto first_row = static_cast<std::ptrdiff_t>(n_heads * latent_dim);
  QVERIFY(std::equal(together.begin() + first_row, together.end(), alone.begin() + first_row));
  QVERIFY(!std::equal(together.begin(), together.begin() + first_row, alone.begin()));
}

void AttentionTest::keys_written_out_per_head_give_the_softmax_mean_too() {
  QFETCH(std::string, backend);
  make_backend(backend);  // names the instruction set
  constexpr int kKey = 37;
  constexpr int kValue = 21;
  constexpr int kKeys = 250;
  constexpr int kCount = 145;  // more than share a tile
  Layer layer(1, kKey, 1, kKeys);
  layer.rope.assign(layer.rope.size(), 0.0f);
  const Floats values = random_floats(kKeys * kValue, 8);
  Floats queries = random_floats(kCount * kKey, 9);
  const float no_rope = 0.0f;
  cpu::ExpandedHead head(cpu::best_tile_kernels(), kKey, kValue, kKeys, compute_of(backend) == Compute::kF32);
  for (int s = 0; s < kKeys; ++s) head.set(s, &layer.latent[static_cast<std::size_t>(s * kKey)], &values[static_cast<std::size_t>(s * kValue)]);
  Doubles wanted;
  for (int t = 0; t < kCount; ++t) {
    Ints positions(static_cast<std::size_t>(kKeys - kCount + t + 1));
    std::iota(positions.begin(), positions.end(), 0);
    const Doubles p = layer.weights(&queries[static_cast<std::size_t>(t * kKey)], &no_rope, positions);
    for (int d = 0; d < kValue; ++d) {
      double sum = 0;
      for (const int s : positions) sum += p[static_cast<std::size_t>(s)] * values[static_cast<std::size_t>(s * kValue + d)];
      wanted.push_back(sum);
    }
  }
  Floats out(wanted.size());
  head.attend(queries.data(), kCount, kKeys - kCount, layer.scale, out.data());
  QVERIFY(error_of(out, wanted) < tolerance(backend));
}

void AttentionTest::attention_mass_is_the_mean_over_heads() {
  QFETCH(std::string, backend);
  QFETCH(int, n_heads);
  QFETCH(int, latent_dim);
  QFETCH(int, rope_dim);
  QFETCH(int, n_queries);
  auto device = make_backend(backend);
  Layer layer(n_heads, latent_dim, rope_dim, 200);
  const auto cache = layer.store(*device, 200);
  Queries queries(layer, n_queries, 90, 2);
  Doubles wanted(static_cast<std::size_t>(n_queries * 200));
  for (int row = 0; row < n_queries * n_heads; ++row) {
    Ints positions;
    for (int s = 0; s <= 90 + row / n_heads; ++s) positions.push_back(s);
    const Doubles p = layer.weights(&queries.latent[static_cast<std::size_t>(row * latent_dim)],
                                    &queries.rope[static_cast<std::size_t>(row * rope_dim)], positions);
    for (std::size_t s = 0; s < p.size(); ++s)
      wanted[static_cast<std::size_t>(row / n_heads * 200) + s] += p[s] / n_heads;
  }
  Floats mass(wanted.size());
  device->attention_mass({view(queries.latent, n_queries, n_heads, latent_dim),
                          view(queries.rope, n_queries, n_heads, rope_dim), cache.get(), layer.scale, 90,
                          view(mass, n_queries, 200)});
  QVERIFY(error_of(mass, wanted) < 2 * tolerance(backend));
}

void AttentionTest::a_query_without_any_key_gives_zeros() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Layer layer(2, 4, 2, 8);
  const auto cache = layer.store(*device, 8);
  Queries queries(layer, 1, 5, 1);
  Ints indices{-1, -1, -1};
  Floats out(8, 3.0f);
  device->attention({view(queries.latent, 1, 2, 4), view(queries.rope, 1, 2, 2), cache.get(), 1.0f, 5,
                     view(indices, 1, 3), view(out, 1, 2, 4)});
  QCOMPARE(out, Floats(8, 0.0f));
}

void AttentionTest::scores_follow_the_formula_and_the_future_is_minus_infinity() {
  QFETCH(std::string, backend);
  QFETCH(int, n_heads);
  QFETCH(int, n_queries);
  auto device = make_backend(backend);
  Layer layer(1, 2, 2, 211);
  const auto cache = layer.store(*device, 230);
  Queries queries(layer, n_queries, 150, n_heads);
  Doubles wanted;
  for (int t = 0; t < n_queries; ++t)
    for (int s = 0; s < 211; ++s)
      wanted.push_back(s > 150 + t ? -INFINITY : index_score(layer, queries, n_heads, t, s));
  Floats scores(wanted.size());
  device->score_keys({view(queries.index, n_queries, n_heads, Layer::kIndexDim),
                      view(queries.head_weights, n_queries, n_heads), cache.get(), 150,
                      view(scores, n_queries, 211)});
  QVERIFY(error_of(scores, wanted) < score_tolerance(backend));
}

void AttentionTest::selection_takes_the_best_scores() {
  QFETCH(std::string, backend);
  QFETCH(int, n_heads);
  QFETCH(int, n_queries);
  auto device = make_backend(backend);
  Layer layer(1, 2, 2, 3000);
  const auto cache = layer.store(*device, 3001);
  Queries queries(layer, n_queries, 3000 - n_queries, n_heads);
  const int k = 100;
  const Ints got = select(*device, *cache, queries, n_heads, k);
  for (int t = 0; t < n_queries; ++t) {
    const Ints row(got.begin() + t * k, got.begin() + (t + 1) * k);
    QVERIFY(std::is_sorted(row.begin(), row.end()));
    QVERIFY(std::adjacent_find(row.begin(), row.end()) == row.end());
    QVERIFY(row.front() >= 0 && row.back() <= queries.first_position + t);
    double worst_in = INFINITY;
    double best_out = -INFINITY;
    for (int s = 0; s <= queries.first_position + t; ++s) {
      const double score = index_score(layer, queries, n_heads, t, s);
      const bool in = std::binary_search(row.begin(), row.end(), s);
      (in ? worst_in : best_out) = in ? std::min(worst_in, score) : std::max(best_out, score);
    }
    QVERIFY(worst_in > best_out - (compute_of(backend) == Compute::kF32 ? 1e-4 : 1.0));
  }
}

void AttentionTest::every_visible_key_is_selected_while_there_are_fewer_than_k() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Layer layer(1, 2, 2, 20);
  const auto cache = layer.store(*device, 20);
  Queries queries(layer, 3, 2, 1);
  QCOMPARE(select(*device, *cache, queries, 1, 5), (Ints{0, 1, 2, -1, -1, 0, 1, 2, 3, -1, 0, 1, 2, 3, 4}));
}

void AttentionTest::ties_go_to_the_larger_position() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  QCOMPARE(select_by_scores(*device, {5, 1, 1, 1, 0, 1}, 3), (Ints{0, 3, 5}));
  Floats equal(3000, 2.5f);
  QCOMPARE(select_by_scores(*device, equal, 4), (Ints{2996, 2997, 2998, 2999}));
}

void AttentionTest::signed_zeros_are_equal_and_nan_comes_last() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  QCOMPARE(select_by_scores(*device, {0.0f, -0.0f, 0.0f, -0.0f, -1}, 2), (Ints{2, 3}));
  QCOMPARE(select_by_scores(*device, {-1, 2, std::nanf(""), -3, 1}, 4), (Ints{0, 1, 3, 4}));
}

void AttentionTest::kept_keys_are_always_there_and_count_towards_k() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  const Floats scores{1, 2, 3, 4, 9, 8, 7, 0, 0, 0};
  const std::vector<std::int64_t> ranges{1, 3};
  SelectKeysArgs options;
  options.keep_window = 1;
  options.keep_ranges = ranges.data();
  options.n_keep_ranges = 1;
  QCOMPARE(select_by_scores(*device, scores, 5, options), (Ints{1, 2, 4, 5, 9}));
  // More kept keys than slots: the newest of them.
  QCOMPARE(select_by_scores(*device, scores, 2, options), (Ints{2, 9}));
}

void AttentionTest::muted_keys_are_never_selected_but_a_query_keeps_its_own() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  const Floats scores{1, 2, 3, 4, 9, 8, 7, 0, 0, 0};
  const std::vector<std::int64_t> muted{4, 6, 9, 12};
  const std::vector<std::int64_t> kept{3, 5};
  SelectKeysArgs options;
  options.mute_ranges = muted.data();
  options.n_mute_ranges = 2;
  QCOMPARE(select_by_scores(*device, scores, 3, options), (Ints{2, 3, 6}));
  // Fewer keys left than k, although as many are visible: the rest of the row is unused.
  QCOMPARE(select_by_scores(*device, scores, 10, options), (Ints{0, 1, 2, 3, 6, 7, 8, 9, -1, -1}));
  options.keep_ranges = kept.data();
  options.n_keep_ranges = 1;
  QCOMPARE(select_by_scores(*device, scores, 2, options), (Ints{3, 6}));
  const std::vector<std::int64_t> all{0, 10};
  options.mute_ranges = all.data();
  options.n_mute_ranges = 1;
  QCOMPARE(select_by_scores(*device, scores, 3, options), (Ints{9, -1, -1}));

  // Many queries at once, and one alone, against a long context: as if the muted keys were not there.
  Layer layer(1, 2, 2, 20000);
  const auto cache = layer.store(*device, 20000);
  const std::vector<std::int64_t> middle{5000, 12000};
  SelectKeysArgs long_options;
  long_options.mute_ranges = middle.data();
  long_options.n_mute_ranges = 1;
  for (const int n_queries : {1, 5}) {
    Queries queries(layer, n_queries, 20000 - n_queries, 4);
    const Ints all_keys = select(*device, *cache, queries, 4, 8000);
    const Ints without = select(*device, *cache, queries, 4, 700, long_options);
    const Ints few = select(*device, *cache, queries, 4, 700);
    QVERIFY(without != few);
    for (const std::int32_t s : without) QVERIFY(s >= 0 && (s < 5000 || s >= 12000));
    // The best 700 of what is left are among the best 700 + 7000 of all.
    for (int t = 0; t < n_queries; ++t) {
      const auto row = all_keys.begin() + t * 8000;
      for (int j = 0; j < 700; ++j) QVERIFY(std::binary_search(row, row + 8000, without[static_cast<std::size_t>(t * 700 + j)]));
    }
  }
}

void AttentionTest::a_long_context_selects_the_same_for_one_query_and_for_many() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Layer layer(1, 2, 2, 40000);
  const auto cache = layer.store(*device, 40000);
  Queries queries(layer, 3, 39997, 4);
  const Ints together = select(*device, *cache, queries, 4, 64);
  for (int t = 0; t < 3; ++t) {
    Queries alone(layer, 1, 39997 + t, 4);
    std::copy_n(queries.index.begin() + t * 4 * Layer::kIndexDim, alone.index.size(), alone.index.begin());
    std::copy_n(queries.head_weights.begin() + t * 4, 4, alone.head_weights.begin());
    QCOMPARE(select(*device, *cache, alone, 4, 64),
             Ints(together.begin() + t * 64, together.begin() + (t + 1) * 64));
  }
}

void AttentionTest::earlier_selections_do_not_change_later_ones() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Layer layer(1, 2, 2, 9000);
  const auto used = layer.store(*device, 9000);
  Queries queries(layer, 30, 8970, 4);
  const Ints before = select(*device, *used, queries, 4, 64);
  // Each block of queries begins with what the one before selected; alone a query knows nothing.
  for (int t : {0, 8, 29}) {
    Queries alone(layer, 1, 8970 + t, 4);
    std::copy_n(queries.index.begin() + t * 4 * Layer::kIndexDim, alone.index.size(), alone.index.begin());
    std::copy_n(queries.head_weights.begin() + t * 4, 4, alone.head_weights.begin());
    const auto fresh = layer.store(*device, 9000);
    QCOMPARE(select(*device, *fresh, alone, 4, 64), Ints(before.begin() + t * 64, before.begin() + (t + 1) * 64));
  }
  // Other keys in the same places: what was best there is worst now.
  for (float& value : layer.index) value = -value;
  device->store_keys({used.get(), view(layer.latent, 9000, 2), view(layer.rope, 9000, 2), view(layer.index, 9000, Layer::kIndexDim), 0});
  const auto fresh = layer.store(*device, 9000);
  QCOMPARE(select(*device, *used, queries, 4, 64), select(*device, *fresh, queries, 4, 64));
}

void AttentionTest::saved_keys_come_back_bit_for_bit() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Layer layer(2, 6, 4, 77);
  const auto cache = layer.store(*device, 77);
  QCOMPARE(device->key_row_bytes(*cache), std::size_t{(6 + 4 + Layer::kIndexDim) * 4});
  std::vector<std::byte> saved(50 * device->key_row_bytes(*cache));
  device->save_keys(*cache, 20, 50, saved.data());
  const auto other = make_cache(*device, {100, 6, 4, Layer::kIndexDim});
  device->load_keys(*other, 20, 50, saved.data());
  std::vector<std::byte> again(saved.size());
  device->save_keys(*other, 20, 50, again.data());
  QVERIFY(saved == again);
  const auto* rows = reinterpret_cast<const float*>(saved.data());
  if (compute_of(backend) != Compute::kF32) return;
  QCOMPARE(rows[0], layer.latent[20 * 6]);
  QCOMPARE(rows[6], layer.rope[20 * 4]);
  QCOMPARE(rows[50 * 10 + 3], layer.index[20 * Layer::kIndexDim + 3]);
}

QTEST_APPLESS_MAIN(AttentionTest)
#include "attention_test.moc"
