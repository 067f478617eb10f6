#include <QtTest>

#include "engine/model/gpu_plan.h"

namespace {

/// DeepSeek-V3.2, 671 billion weights.
engine::ModelConfig large_model() {
  engine::ModelConfig config;
  config.n_vocab = 129280;
  config.n_hidden = 7168;
  config.n_layers = 61;
  config.n_heads = 128;
  config.q_rank = 1536;
  config.kv_rank = 512;
  config.nope_dim = 128;
  config.rope_dim = 64;
  config.value_dim = 128;
  config.indexer.n_heads = 64;
  config.indexer.head_dim = 128;
  config.indexer.top_k = 2048;
  config.indexers.assign(61, engine::IndexerKind::kFull);
  config.n_dense_inner = 18432;
  config.is_moe.assign(61, true);
  config.is_moe[0] = config.is_moe[1] = config.is_moe[2] = false;
  config.experts.n_experts = 256;
  config.experts.n_used = 8;
  config.experts.n_shared = 1;
  config.experts.n_inner = 2048;
  config.is_fp8 = true;
  config.context_length = 131072;
  return config;
}

engine::GpuPlan plan(const char* card, std::int64_t n_tokens) {
  engine::GpuPlanOptions options;
  options.n_tokens = n_tokens;
  return engine::plan_gpu(large_model(), *engine::find_card(card), options);
}

const engine::PlacedPart& part(const engine::GpuPlan& plan, const std::string& name) {
  for (const engine::PlacedPart& one : plan.parts)
    if (one.name == name) return one;
  qFatal("no part is called %s", name.c_str());
}

bool near(double got, double wanted, double share) { return std::abs(got - wanted) <= share * wanted; }

}  // namespace

/// The plan against figures worked out by hand for the 671-billion model.
class GpuPlanTest : public QObject {
  Q_OBJECT

 private slots:
  void weights_add_up_to_the_models_size() {
    const engine::WeightCounts counts = engine::count_weights(large_model());
    QVERIFY(near(static_cast<double>(counts.all()), 671.9e9, 0.002));
    QVERIFY(near(static_cast<double>(counts.routed_experts), 653.9e9, 0.001));
  }

  void a_prompt_takes_what_the_formulas_say_data() {
    QTest::addColumn<QString>("card");
    QTest::addColumn<int>("n_tokens");
    QTest::addColumn<double>("seconds");
    QTest::addColumn<double>("dense_seconds");
    QTest::newRow("h200 128k") << "h200" << 131072 << 25.1 << 79.2;
    QTest::newRow("4090 128k") << "rtx-4090" << 131072 << 116.5 << 343.0;
    QTest::newRow("a100 128k") << "a100" << 131072 << 93.0 << 266.0;
    QTest::newRow("3090 32k") << "rtx-3090" << 32768 << 67.0 << 83.0;
  }
  void a_prompt_takes_what_the_formulas_say() {
    QFETCH(QString, card);
    QFETCH(int, n_tokens);
    QFETCH(double, seconds);
    QFETCH(double, dense_seconds);
    const engine::GpuPlan got = plan(card.toUtf8().constData(), n_tokens);
    QVERIFY2(near(got.prompt_seconds, seconds, 0.02), qPrintable(QString::number(got.prompt_seconds)));
    QVERIFY2(near(got.dense_prompt_seconds, dense_seconds, 0.02), qPrintable(QString::number(got.dense_prompt_seconds)));
  }

  void a_short_prompt_is_bound_by_the_bus_and_every_weight_crosses_it_once() {
    const engine::GpuPlan got = plan("h200", 32768);
    QVERIFY(got.prompt_seconds == got.stream_seconds);
    std::int64_t missing = 0;
    for (const engine::PlacedPart& one : got.parts)
      if (one.rest == engine::Place::kStreamed) missing += one.bytes - one.bytes_on_card;
    QCOMPARE(got.prompt_bus_bytes, missing);
    QVERIFY(got.prompt_bus_bytes < engine::count_weights(large_model()).all());
  }

  void what_every_token_needs_stays_and_experts_fill_the_rest() {
    const engine::GpuPlan got = plan("h200", 131072);
    QVERIFY(got.is_possible && !got.fits);
    QCOMPARE(part(got, "attention and indexer").rest, engine::Place::kCard);
    QCOMPARE(part(got, "keys").rest, engine::Place::kCard);
    QCOMPARE(part(got, "routed experts").rest, engine::Place::kStreamed);
    QVERIFY(got.expert_share_on_card > 0.1 && got.expert_share_on_card < 0.25);
    std::int64_t used = 0;
    for (const engine::PlacedPart& one : got.parts) used += one.bytes_on_card;
    QVERIFY(used <= static_cast<std::int64_t>(141e9));
  }

  void a_card_too_small_for_the_keys_is_said_to_be_too_small() {
    engine::GpuCard card = *engine::find_card("rtx-3090");
    card.memory_gb = 8;
    QVERIFY(!engine::plan_gpu(large_model(), card).is_possible);
    QVERIFY(plan("rtx-3090", 131072).is_possible);
  }

  void a_small_model_stays_on_the_card_and_nothing_crosses_the_bus() {
    engine::ModelConfig config = large_model();
    config.n_layers = 4;
    config.indexers.resize(4);
    config.is_moe.assign(4, false);
    const engine::GpuPlan got = engine::plan_gpu(config, *engine::find_card("H200"));
    QVERIFY(got.fits);
    QCOMPARE(got.prompt_bus_bytes, std::int64_t{0});
    QCOMPARE(got.token_bus_bytes, std::int64_t{0});
  }

  void below_top_k_nothing_is_scored() {
    const engine::GpuPlan got = plan("h200", 2048);
    QCOMPARE(got.indexer_seconds, 0.0);
    QCOMPARE(got.select_seconds, 0.0);
  }

  void shared_indexers_cost_less() {
    engine::ModelConfig config = large_model();
    for (std::size_t i = 0; i < 61; ++i)
      if (i % 4 != 0) config.indexers[i] = engine::IndexerKind::kShared;
    const engine::GpuPlan got = engine::plan_gpu(config, *engine::find_card("h200"));
    QVERIFY(near(got.indexer_seconds, plan("h200", 131072).indexer_seconds * 16 / 61, 0.001));
  }

  void an_unknown_card_is_not_found() { QVERIFY(!engine::find_card("voodoo2")); }
};

QTEST_APPLESS_MAIN(GpuPlanTest)
#include "gpu_plan_test.moc"
