#include "engine/sampling/sampler.h"

#include <QtTest>
#include <cmath>
#include <limits>

using engine::Sampler;
using engine::SamplingOptions;
using engine::TokenId;

class SamplerTest : public QObject {
  Q_OBJECT

 private slots:
  void greedy_takes_the_highest_and_the_lowest_id_among_equals();
  void padding_rows_are_never_chosen();
  void only_allowed_tokens_are_chosen();
  void the_log_probability_is_the_models_own();
  void draws_as_often_as_the_softmax_says();
  void top_p_keeps_the_smallest_sufficient_set();
  void the_same_seed_gives_the_same_tokens();
  void the_generator_gives_the_published_numbers();
  void refuses_logits_that_are_not_finite_data();
  void refuses_logits_that_are_not_finite();
  void refuses_options_out_of_range();
};

namespace {

Sampler sampler(double temperature, double top_p = 1.0, std::uint64_t seed = 1, std::int64_t vocabulary = 4) {
  SamplingOptions options;
  options.temperature = temperature;
  options.top_p = top_p;
  options.seed = seed;
  return *Sampler::make(options, vocabulary);
}

}  // namespace

void SamplerTest::greedy_takes_the_highest_and_the_lowest_id_among_equals() {
  Sampler greedy = sampler(0.0);
  QCOMPARE(greedy.sample(std::vector<float>{1, 3, 3, -2})->id, 1);
  QCOMPARE(greedy.sample(std::vector<float>{1, 3, 3, -2}, std::vector<TokenId>{2, 1})->id, 1);
}

void SamplerTest::padding_rows_are_never_chosen() {
  const std::vector<float> logits = {0, 0, 0, 0, 100, std::numeric_limits<float>::quiet_NaN()};
  QCOMPARE(sampler(0.0).sample(logits)->id, 0);
  Sampler warm = sampler(5.0);
  for (int i = 0; i < 100; ++i) QVERIFY(warm.sample(logits)->id < 4);
  QVERIFY(!warm.sample(logits, std::vector<TokenId>{4}));
}

void SamplerTest::only_allowed_tokens_are_chosen() {
  const std::vector<float> logits = {0, 9, 1, 2};
  const std::vector<TokenId> allowed = {0, 2};
  QCOMPARE(sampler(0.0).sample(logits, allowed)->id, 2);
  Sampler warm = sampler(2.0);
  int seen[4] = {};
  for (int i = 0; i < 200; ++i) ++seen[warm.sample(logits, allowed)->id];
  QVERIFY(seen[0] > 0 && seen[2] > 0 && seen[1] == 0 && seen[3] == 0);
}

void SamplerTest::the_log_probability_is_the_models_own() {
  const std::vector<float> logits = {0, std::log(2.0F), std::log(5.0F), 0};
  QVERIFY(std::abs(sampler(0.0).sample(logits)->log_probability - std::log(5.0F / 9.0F)) < 1e-6F);
  const std::vector<TokenId> allowed = {1};
  QVERIFY(std::abs(sampler(0.3, 0.5).sample(logits, allowed)->log_probability - std::log(2.0F / 9.0F)) < 1e-6F);
}

void SamplerTest::draws_as_often_as_the_softmax_says() {
  // At temperature 2 the weights 1 : 4 : 16 : 1 become 1 : 2 : 4 : 1.
  const std::vector<float> logits = {0, std::log(4.0F), std::log(16.0F), 0};
  Sampler warm = sampler(2.0);
  int seen[4] = {};
  for (int i = 0; i < 8000; ++i) ++seen[warm.sample(logits)->id];
  QVERIFY(std::abs(seen[0] - 1000) < 150 && std::abs(seen[1] - 2000) < 200);
  QVERIFY(std::abs(seen[2] - 4000) < 250 && std::abs(seen[3] - 1000) < 150);
}

void SamplerTest::top_p_keeps_the_smallest_sufficient_set() {
  // Probabilities 0.5, 0.3, 0.15, 0.05.
  const std::vector<float> logits = {std::log(0.05F), std::log(0.5F), std::log(0.15F), std::log(0.3F)};
  int seen[4] = {};
  Sampler narrow = sampler(1.0, 0.79);
  for (int i = 0; i < 500; ++i) ++seen[narrow.sample(logits)->id];
  QVERIFY(seen[0] == 0 && seen[2] == 0 && seen[1] > 0 && seen[3] > 0);
  Sampler narrowest = sampler(1.0, 0.01);
  for (int i = 0; i < 50; ++i) QCOMPARE(narrowest.sample(logits)->id, 1);
}

void SamplerTest::the_same_seed_gives_the_same_tokens() {
  std::vector<float> logits(1000);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i % 17) * 0.1F;
  Sampler one = sampler(1.0, 0.9, 42, 1000);
  Sampler two = sampler(1.0, 0.9, 42, 1000);
  Sampler other = sampler(1.0, 0.9, 43, 1000);
  int n_different = 0;
  for (int i = 0; i < 50; ++i) {
    const TokenId id = one.sample(logits)->id;
    QCOMPARE(two.sample(logits)->id, id);
    n_different += other.sample(logits)->id != id;
  }
  QVERIFY(n_different > 40);
}

void SamplerTest::the_generator_gives_the_published_numbers() {
  // SplitMix64 from 0 gives e220a8397b1dcdaf 6e789e6aa1b965f4 06c45d188009454f f88bb8a8724c81ec;
  // xoshiro256** from that state begins with rotl(second * 5, 7) * 9.
  engine::Random random(0);
  QCOMPARE(random.next(), 0x99EC5F36CB75F2B4u);
  QCOMPARE(random.next(), 0xBF6E1F784956452Au);
  for (int i = 0; i < 1000; ++i) {
    const double uniform = random.uniform();
    QVERIFY(uniform >= 0.0 && uniform < 1.0);
  }
}

void SamplerTest::refuses_logits_that_are_not_finite_data() {
  QTest::addColumn<float>("bad");
  QTest::newRow("not a number") << std::numeric_limits<float>::quiet_NaN();
  QTest::newRow("infinity") << std::numeric_limits<float>::infinity();
  QTest::newRow("minus infinity") << -std::numeric_limits<float>::infinity();
}

void SamplerTest::refuses_logits_that_are_not_finite() {
  QFETCH(float, bad);
  const std::vector<float> logits = {0, 1, bad, 2};
  const auto greedy = sampler(0.0).sample(logits);
  QVERIFY(!greedy);
  QVERIFY(greedy.error().message.find("token 2") != std::string::npos);
  QVERIFY(!sampler(1.0).sample(logits, std::vector<TokenId>{0}));
  QVERIFY(!sampler(0.0).sample({}));
}

void SamplerTest::refuses_options_out_of_range() {
  SamplingOptions options;
  options.temperature = -1;
  QVERIFY(!Sampler::make(options, 4));
  options.temperature = std::numeric_limits<double>::quiet_NaN();
  QVERIFY(!Sampler::make(options, 4));
  options.temperature = 1;
  options.top_p = 0;
  QVERIFY(!Sampler::make(options, 4));
  options.top_p = 1.1;
  QVERIFY(!Sampler::make(options, 4));
  options.top_p = 1;
  QVERIFY(!Sampler::make(options, 0));
}

QTEST_GUILESS_MAIN(SamplerTest)
#include "sampler_test.moc"
