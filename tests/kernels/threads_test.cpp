#include <QTest>
#include <atomic>

#include "kernels/cpu/thread_pool.h"
#include "tests/kernels/kernel_support.h"

using namespace kernel_support;
using namespace kernels;

namespace {

constexpr int kTokens = 53;
constexpr int kHidden = 72;
constexpr int kInner = 40;
constexpr int kHeads = 4;

/// Runs `first` tokens and then the others through the operations a layer is made of.
std::vector<Floats> run_layer(const std::string& kind, int first) {
  auto device = make_backend(kind);
  Floats in = random_floats(kTokens * kHidden, 1);
  const auto gate = load(*device, random_floats(kInner * kHidden, 2), kInner, kHidden);
  const auto up = load(*device, random_floats(kInner * kHidden, 3), kInner, kHidden);
  const auto down = load(*device, random_floats(kInner * kHidden, 4), kHidden, kInner);
  const std::vector<FeedForwardWeights> experts(3, {gate.get(), up.get(), down.get()});
  Floats latent = random_floats(kTokens * kHeads * 32, 5);
  Floats rope = random_floats(kTokens * kHeads * 8, 6);
  Floats index = random_floats(kTokens * kHeads * 16, 7);
  Floats head_weights = random_floats(kTokens * kHeads, 8);
  Floats mix = random_floats(kTokens * 2, 9);
  Ints chosen;
  for (int t = 0; t < kTokens; ++t) chosen.insert(chosen.end(), {t % 3, (t + 1) % 3});
  const auto cache = make_cache(*device, {kTokens, 32, 8, 16});
  device->store_keys(
      {cache.get(), view(latent, kTokens, 32), view(rope, kTokens, 8), view(index, kTokens, 16), 0});
  Floats product(kTokens * kInner), expert(kTokens * kHidden), sparse(kTokens * kHeads * 32),
      dense(kTokens * kHeads * 32);
  Floats positions;
  for (const auto& [t, n] : {std::pair{0, first}, std::pair{first, kTokens - first}}) {
    const auto part = [t = t, n = n](Floats& values, int d1, int d2 = 1) {
      return TensorView{values.data() + static_cast<std::ptrdiff_t>(t) * d1 * d2, DType::kF32, {n, d1, d2}};
    };
    const auto ints = [t = t, n = n](Ints& values, int d1) {
      return TensorView{values.data() + static_cast<std::ptrdiff_t>(t) * d1, DType::kI32, {n, d1, 1}};
    };
    Ints indices(static_cast<std::size_t>(kTokens) * 20);
    device->matmul({part(in, kHidden), gate.get(), part(product, kInner)});
    device->run_experts(
        {part(in, kHidden), experts.data(), 3, ints(chosen, 2), part(mix, 2), part(expert, kHidden)});
    SelectKeysArgs select;
    select.queries = part(index, kHeads, 16);
    select.head_weights = part(head_weights, kHeads);
    select.cache = cache.get();
    select.first_position = t;
    select.indices = ints(indices, 20);
    device->select_keys(select);
    device->attention({part(latent, kHeads, 32), part(rope, kHeads, 8), cache.get(), 0.3f, t,
                       ints(indices, 20), part(sparse, kHeads, 32)});
    device->attention(
        {part(latent, kHeads, 32), part(rope, kHeads, 8), cache.get(), 0.3f, t, {}, part(dense, kHeads, 32)});
    for (int i = t * 20; i < (t + n) * 20; ++i)
      positions.push_back(static_cast<float>(indices[static_cast<std::size_t>(i)]));
  }
  return {product, expert, sparse, dense, positions};
}

}  // namespace

class ThreadsTest : public QObject {
  Q_OBJECT
 private slots:
  void every_task_runs_once();
  void results_do_not_depend_on_threads_or_chunks_data();
  void results_do_not_depend_on_threads_or_chunks();
  void a_stop_ends_a_long_operation_early();
};

void ThreadsTest::every_task_runs_once() {
  cpu::ThreadPool pool(4);
  QCOMPARE(pool.n_threads(), 4);
  std::vector<std::atomic<int>> runs(1000);
  for (int round = 0; round < 50; ++round)
    pool.run(1000,
             [&](std::int64_t i, int thread) { runs[static_cast<std::size_t>(i)] += thread < 4 ? 1 : 1000; });
  for (const auto& count : runs) QCOMPARE(count.load(), 50);
}

void ThreadsTest::results_do_not_depend_on_threads_or_chunks_data() {
  QTest::addColumn<std::string>("isa");
  QTest::addColumn<std::string>("arithmetic");
  for (const char* isa : {"plain", "avx2", "avx512", "avx512bf16"}) {
    QTest::newRow(isa) << std::string(isa) << std::string();
    for (const char* arithmetic : {"bf16", "int8"})
      QTest::addRow("%s %s", isa, arithmetic) << std::string(isa) << "/" + std::string(arithmetic);
  }
}

void ThreadsTest::results_do_not_depend_on_threads_or_chunks() {
  QFETCH(std::string, isa);
  QFETCH(std::string, arithmetic);
  const std::vector<Floats> wanted = run_layer("cpu/" + isa + "/1" + arithmetic, kTokens);
  QVERIFY(run_layer("cpu/" + isa + "/3" + arithmetic, kTokens) == wanted);
  QVERIFY(run_layer("cpu/" + isa + "/2" + arithmetic, 17) == wanted);
  QVERIFY(run_layer("cpu/" + isa + "/1" + arithmetic, 1) == wanted);
  QVERIFY(run_layer("cpu/" + isa + "/1" + arithmetic, kTokens - 1) == wanted);
}

void ThreadsTest::a_stop_ends_a_long_operation_early() {
  auto device = make_backend("cpu/avx512/1");
  Floats in = random_floats(200 * 64, 1);
  const auto weight = load(*device, random_floats(6400 * 64, 2), 6400, 64);
  Floats out(200 * 6400);
  std::atomic<int> n_asked = 0;
  device->set_stop([&n_asked] { return ++n_asked >= 3; });
  device->matmul({view(in, 200, 64), weight.get(), view(out, 200, 6400)});
  QVERIFY(n_asked >= 3);
  QVERIFY(std::count(out.begin(), out.end(), 0.0f) > 0);
  device->set_stop({});
  device->matmul({view(in, 200, 64), weight.get(), view(out, 200, 6400)});
  QCOMPARE(std::count(out.begin(), out.end(), 0.0f), 0);
}

QTEST_APPLESS_MAIN(ThreadsTest)
#include "threads_test.moc"
