#include <QtTest>
#include <vector>

#include "tests/engine/tiny_model.h"

namespace {

constexpr float kLogits = 1e-3f;  // largest difference to transformers, fp32 against fp32
constexpr std::int64_t kTopK = 8;

/// Collects selections as the recordings store them: [layers][queries][8], ascending, -1 unused.
class SelectionLog final : public engine::SelectionSink {
 public:
  SelectionLog(int n_layers, std::int64_t n_queries)
      : n_queries_(n_queries), rows(static_cast<std::size_t>(n_layers * n_queries * kTopK), -1) {}

  void on_selection(int layer, std::int64_t first, std::int64_t n, std::int64_t k, const std::int32_t* indices) override {
    for (std::int64_t t = 0; t < n; ++t) {
      std::int32_t* row = rows.data() + (layer * n_queries_ + first + t) * kTopK;
      for (std::int64_t j = 0; j < kTopK; ++j) {
        if (indices == nullptr) {
          row[j] = j <= first + t ? static_cast<std::int32_t>(j) : -1;
        } else {
          row[j] = indices[t * k + j];
        }
      }
    }
  }

 private:
  std::int64_t n_queries_;

 public:
  std::vector<std::int32_t> rows;
};

engine::StepOptions sparse(const TinyModel& model) {
  engine::StepOptions options;
  options.top_k = model.config.indexer.top_k;
  return options;
}

void add_models_and_backends() {
  QTest::addColumn<QString>("model");
  QTest::addColumn<QString>("backend");
  for (const char* model : {"deepseek_v32", "deepseek_v32_yarn_groups", "deepseek_v32_fp8", "deepseek_v3",
                            "deepseek_v2", "deepseek_v2_groups", "glm_moe_dsa", "glm4_moe_lite"}) {
    for (const char* backend : {"reference", "cpu"}) {
      QTest::addRow("%s on %s", model, backend) << model << backend;
    }
  }
}

TinyModel load_row() {
  QFETCH(QString, model);
  QFETCH(QString, backend);
  return TinyModel(model.toStdString(), backend.toStdString());
}

}  // namespace

class TransformerTest : public QObject {
  Q_OBJECT

 private slots:
  void logits_are_those_of_transformers_in_one_chunk_and_in_odd_ones_data() { add_models_and_backends(); }
  void logits_are_those_of_transformers_in_one_chunk_and_in_odd_ones() {
    TinyModel model = load_row();
    const auto prompt = model.integers("prompt");
    const auto expected = model.floats("logits");
    for (const std::int64_t chunk : {96, 37, 7, 1}) {
      const auto logits = model.run(prompt, 0, chunk, sparse(model));
      const float difference = largest_difference(logits, expected);
      QVERIFY2(difference < kLogits, qPrintable(QString("chunk %1: %2").arg(chunk).arg(double(difference))));
    }
  }

  void every_layer_agrees_with_transformers_data() { add_models_and_backends(); }
  void every_layer_agrees_with_transformers() {
    TinyModel model = load_row();
    std::vector<float> hidden;
    engine::StepOptions options = sparse(model);
    options.inspect = [&](int, std::span<const float> rows) { hidden.insert(hidden.end(), rows.begin(), rows.end()); };
    model.run(model.integers("prompt"), 0, 96, options);
    QVERIFY(largest_difference(hidden, model.floats("hidden")) < kLogits);
  }

  void the_selected_keys_are_those_of_transformers_data() {
    QTest::addColumn<QString>("model");
    QTest::addColumn<QString>("backend");
    for (const char* model : {"deepseek_v32", "deepseek_v32_yarn_groups", "deepseek_v32_fp8", "glm_moe_dsa"}) {
      for (const char* backend : {"reference", "cpu"}) QTest::addRow("%s on %s", model, backend) << model << backend;
    }
  }
  void the_selected_keys_are_those_of_transformers() {
    TinyModel model = load_row();
    const auto prompt = model.integers("prompt");
    for (const std::int64_t chunk : {96, 5}) {
      SelectionLog log(model.config.n_layers, static_cast<std::int64_t>(prompt.size()));
      engine::StepOptions options = sparse(model);
      options.sink = &log;
      model.run(prompt, 0, chunk, options);
      QCOMPARE(log.rows, model.integers("selected"));
    }
  }

  void greedy_decoding_goes_on_as_transformers_does_data() { add_models_and_backends(); }
  void greedy_decoding_goes_on_as_transformers_does() {
    TinyModel model = load_row();
    const auto prompt = model.integers("prompt");
    const auto generated = model.integers("generated");
    const auto expected = model.floats("generated_logits");
    const auto n_vocab = static_cast<std::size_t>(model.config.n_vocab);
    const auto first_logits = model.run(prompt, 0, 19, sparse(model));
    std::vector<float> logits(first_logits.end() - static_cast<std::ptrdiff_t>(n_vocab), first_logits.end());
    for (std::size_t i = 0; i < generated.size(); ++i) {
      QVERIFY(largest_difference(logits, std::span(expected).subspan(i * n_vocab, n_vocab)) < kLogits);
      const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
      QCOMPARE(static_cast<std::int32_t>(best), generated[i]);
      logits = model.run(std::span(&generated[i], 1), static_cast<std::int64_t>(prompt.size() + i), 1, sparse(model));
    }
  }

  void a_reused_prefix_gives_the_same_logits_data() { add_models_and_backends(); }
  void a_reused_prefix_gives_the_same_logits() {
    TinyModel model = load_row();
    auto prompt = model.integers("prompt");
    auto other = prompt;
    for (std::size_t i = 60; i < other.size(); ++i) other[i] = (other[i] + 3) % 100;
    model.run(other, 0, 96, sparse(model));
    const auto tail = model.run(std::span(prompt).subspan(60), 60, 13, sparse(model));
    const auto expected = model.floats("logits");
    QVERIFY(largest_difference(tail, std::span(expected).subspan(60 * static_cast<std::size_t>(model.config.n_vocab))) < kLogits);
  }

  void the_last_row_is_the_same_however_few_rows_are_wanted_data() { add_models_and_backends(); }
  void the_last_row_is_the_same_however_few_rows_are_wanted() {
    TinyModel model = load_row();
    const auto prompt = model.integers("prompt");
    const auto n_vocab = static_cast<std::size_t>(model.config.n_vocab);
    const auto all = model.run(prompt, 0, 96, sparse(model));
    SelectionLog log(model.config.n_layers, 96);
    for (engine::SelectionSink* sink : {static_cast<engine::SelectionSink*>(nullptr), static_cast<engine::SelectionSink*>(&log)}) {
      engine::StepOptions options = sparse(model);
      options.sink = sink;
      std::vector<float> last(n_vocab);
      QVERIFY(model.transformer->step(std::span(prompt).first(60), 0, *model.keys, options, {}));
      QVERIFY(model.transformer->step(std::span(prompt).subspan(60), 60, *model.keys, options, last));
      QVERIFY(largest_difference(last, std::span(all).last(n_vocab)) == 0.0f);
    }
    if (!model.config.has_indexer()) return;
    // The last layer is asked for the last row alone.
    std::vector<std::int32_t> expected = model.integers("selected");
    const auto n_per_layer = static_cast<std::ptrdiff_t>(prompt.size()) * kTopK;
    std::fill(expected.end() - n_per_layer, expected.end() - kTopK, -1);
    QCOMPARE(log.rows, expected);
  }

  void sparse_attention_equals_dense_up_to_top_k_and_differs_beyond() {
    TinyModel model("deepseek_v32", "reference");
    const auto prompt = model.integers("prompt");
    const auto n_vocab = static_cast<std::size_t>(model.config.n_vocab);
    const auto chosen = model.run(prompt, 0, 96, sparse(model));
    const auto all = model.run(prompt, 0, 96, {});
    const std::size_t equal = 8 * n_vocab;
    QVERIFY(largest_difference(std::span(chosen).first(equal), std::span(all).first(equal)) < 1e-5f);
    const float beyond = largest_difference(std::span(chosen).subspan(equal), std::span(all).subspan(equal));
    QVERIFY(beyond > 10 * kLogits);
  }

  void a_hadamard_transform_on_both_sides_selects_the_same_keys() {
    TinyModel model("deepseek_v32", "cpu");
    model.config.indexer.hadamard = true;
    SelectionLog log(model.config.n_layers, 96);
    engine::StepOptions options = sparse(model);
    options.sink = &log;
    model.run(model.integers("prompt"), 0, 96, options);
    QCOMPARE(log.rows, model.integers("selected"));
  }

  void a_step_that_is_told_to_stop_says_so_and_leaves_earlier_keys_alone() {
    TinyModel model("deepseek_v32", "cpu");
    const auto prompt = model.integers("prompt");
    model.run(std::span(prompt).first(50), 0, 50, sparse(model));
    engine::StepOptions options = sparse(model);
    options.stop = [] { return true; };
    const auto end = model.transformer->step(std::span(prompt).subspan(50), 50, *model.keys, options, {});
    QVERIFY(end);
    QVERIFY(*end == engine::StepEnd::kStopped);
    const auto tail = model.run(std::span(prompt).subspan(50), 50, 46, sparse(model));
    const auto expected = model.floats("logits");
    QVERIFY(largest_difference(tail, std::span(expected).subspan(50 * static_cast<std::size_t>(model.config.n_vocab))) < kLogits);
  }

  void layers_beyond_those_of_the_configuration_are_ignored() {
    const auto folder = TinyModel::folder("deepseek_v32");
    auto config = engine::load_config(folder);
    const auto checkpoint = engine::open_safetensors(folder);
    QVERIFY(config && checkpoint);
    QVERIFY((*checkpoint)->has("model.layers.2.self_attn.o_proj.weight"));
    config->n_layers = 2;  // layer 2 is in the file, as draft layers are
    config->indexers.resize(2);
    config->is_moe.resize(2);
    const auto backend = make_backend("cpu");
    const auto weights = engine::load_weights(**checkpoint, *config, *backend);
    QVERIFY(weights);
    QCOMPARE(weights->layers.size(), 2u);
  }

  void a_checkpoint_without_indexer_tensors_runs_dense() {
    auto config = engine::load_config(TinyModel::folder("deepseek_v3"));
    const auto checkpoint = engine::open_safetensors(TinyModel::folder("deepseek_v3"));
    QVERIFY(config && checkpoint);
    config->architecture = engine::Architecture::kDeepseekV32;
    config->indexer.n_heads = 8;
    config->indexer.head_dim = 16;
    config->indexer.top_k = 8;
    config->indexers.assign(config->indexers.size(), engine::IndexerKind::kFull);
    const auto backend = make_backend("cpu");
    const auto weights = engine::load_weights(**checkpoint, *config, *backend);
    QVERIFY(weights);
    QVERIFY(!config->has_indexer());
    QVERIFY(weights->layers[0].indexer == nullptr);
  }

  void a_weight_of_another_shape_is_refused_before_anything_is_allocated() {
    auto config = engine::load_config(TinyModel::folder("deepseek_v32"));
    const auto checkpoint = engine::open_safetensors(TinyModel::folder("deepseek_v32"));
    QVERIFY(config && checkpoint);
    config->n_vocab = std::int64_t{1} << 22;
    const auto backend = make_backend("cpu");
    const auto weights = engine::load_weights(**checkpoint, *config, *backend);
    QVERIFY(!weights);
    QVERIFY2(QString::fromStdString(weights.error().message).contains("model.embed_tokens.weight has the shape [256, 64]"),
             weights.error().message.c_str());
  }

  void loading_can_be_cancelled_and_tells_how_far_it_is() {
    auto config = engine::load_config(TinyModel::folder("deepseek_v32"));
    const auto checkpoint = engine::open_safetensors(TinyModel::folder("deepseek_v32"));
    const auto backend = make_backend("cpu");
    std::vector<double> fractions;
    std::stop_source source;
    const auto weights = engine::load_weights(**checkpoint, *config, *backend,
                                              [&](double fraction, const std::string&) {
                                                fractions.push_back(fraction);
                                                if (fractions.size() == 2) source.request_stop();
                                              },
                                              source.get_token());
    QVERIFY(!weights);
    QVERIFY(weights.error().code == engine::ErrorCode::kCancelled);
    QCOMPARE(fractions.size(), 2u);
    QVERIFY(fractions[0] < fractions[1] && fractions[1] < 1.0);
  }

  void keys_survive_the_growth_of_the_caches() {
    TinyModel model("glm_moe_dsa", "cpu");
    const auto prompt = model.integers("prompt");
    model.run(std::span(prompt).first(70), 0, 70, sparse(model));
    const std::int64_t before = model.keys->capacity();
    QVERIFY(model.keys->reserve(before + 1, 70));
    QVERIFY(model.keys->capacity() > before);
    const auto tail = model.run(std::span(prompt).subspan(70), 70, 26, sparse(model));
    const auto expected = model.floats("logits");
    QVERIFY(largest_difference(tail, std::span(expected).subspan(70 * static_cast<std::size_t>(model.config.n_vocab))) < kLogits);
  }
};

QTEST_GUILESS_MAIN(TransformerTest)
#include "transformer_test.moc"
