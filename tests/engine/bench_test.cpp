#include <QtTest>
#include <numeric>

#include "engine/local/bench.h"

namespace {

const std::filesystem::path kStarter = std::filesystem::path(LONGLEAF_SOURCE_DIR) / "resources/models/starter";

}  // namespace

/// The measurement itself; its figures depend on the machine and are not tested.
class BenchTest : public QObject {
  Q_OBJECT
 private slots:
  void every_mode_is_measured_at_every_context() {
    engine::BenchOptions bench;
    bench.contexts = {200, 700};
    bench.modes = {engine::SelectionMode::kIndexer, engine::SelectionMode::kDense, engine::SelectionMode::kBlocks};
    bench.probe = 64;
    bench.decode_tokens = 2;
    int n_heard = 0;
    const auto report = engine::run_bench(kStarter, {}, bench, [&](const auto&, const auto&) { ++n_heard; }, {});
    QVERIFY2(report, report ? "" : report.error().message.c_str());
    QCOMPARE(report->rows.size(), std::size_t{6});
    QCOMPARE(n_heard, 6);
    for (const engine::BenchRow& row : report->rows) {
      QVERIFY(row.prefill_tokens_per_second > 0);
      QVERIFY(row.decode_tokens_per_second > 0);
      QVERIFY(row.attention_core_seconds > 0);
      QVERIFY(std::abs(std::accumulate(row.share.begin(), row.share.end(), 0.0) - 1.0) < 0.01);
    }
    QCOMPARE(report->rows[1].context, std::int64_t{200});
    QVERIFY(report->rows[1].mode == engine::SelectionMode::kDense);
    // Dense attention scores nothing, and only the first mode reads the prompt.
    QCOMPARE(report->rows[4].share[static_cast<std::size_t>(engine::WorkPart::kIndexer)], 0.0);
    QCOMPARE(report->rows[4].interval_tokens_per_second, 0.0);
  }

  void contexts_that_cannot_be_measured_are_refused_with_the_reason() {
    engine::BenchOptions bench;
    QVERIFY(!engine::run_bench(kStarter, {}, bench, {}, {}));
    bench.contexts = {131072};
    const auto report = engine::run_bench(kStarter, {}, bench, {}, {});
    QVERIFY(!report);
    QVERIFY(report.error().message.find("131072") != std::string::npos);
  }
};

QTEST_APPLESS_MAIN(BenchTest)
#include "bench_test.moc"
