#include <QTest>
#include <array>
#include <numbers>

#include "tests/kernels/kernel_support.h"

using namespace kernel_support;
using namespace kernels;

namespace {

double dot(const float* a, const float* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

double silu(double x) {
  return x / (1.0 + std::exp(-x));
}

/// YaRN table of DeepSeek-V3.2: base 1e4, 64 dimensions, factor 40, ramp from pair 10 to 23.
Floats yarn_frequencies() {
  Floats table(32);
  for (int i = 0; i < 32; ++i) {
    const double f = std::pow(1e4, -2.0 * i / 64);
    const double ramp = std::clamp((i - 10.0) / 13.0, 0.0, 1.0);
    table[static_cast<std::size_t>(i)] = static_cast<float>(f / 40 * ramp + f * (1 - ramp));
  }
  return table;
}

struct Network {
  Floats gate, up, down;
  std::unique_ptr<Matrix> gate_matrix, up_matrix, down_matrix;
  FeedForwardWeights weights() const { return {gate_matrix.get(), up_matrix.get(), down_matrix.get()}; }
};

Network make_network(Backend& backend, int n_hidden, int n_inner, unsigned seed) {
  Network n{random_floats(n_hidden * n_inner, seed, 0.2f),
            random_floats(n_hidden * n_inner, seed + 1, 0.2f),
            random_floats(n_hidden * n_inner, seed + 2, 0.2f),
            nullptr,
            nullptr,
            nullptr};
  n.gate_matrix = load(backend, n.gate, n_inner, n_hidden);
  n.up_matrix = load(backend, n.up, n_inner, n_hidden);
  n.down_matrix = load(backend, n.down, n_hidden, n_inner);
  return n;
}

void add_network(const Network& n, const float* in, int n_hidden, int n_inner, double factor, double* out) {
  for (int i = 0; i < n_inner; ++i) {
    const double inner = silu(dot(&n.gate[static_cast<std::size_t>(i * n_hidden)], in, n_hidden)) *
                         dot(&n.up[static_cast<std::size_t>(i * n_hidden)], in, n_hidden);
    for (int d = 0; d < n_hidden; ++d)
      out[d] += factor * inner * n.down[static_cast<std::size_t>(d * n_inner + i)];
  }
}

}  // namespace

/// Every operation of every backend against loops in double precision, and the golden numbers of the
/// model family. Sizes are no multiples of anything on purpose.
class OperationsTest : public QObject {
  Q_OBJECT
 private slots:
  void matmul_is_in_times_transposed_weight_data() { backends_and_sizes(); }
  void matmul_is_in_times_transposed_weight();
  void matmul_heads_uses_one_matrix_per_head_data() { backends_and_sizes(); }
  void matmul_heads_uses_one_matrix_per_head();
  void norms_are_the_formula_data() { backends_and_sizes(); }
  void norms_are_the_formula();
  void embed_copies_the_rows_that_the_ids_name_data() { backends_and_sizes(kExactBackends); }
  void embed_copies_the_rows_that_the_ids_name();
  void weights_of_every_file_format_are_read_data() { backends(kExactBackends); }
  void weights_of_every_file_format_are_read();
  void a_matrix_of_an_unknown_format_is_an_error_with_a_reason_data() { backends(); }
  void a_matrix_of_an_unknown_format_is_an_error_with_a_reason();
  void rotation_matches_the_golden_numbers_in_both_layouts_data() { backends(); }
  void rotation_matches_the_golden_numbers_in_both_layouts();
  void rotation_touches_only_its_part_of_each_head_data() { backends(); }
  void rotation_touches_only_its_part_of_each_head();
  void hadamard_matches_the_golden_numbers_data() { backends(); }
  void hadamard_matches_the_golden_numbers();
  void the_router_matches_the_golden_numbers_data() { backends(); }
  void the_router_matches_the_golden_numbers();
  void a_softmax_router_without_normalising_keeps_the_raw_weights_data() { backends(); }
  void a_softmax_router_without_normalising_keeps_the_raw_weights();
  void equal_experts_are_taken_lowest_first_data() { backends(); }
  void equal_experts_are_taken_lowest_first();
  void a_feed_forward_network_is_down_of_silu_gate_times_up_data() { backends_and_sizes(); }
  void a_feed_forward_network_is_down_of_silu_gate_times_up();
  void experts_are_mixed_with_their_weights_data() { backends_and_sizes(); }
  void experts_are_mixed_with_their_weights();
  void add_adds_data() { backends(); }
  void add_adds();

 private:
  static void backends(const std::vector<std::string>& kinds = kBackends);
  static void backends_and_sizes(const std::vector<std::string>& kinds = kBackends);
};

void OperationsTest::backends(const std::vector<std::string>& kinds) {
  QTest::addColumn<std::string>("backend");
  for (const std::string& kind : kinds) QTest::newRow(kind.c_str()) << kind;
}

void OperationsTest::backends_and_sizes(const std::vector<std::string>& kinds) {
  QTest::addColumn<std::string>("backend");
  QTest::addColumn<int>("n_tokens");
  QTest::addColumn<int>("n_in");
  QTest::addColumn<int>("n_out");
  const std::vector<std::array<int, 3>> sizes{
      {1, 1, 1}, {1, 37, 33}, {3, 64, 48}, {29, 130, 67}, {61, 96, 161}};
  for (const std::string& kind : kinds)
    for (const auto& [n_tokens, n_in, n_out] : sizes)
      QTest::addRow("%s %dx%dx%d", kind.c_str(), n_tokens, n_in, n_out) << kind << n_tokens << n_in << n_out;
}

void OperationsTest::matmul_is_in_times_transposed_weight() {
  QFETCH(std::string, backend);
  QFETCH(int, n_tokens);
  QFETCH(int, n_in);
  QFETCH(int, n_out);
  auto device = make_backend(backend);
  Floats in = random_floats(n_tokens * n_in, 1);
  const Floats weight = random_floats(n_out * n_in, 2);
  Floats out = random_floats(n_tokens * n_out, 3);
  const auto matrix = load(*device, weight, n_out, n_in);
  Doubles wanted(out.size());
  for (int t = 0; t < n_tokens; ++t)
    for (int o = 0; o < n_out; ++o)
      wanted[static_cast<std::size_t>(t * n_out + o)] =
          dot(&in[static_cast<std::size_t>(t * n_in)], &weight[static_cast<std::size_t>(o * n_in)], n_in);
  Doubles wanted_sum(wanted);
  for (std::size_t i = 0; i < out.size(); ++i) wanted_sum[i] += out[i];
  device->matmul({view(in, n_tokens, n_in), matrix.get(), view(out, n_tokens, n_out), /*accumulate=*/true});
  QVERIFY(error_of(out, wanted_sum) < tolerance(backend));
  device->matmul({view(in, n_tokens, n_in), matrix.get(), view(out, n_tokens, n_out), /*accumulate=*/false});
  QVERIFY(error_of(out, wanted) < tolerance(backend));
}

void OperationsTest::matmul_heads_uses_one_matrix_per_head() {
  QFETCH(std::string, backend);
  QFETCH(int, n_tokens);
  QFETCH(int, n_in);
  QFETCH(int, n_out);
  const int n_heads = 3;
  auto device = make_backend(backend);
  Floats in = random_floats(n_tokens * n_heads * n_in, 4);
  const Floats weight = random_floats(n_heads * n_out * n_in, 5);
  Floats out(static_cast<std::size_t>(n_tokens * n_heads * n_out));
  const auto matrix = load(*device, weight, n_heads * n_out, n_in);
  Doubles wanted;
  for (int t = 0; t < n_tokens; ++t)
    for (int o = 0; o < n_heads * n_out; ++o)
      wanted.push_back(dot(&in[static_cast<std::size_t>((t * n_heads + o / n_out) * n_in)],
                           &weight[static_cast<std::size_t>(o * n_in)], n_in));
  device->matmul_heads(
      {view(in, n_tokens, n_heads, n_in), matrix.get(), view(out, n_tokens, n_heads, n_out)});
  QVERIFY(error_of(out, wanted) < tolerance(backend));
}

void OperationsTest::norms_are_the_formula() {
  QFETCH(std::string, backend);
  QFETCH(int, n_tokens);
  QFETCH(int, n_in);
  const int stride = n_in + 5;
  auto device = make_backend(backend);
  Floats in = random_floats(n_tokens * stride, 6, 3.0f);
  Floats weight = random_floats(n_in, 7);
  Floats bias = random_floats(n_in, 8);
  Floats out(static_cast<std::size_t>(n_tokens * n_in));
  Doubles wanted_rms;
  Doubles wanted_layer;
  Floats dense;
  for (int t = 0; t < n_tokens; ++t) {
    const float* row = &in[static_cast<std::size_t>(t * stride)];
    double mean = 0;
    double squares = 0;
    double variance = 0;
    for (int i = 0; i < n_in; ++i) mean += row[i] / static_cast<double>(n_in);
    for (int i = 0; i < n_in; ++i) squares += static_cast<double>(row[i]) * row[i] / n_in;
    for (int i = 0; i < n_in; ++i) variance += (row[i] - mean) * (row[i] - mean) / n_in;
    for (int i = 0; i < n_in; ++i) {
      const auto at = static_cast<std::size_t>(i);
      wanted_rms.push_back(weight[at] * static_cast<double>(row[i]) / std::sqrt(squares + 1e-5));
      wanted_layer.push_back(weight[at] * (row[i] - mean) / std::sqrt(variance + 1e-6) + bias[at]);
      dense.push_back(row[i]);
    }
  }
  device->rms_norm(
      {view(in, n_tokens, n_in), view(weight, n_in), view(out, n_tokens, n_in), 1e-5f, stride, 0});
  QVERIFY(error_of(out, wanted_rms) < tolerance(backend));
  if (n_in == 1) return;  // the variance of one number is pure rounding
  device->layer_norm(
      {view(dense, n_tokens, n_in), view(weight, n_in), view(bias, n_in), view(out, n_tokens, n_in), 1e-6f});
  QVERIFY(error_of(out, wanted_layer) < tolerance(backend));
}

void OperationsTest::embed_copies_the_rows_that_the_ids_name() {
  QFETCH(std::string, backend);
  QFETCH(int, n_tokens);
  QFETCH(int, n_in);
  QFETCH(int, n_out);
  auto device = make_backend(backend);
  const Floats table = random_floats(n_out * n_in, 9);
  const auto matrix = load(*device, table, n_out, n_in);
  Ints ids;
  for (int t = 0; t < n_tokens; ++t) ids.push_back((7 * t + n_out - 1) % n_out);
  Floats out(static_cast<std::size_t>(n_tokens * n_in));
  device->embed({ids.data(), matrix.get(), view(out, n_tokens, n_in)});
  for (int t = 0; t < n_tokens; ++t)
    for (int i = 0; i < n_in; ++i)
      QCOMPARE(out[static_cast<std::size_t>(t * n_in + i)],
               table[static_cast<std::size_t>(ids[static_cast<std::size_t>(t)] * n_in + i)]);
}

void OperationsTest::weights_of_every_file_format_are_read() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  const auto row_of = [&](const MatrixSource& source, std::int32_t row) {
    auto result = device->load_matrix(source);
    Floats out(static_cast<std::size_t>(source.n_in));
    device->embed({&row, std::get<0>(result).get(), view(out, 1, source.n_in)});
    return out;
  };
  const std::vector<std::uint16_t> bf16{0x3f80, 0xc049, 0x0000, 0x7f7f};
  QCOMPARE(row_of({bf16.data(), DType::kBF16, 1, 4, nullptr, false}, 0),
           (Floats{1.0f, -3.140625f, 0.0f, 0x1.fep127f}));
  const std::vector<std::uint16_t> f16{0x3c00, 0xc248, 0x0001, 0x7bff};
  QCOMPARE(row_of({f16.data(), DType::kF16, 1, 4, nullptr, false}, 0),
           (Floats{1.0f, -3.140625f, 0x1p-24f, 65504.0f}));
  // 130 x 130 has two blocks each way, the second of two rows and columns.
  std::vector<std::uint8_t> f8(130 * 130, 0x38);  // 1.0
  f8[0] = 0x7e;                                   // 448, the largest
  f8[1] = 0x81;                                   // -2^-9, the smallest
  const Floats scales{1.0f, 10.0f, 100.0f, 0.5f};
  const MatrixSource source{f8.data(), DType::kF8E4M3, 130, 130, scales.data(), false};
  const Floats first = row_of(source, 0);
  const Floats last = row_of(source, 129);
  QCOMPARE((Floats{first[0], first[1], first[2], first[127], first[128]}),
           (Floats{448.0f, -0x1p-9f, 1.0f, 1.0f, 10.0f}));
  QCOMPARE((Floats{last[0], last[127], last[128], last[129]}), (Floats{100.0f, 100.0f, 0.5f, 0.5f}));
}

void OperationsTest::a_matrix_of_an_unknown_format_is_an_error_with_a_reason() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  const std::vector<std::uint8_t> bytes(64);
  const auto result = device->load_matrix({bytes.data(), DType::kF8E4M3, 8, 8, nullptr, false});
  QVERIFY(std::holds_alternative<DeviceError>(result));
  QCOMPARE(std::get<1>(result).message,
           std::string("A weight matrix cannot be loaded: its FP8 values have no block scales."));
}

void OperationsTest::rotation_matches_the_golden_numbers_in_both_layouts() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Floats frequencies = yarn_frequencies();
  Floats x(64);
  for (std::size_t j = 0; j < 64; ++j) x[j] = static_cast<float>(j + 1) / 64;
  Floats y(x);
  device->rotate({view(y, 1, 1, 64), view(frequencies, 32), 64, 0, RopePairs::kInterleaved, 3});
  QVERIFY(error_of({y[0], y[1], y[2], y[3], y[22], y[23], y[62], y[63]},
                   {-0.0198786, -0.0287323, -0.0780761, -0.0027639, 0.3131345, 0.4143938, 0.9843650,
                    1.0000098}) < 1e-6);
  y = x;
  device->rotate({view(y, 1, 1, 64), view(frequencies, 32), 64, 0, RopePairs::kHalfSplit, 3});
  QVERIFY(error_of({y[0], y[1], y[11], y[32], y[33], y[43], y[63]},
                   {-0.0882336, -0.4330800, 0.1059494, -0.5082599, -0.3092650, 0.7046895, 1.0000050}) < 1e-6);
}

void OperationsTest::rotation_touches_only_its_part_of_each_head() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Floats frequencies{1.0f, 0.1f};
  const Floats x = random_floats(5 * 3 * 7, 10);
  Floats y(x);
  device->rotate({view(y, 5, 3, 7), view(frequencies, 2), 4, 2, RopePairs::kInterleaved, 1000});
  Doubles wanted(x.begin(), x.end());
  for (std::size_t head = 0; head < 15; ++head) {
    for (std::size_t i = 0; i < 2; ++i) {
      const double angle = static_cast<double>(1000 + head / 3) * static_cast<double>(frequencies[i]);
      const std::size_t u = head * 7 + 2 + 2 * i;
      wanted[u] = x[u] * std::cos(angle) - x[u + 1] * std::sin(angle);
      wanted[u + 1] = x[u] * std::sin(angle) + x[u + 1] * std::cos(angle);
    }
    for (const std::size_t i : {0, 1, 6}) QCOMPARE(y[head * 7 + i], x[head * 7 + i]);
  }
  QVERIFY(error_of(y, wanted) < 2e-4);  // f32 angles: half a unit in the last place of 1000 radians
}

void OperationsTest::hadamard_matches_the_golden_numbers() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Floats v(256);
  for (std::size_t j = 0; j < 256; ++j) v[j] = static_cast<float>(j % 128) / 128;
  device->hadamard({view(v, 2, 128)});
  const Doubles wanted{5.612660, -0.044194, -0.088388, 0, -0.176777, -2.828427, 0};
  QVERIFY(error_of({v[0], v[1], v[2], v[3], v[4], v[64], v[127]}, wanted) < 1e-6);
  QVERIFY(error_of({v[128], v[129], v[130], v[131], v[132], v[192], v[255]}, wanted) < 1e-6);
}

void OperationsTest::the_router_matches_the_golden_numbers() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Floats logits{0.5f, -1, 2, 0, -0.5f, 1.5f, 0.25f, -2};
  Floats bias{0, 0.3f, -0.4f, 0, 0.6f, -0.1f, 0, 0.5f};
  Ints experts(2);
  Floats weights(2);
  device->route_experts({view(logits, 1, 8), view(bias, 8), RouterScore::kSigmoid, 4, 2, true, 2.5f,
                         view(experts, 1, 2), view(weights, 1, 2)});
  QCOMPARE(experts, (Ints{4, 5}));
  QVERIFY(error_of(weights, {0.789758, 1.710242}) < 1e-6);
}

void OperationsTest::a_softmax_router_without_normalising_keeps_the_raw_weights() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Floats logits{0, 2, 1, -1};
  Ints experts(2);
  Floats weights(2);
  device->route_experts({view(logits, 1, 4),
                         {},
                         RouterScore::kSoftmax,
                         1,
                         1,
                         false,
                         1.0f,
                         view(experts, 1, 2),
                         view(weights, 1, 2)});
  const double sum = 1 + std::exp(2.0) + std::exp(1.0) + std::exp(-1.0);
  QCOMPARE(experts, (Ints{1, 2}));
  QVERIFY(error_of(weights, {std::exp(2.0) / sum, std::exp(1.0) / sum}) < 1e-6);
}

void OperationsTest::equal_experts_are_taken_lowest_first() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Floats logits(6, 0.25f);
  Ints experts(3);
  Floats weights(3);
  device->route_experts({view(logits, 1, 6),
                         {},
                         RouterScore::kSigmoid,
                         1,
                         1,
                         true,
                         3.0f,
                         view(experts, 1, 3),
                         view(weights, 1, 3)});
  QCOMPARE(experts, (Ints{0, 1, 2}));
  QVERIFY(error_of(weights, {1, 1, 1}) < 1e-6);
}

void OperationsTest::a_feed_forward_network_is_down_of_silu_gate_times_up() {
  QFETCH(std::string, backend);
  QFETCH(int, n_tokens);
  QFETCH(int, n_in);
  QFETCH(int, n_out);
  auto device = make_backend(backend);
  const Network network = make_network(*device, n_in, n_out, 20);
  Floats in = random_floats(n_tokens * n_in, 11);
  const Floats before = random_floats(n_tokens * n_in, 12);
  Doubles wanted(before.begin(), before.end());
  for (int t = 0; t < n_tokens; ++t)
    add_network(network, &in[static_cast<std::size_t>(t * n_in)], n_in, n_out, 1,
                &wanted[static_cast<std::size_t>(t * n_in)]);
  Floats out(before);
  device->feed_forward(
      {view(in, n_tokens, n_in), network.weights(), view(out, n_tokens, n_in), /*accumulate=*/true});
  QVERIFY(error_of(out, wanted) < tolerance(backend));
  device->feed_forward(
      {view(in, n_tokens, n_in), network.weights(), view(out, n_tokens, n_in), /*accumulate=*/false});
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] -= before[i];
  QVERIFY(error_of(out, wanted) < 4 * tolerance(backend));
}

void OperationsTest::experts_are_mixed_with_their_weights() {
  QFETCH(std::string, backend);
  QFETCH(int, n_tokens);
  QFETCH(int, n_in);
  QFETCH(int, n_out);
  auto device = make_backend(backend);
  const int n_experts = 5;  // the last one is never chosen
  const int n_used = 3;
  std::vector<Network> networks;
  std::vector<FeedForwardWeights> weights;
  for (int e = 0; e < n_experts; ++e) {
    networks.push_back(make_network(*device, n_in, n_out, 30 + 3 * static_cast<unsigned>(e)));
    weights.push_back(networks.back().weights());
  }
  Floats in = random_floats(n_tokens * n_in, 13);
  Floats mix = random_floats(n_tokens * n_used, 14);
  Ints chosen;
  for (int t = 0; t < n_tokens; ++t)
    for (int j = 0; j < n_used; ++j) chosen.push_back((t + 3 - j) % 4);
  Floats out = random_floats(n_tokens * n_in, 15);
  Doubles wanted(out.begin(), out.end());
  for (int t = 0; t < n_tokens; ++t)
    for (int j = 0; j < n_used; ++j) {
      const auto at = static_cast<std::size_t>(t * n_used + j);
      add_network(networks[static_cast<std::size_t>(chosen[at])], &in[static_cast<std::size_t>(t * n_in)],
                  n_in, n_out, mix[at], &wanted[static_cast<std::size_t>(t * n_in)]);
    }
  device->run_experts({view(in, n_tokens, n_in), weights.data(), n_experts, view(chosen, n_tokens, n_used),
                       view(mix, n_tokens, n_used), view(out, n_tokens, n_in), true});
  QVERIFY(error_of(out, wanted) < tolerance(backend));
}

void OperationsTest::add_adds() {
  QFETCH(std::string, backend);
  auto device = make_backend(backend);
  Floats a = random_floats(33 * 1001, 16);
  Floats b = random_floats(33 * 1001, 17);
  Doubles wanted(a.begin(), a.end());
  for (std::size_t i = 0; i < b.size(); ++i) wanted[i] += b[i];
  device->add({view(b, 33, 1001), view(a, 33, 1001)});
  QVERIFY(error_of(a, wanted) < 1e-6);
}

QTEST_APPLESS_MAIN(OperationsTest)
#include "operations_test.moc"
