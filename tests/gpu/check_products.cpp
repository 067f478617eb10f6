#include "kernels/reference/number_formats.h"
#include "tests/gpu/check_support.h"

namespace gpu_check {
namespace {

struct Expert {
  Floats gate, up, down;
};

Floats run_experts(Rig& rig, const std::vector<Expert>& experts, const Floats& in, const Ints& chosen, const Floats& weights,
                   std::int64_t n_tokens, std::int64_t n_hidden, std::int64_t n_inner, int n_used) {
  std::vector<FeedForwardWeights> table;
  for (const Expert& e : experts)
    table.push_back({rig.matrix(e.gate, n_inner, n_hidden), rig.matrix(e.up, n_inner, n_hidden), rig.matrix(e.down, n_hidden, n_inner)});
  RunExpertsArgs args;
  args.in = rig.put(in, n_tokens, n_hidden);
  args.experts = table.data();
  args.n_experts = static_cast<int>(table.size());
  args.chosen = rig.put(chosen, n_tokens, n_used);
  args.weights = rig.put(weights, n_tokens, n_used);
  args.out = rig.put(in, n_tokens, n_hidden);
  args.accumulate = true;
  rig.b.run_experts(args);
  return rig.floats(args.out);
}

/// Experts that stay on the host and come when they are needed: the same sums as when all of them are on the card.
void check_streaming(Report& report, const std::string& kind, Backend& host) {
  constexpr std::int64_t kHidden = 72;
  constexpr std::int64_t kInner = 40;
  constexpr int kExperts = 12;
  constexpr int kUsed = 3;
  CudaOptions options;
  options.compute = compute_of(kind);
  options.resident_bytes = 4 * 3 * kHidden * kInner * 2;  // some are there from the start
  options.stream_bytes = 5 * 3 * kHidden * (kInner + 8) * 4 + 5 * 3 * 256;
  auto made = make_cuda_backend(options);
  if (std::holds_alternative<DeviceError>(made)) return;
  Backend& device = *std::get<0>(made);
  std::vector<Expert> experts;
  for (unsigned e = 0; e < kExperts; ++e)
    experts.push_back({random_floats(kHidden * kInner, 100 + e, 0.3f), random_floats(kHidden * kInner, 300 + e, 0.3f), random_floats(kHidden * kInner, 500 + e, 0.3f)});
  std::vector<FeedForwardWeights> table;  // one, so that what is on the card after a call is still there in the next
  Rig weights(device);
  for (const Expert& e : experts)
    table.push_back({weights.matrix(e.gate, kInner, kHidden, false, true), weights.matrix(e.up, kInner, kHidden, false, true), weights.matrix(e.down, kHidden, kInner, false, true)});
  for (const std::int64_t n : {1, 3, 60, 2, 60}) {
    const Floats in = random_floats(n * kHidden, static_cast<unsigned>(n));
    const Floats shares = random_floats(n * kUsed, 11);
    Ints chosen;
    for (std::int64_t t = 0; t < n; ++t)
      for (std::int64_t j = 0; j < kUsed; ++j) chosen.push_back(static_cast<std::int32_t>((t * 5 + j * 4 + t / 7) % kExperts));
    Rig rig(device);
    RunExpertsArgs args;
    args.in = rig.put(in, n, kHidden);
    args.experts = table.data();
    args.n_experts = kExperts;
    args.chosen = rig.put(chosen, n, kUsed);
    args.weights = rig.put(shares, n, kUsed);
    args.out = rig.put(in, n, kHidden);
    args.accumulate = true;
    device.run_experts(args);
    const Floats got = rig.floats(args.out);
    const auto why = device.synchronize();
    Rig on_host(host);
    const Floats wanted = run_experts(on_host, experts, in, chosen, shares, n, kHidden, kInner, kUsed);
    const double error = why ? INFINITY : error_of(got, Doubles(wanted.begin(), wanted.end()));
    report.line(kind, text("experts, streamed", {n}) + (why ? ": " + why->message : ""), "error", error, tolerance(kind), error <= tolerance(kind));
  }
  const StreamCounts counts = device.stream_counts();
  report.line(kind, "some streamed experts were still on the card", "hits", static_cast<double>(counts.n_hits), 1, counts.n_hits > 0 && counts.n_misses > 0);
}

void check_sources(Report& report, const std::string& kind, Backend& device, Backend& host) {
  constexpr std::int64_t kOut = 300;
  constexpr std::int64_t kIn = 200;
  constexpr std::int64_t kRows = 9;
  const Floats in = random_floats(kRows * kIn, 20);
  const Floats scales = random_floats(3 * 2, 21, 0.1f);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(kOut * kIn));
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 % 0x7e | (i % 3 == 0 ? 0x80 : 0));
  std::vector<std::uint16_t> halves(bytes.size());
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<std::uint16_t>(0x3000 + i * 13 % 0xfff + (i % 2 ? 0x8000 : 0));
  const std::vector<std::pair<const char*, MatrixSource>> sources{
      {"weights from f8 with block scales", {bytes.data(), DType::kF8E4M3, kOut, kIn, scales.data(), false, nullptr}},
      {"weights from f16", {halves.data(), DType::kF16, kOut, kIn, nullptr, false, nullptr}},
      {"weights from bf16", {halves.data(), DType::kBF16, kOut, kIn, nullptr, false, nullptr}},
      {"weights from f8 kept in f32", {bytes.data(), DType::kF8E4M3, kOut, kIn, scales.data(), true, nullptr}}};
  for (const auto& [name, source] : sources)
    compare(report, kind, device, host, name, source.keep_f32 ? 2e-5 : tolerance(kind), [&](Rig& rig) {
      const TensorView out = rig.room(kRows, kOut);
      rig.b.matmul({rig.put(in, kRows, kIn), rig.matrix(source), out});
      return rig.floats(out);
    });
}

}  // namespace

void check_products(Report& report, const std::string& kind, Backend& device, Backend& host, bool small) {
  std::vector<std::array<std::int64_t, 3>> shapes{{1, 7, 5}, {3, 100, 33}, {4, 256, 64}, {5, 64, 48}, {37, 129, 70}, {130, 333, 257}};
  if (!small) shapes.insert(shapes.end(), {{1, 7168, 2112}, {2, 2048, 7168}, {256, 1536, 1024}, {1000, 512, 576}});
  for (const auto& [n, n_in, n_out] : shapes)
    for (const bool accumulate : {false, true}) {
      const Floats in = random_floats(n * n_in, 1);
      const Floats w = random_floats(n_out * n_in, 2);
      const Floats before = random_floats(n * n_out, 3);
      compare(report, kind, device, host, text(accumulate ? "matmul, added" : "matmul", {n, n_in, n_out}), tolerance(kind), [&](Rig& rig) {
        const TensorView out = rig.put(before, n, n_out);
        rig.b.matmul({rig.put(in, n, n_in), rig.matrix(w, n_out, n_in), out, accumulate});
        return rig.floats(out);
      });
    }
  check_sources(report, kind, device, host);
  check_streaming(report, kind, host);
  for (const auto& [n, heads, n_in, n_out] : std::vector<std::array<std::int64_t, 4>>{{1, 8, 128, 512}, {3, 5, 19, 30}, {70, 16, 32, 64}, {6, 3, 7, 9}}) {
    const Floats in = random_floats(n * heads * n_in, 4);
    const Floats w = random_floats(heads * n_out * n_in, 5);
    compare(report, kind, device, host, text("matmul per head", {n, heads, n_in, n_out}), tolerance(kind), [&, n = n, heads = heads, n_in = n_in, n_out = n_out](Rig& rig) {
      const TensorView out = rig.room(n, heads, n_out);
      rig.b.matmul_heads({rig.put(in, n, heads, n_in), rig.matrix(w, heads * n_out, n_in), out});
      return rig.floats(out);
    });
  }
  for (const auto& [n, hidden, inner] : std::vector<std::array<std::int64_t, 3>>{{1, 64, 160}, {4, 33, 70}, {70, 96, 200}}) {
    const Expert e{random_floats(hidden * inner, 6, 0.2f), random_floats(hidden * inner, 7, 0.2f), random_floats(hidden * inner, 8, 0.2f)};
    const Floats in = random_floats(n * hidden, 9);
    compare(report, kind, device, host, text("feed-forward", {n, hidden, inner}), tolerance(kind), [&, n = n, hidden = hidden, inner = inner](Rig& rig) {
      const TensorView out = rig.put(in, n, hidden);
      rig.b.feed_forward({rig.put(in, n, hidden), {rig.matrix(e.gate, inner, hidden), rig.matrix(e.up, inner, hidden), rig.matrix(e.down, hidden, inner)}, out, true});
      return rig.floats(out);
    });
  }
  std::vector<std::array<std::int64_t, 3>> expert_cases{{1, 8, 2}, {3, 8, 3}, {9, 16, 4}, {70, 5, 2}};
  if (!small) expert_cases.insert(expert_cases.end(), {{600, 16, 8}, {256, 64, 6}});
  for (const auto& [n, n_experts, n_used] : expert_cases) {
    constexpr std::int64_t kHidden = 72;
    constexpr std::int64_t kInner = 40;
    std::vector<Expert> experts;
    for (unsigned e = 0; e < static_cast<unsigned>(n_experts); ++e)
      experts.push_back({random_floats(kHidden * kInner, 100 + e, 0.3f), random_floats(kHidden * kInner, 300 + e, 0.3f), random_floats(kHidden * kInner, 500 + e, 0.3f)});
    const Floats in = random_floats(n * kHidden, 10);
    Floats weights = random_floats(n * n_used, 11);
    Ints chosen;
    for (std::int64_t t = 0; t < n; ++t)  // different ones for each token, some experts without any
      for (std::int64_t j = 0; j < n_used; ++j) chosen.push_back(static_cast<std::int32_t>((t * 5 + j * 3 + t / 7) % (n_experts - 1)));
    compare(report, kind, device, host, text("experts", {n, n_experts, n_used}), tolerance(kind), [&, n = n, n_used = n_used](Rig& rig) {
      return run_experts(rig, experts, in, chosen, weights, n, kHidden, kInner, static_cast<int>(n_used));
    });
  }
}

}  // namespace gpu_check
