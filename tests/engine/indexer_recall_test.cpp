#include <QtTest>
#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/local/model_loader.h"
#include "engine/local/timed_backend.h"

namespace {

using Path = std::filesystem::path;

/// Lets a model run in f32 and gives every indexer key and query to an int8 indexer beside it.
class BothIndexers final : public engine::TimedBackend {
 public:
  explicit BothIndexers(kernels::Backend& exact)
      : TimedBackend(exact), fast_(kernels::make_cpu_backend({0, kernels::Compute::kBF16, false})) {}

  kernels::DeviceResult<std::unique_ptr<kernels::KeyCache>> make_key_cache(const kernels::KeyCacheShape& shape) override {
    auto made = TimedBackend::make_key_cache(shape);
    twins_[std::get<0>(made).get()] = std::move(std::get<0>(fast_->make_key_cache(shape)));
    return made;
  }
  void store_keys(const kernels::StoreKeysArgs& args) override {
    TimedBackend::store_keys(args);
    kernels::StoreKeysArgs copy = args;
    copy.cache = twins_.at(args.cache).get();
    fast_->store_keys(copy);
  }
  void select_keys(const kernels::SelectKeysArgs& args) override {
    TimedBackend::select_keys(args);
    const std::int64_t n = args.indices.shape[0];
    const std::int64_t k = args.indices.shape[1];
    std::vector<std::int32_t> found(static_cast<std::size_t>(n * k));
    kernels::SelectKeysArgs copy = args;
    copy.cache = twins_.at(args.cache).get();
    copy.indices.data = found.data();
    fast_->select_keys(copy);
    const auto* wanted = args.indices.as<const std::int32_t>();
    for (std::int64_t t = 0; t < n; ++t) {
      if (args.first_position + t + 1 <= k) continue;  // everything is selected
      std::vector<std::int32_t> both;
      std::set_intersection(wanted + t * k, wanted + (t + 1) * k, found.begin() + t * k, found.begin() + (t + 1) * k, std::back_inserter(both));
      n_found += static_cast<double>(both.size());
      n_wanted += static_cast<double>(k);
    }
  }

  double n_found = 0;
  double n_wanted = 0;

 private:
  std::unique_ptr<kernels::Backend> fast_;
  std::map<const kernels::KeyCache*, std::unique_ptr<kernels::KeyCache>> twins_;
};

std::string text_of(const Path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

/// How much of the f32 selection the int8 indexer finds, on the activations of the models we ship.
class IndexerRecallTest : public QObject {
  Q_OBJECT
 private slots:
  void int8_keys_find_99_of_100_keys_that_f32_selects_data() {
    QTest::addColumn<QString>("model");
    QTest::newRow("starter") << "starter";
    if (std::filesystem::exists(Path(LONGLEAF_SOURCE_DIR) / "resources/models/finder")) QTest::newRow("finder") << "finder";
  }
  void int8_keys_find_99_of_100_keys_that_f32_selects() {
    QFETCH(QString, model);
    engine::LocalEngineOptions options;
    options.device = engine::Device::kCpu;
    options.arithmetic = engine::Arithmetic::kExact;
    const Path root = LONGLEAF_SOURCE_DIR;
    auto loaded = engine::load_model(root / "resources/models" / model.toStdString(), options, {}, {});
    QVERIFY(loaded);
    engine::LoadedModel& parts = **loaded;
    std::vector<engine::TokenId> tokens = parts.tokenizer->encode(text_of(root / "LICENSE"));
    tokens.resize(std::min<std::size_t>(tokens.size(), 3000));
    QVERIFY(tokens.size() > 2000);

    BothIndexers backend(*parts.backend);
    const std::int64_t chunk = 250;
    auto transformer = engine::Transformer::create(backend, parts.config, parts.weights, chunk);
    QVERIFY(transformer);
    engine::KeyStore keys(backend, parts.config);
    QVERIFY(keys.reserve(static_cast<std::int64_t>(tokens.size()), 0));
    std::vector<float> logits(static_cast<std::size_t>(parts.config.n_vocab));
    engine::StepOptions step;
    step.top_k = parts.config.indexer.top_k;
    for (std::size_t first = 0; first < tokens.size(); first += chunk) {
      const auto part = std::span(tokens).subspan(first, std::min<std::size_t>(chunk, tokens.size() - first));
      QVERIFY((*transformer)->step(part, static_cast<std::int64_t>(first), keys, step, logits));
    }
    const double recall = backend.n_found / backend.n_wanted;
    qInfo("recall %.4f over %.0f selected keys", recall, backend.n_wanted);
    QVERIFY(recall >= 0.99);
  }
};

QTEST_APPLESS_MAIN(IndexerRecallTest)
#include "indexer_recall_test.moc"
