#include <QtTest>
#include <algorithm>
#include <span>

#include "tests/engine/tiny_model.h"
#include "tests/kernels/kernel_support.h"

namespace {

/// Of all rows of logits the one in the middle, by largest difference over root mean square of the row. These models
/// have random weights: a rounded router score sends some rows to other experts, whose logits say nothing then.
double median_row_error(std::span<const float> got, std::span<const float> wanted, std::int64_t n_vocab) {
  std::vector<double> errors;
  for (std::size_t at = 0; at < wanted.size(); at += static_cast<std::size_t>(n_vocab)) {
    const auto row = wanted.subspan(at, static_cast<std::size_t>(n_vocab));
    const auto other = got.subspan(at, row.size());
    errors.push_back(kernel_support::error_of({other.begin(), other.end()}, {row.begin(), row.end()}));
  }
  const auto middle = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2);
  std::nth_element(errors.begin(), middle, errors.end());
  return *middle;
}

}  // namespace

/// The recorded logits of the reference implementation against every instruction set and arithmetic, held to the one
/// table of tolerances. Models without an indexer: which keys a rounded score selects is another matter
/// (indexer_recall_test).
class ArithmeticTest : public QObject {
  Q_OBJECT
 private slots:
  void every_arithmetic_follows_the_recorded_logits_data() {
    QTest::addColumn<std::string>("model");
    QTest::addColumn<std::string>("backend");
    for (const std::string& backend : kernel_support::kBackends)
      for (const char* model : {"deepseek_v3", "deepseek_v2", "glm4_moe_lite"})
        QTest::addRow("%s on %s", model, backend.c_str()) << std::string(model) << backend;
  }
  void every_arithmetic_follows_the_recorded_logits() {
    QFETCH(std::string, model);
    QFETCH(std::string, backend);
    TinyModel tiny(model, backend);
    const std::vector<float> wanted = tiny.floats("logits");
    const auto got = tiny.run(tiny.integers("prompt"), 0, 96);
    const double error = median_row_error(got, wanted, tiny.config.n_vocab);
    QVERIFY2(error < kernel_support::tolerances(kernel_support::compute_of(backend)).logits, qPrintable(QString::number(error)));
  }
};

QTEST_GUILESS_MAIN(ArithmeticTest)
#include "arithmetic_test.moc"
