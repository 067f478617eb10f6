// The GPU backend's operations at DeepSeek-V3.2's sizes, in turns, as medians over CUDA events would give them: each
// sample is several calls between two waits. Prints one table.
#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "tests/gpu/check_support.h"

namespace {

using namespace gpu_check;
using Clock = std::chrono::steady_clock;

struct Row {
  std::string name;
  double seconds;
  double operations;  // or bytes
  bool is_bytes;
};

/// Median seconds of one call, nine samples of `n_calls` after a warm-up.
double median_seconds(Backend& device, int n_calls, const std::function<void()>& call) {
  call();
  device.synchronize();
  std::vector<double> samples;
  for (int i = 0; i < 9; ++i) {
    const auto start = Clock::now();
    for (int j = 0; j < n_calls; ++j) call();
    device.synchronize();
    samples.push_back(std::chrono::duration<double>(Clock::now() - start).count() / n_calls);
  }
  std::sort(samples.begin(), samples.end());
  return samples[4];
}

void print(const Row& row) {
  std::printf("%-58s %12.1f us %10.1f %s\n", row.name.c_str(), row.seconds * 1e6, row.operations / row.seconds * (row.is_bytes ? 1e-9 : 1e-12),
              row.is_bytes ? "GB/s" : "TFLOP/s");
}

constexpr int kHeads = 128;
constexpr int kLatent = 512;
constexpr int kRope = 64;
constexpr int kIndexHeads = 64;
constexpr int kIndexDim = 128;
constexpr int kTop = 2048;

class Layer {
 public:
  Layer(Backend& backend, std::int64_t n_keys) : rig_(backend), n_keys_(n_keys) {
    cache_ = rig_.cache({n_keys, kLatent, kRope, kIndexDim});
    constexpr std::int64_t kStep = 8192;
    for (std::int64_t first = 0; first < n_keys; first += kStep) {
      Rig part(backend);
      const std::int64_t n = std::min(kStep, n_keys - first);
      const auto seed = static_cast<unsigned>(first);
      backend.store_keys({cache_, part.put(random_floats(n * kLatent, seed), n, kLatent), part.put(random_floats(n * kRope, seed + 1), n, kRope),
                          part.put(random_floats(n * kIndexDim, seed + 2), n, kIndexDim), first});
      backend.synchronize();
    }
  }

  void queries(std::int64_t n) {
    n_ = n;
    select_.queries = rig_.put(random_floats(n * kIndexHeads * kIndexDim, 5), n, kIndexHeads, kIndexDim);
    select_.head_weights = rig_.put(random_floats(n * kIndexHeads, 6), n, kIndexHeads);
    select_.cache = cache_;
    select_.first_position = n_keys_ - n;
    select_.indices = rig_.room(n, kTop, 1, DType::kI32);
    attend_.q_latent = rig_.put(random_floats(n * kHeads * kLatent, 7, 0.1f), n, kHeads, kLatent);
    attend_.q_rope = rig_.put(random_floats(n * kHeads * kRope, 8, 0.1f), n, kHeads, kRope);
    attend_.cache = cache_;
    attend_.scale = 0.1f;
    attend_.first_position = n_keys_ - n;
    attend_.out = rig_.room(n, kHeads, kLatent);
  }

  void measure(int n_calls) {
    const double pairs = static_cast<double>(n_) * static_cast<double>(n_keys_);
    const std::string at = std::to_string(n_) + " queries, " + std::to_string(n_keys_) + " keys";
    print({"select_keys, " + at, median_seconds(rig_.b, n_calls, [&] { rig_.b.select_keys(select_); }), 2 * pairs * kIndexHeads * kIndexDim, false});
    attend_.indices = select_.indices;
    const double sparse = 2.0 * static_cast<double>(n_) * std::min<double>(kTop, static_cast<double>(n_keys_)) * kHeads * (2 * kLatent + kRope);
    print({"attention, selected, " + at, median_seconds(rig_.b, n_calls, [&] { rig_.b.attention(attend_); }), sparse, false});
    attend_.indices = {};
    print({"attention, dense, " + at, median_seconds(rig_.b, n_calls, [&] { rig_.b.attention(attend_); }), 2 * pairs * kHeads * (2 * kLatent + kRope), false});
  }

 private:
  Rig rig_;
  std::int64_t n_keys_;
  std::int64_t n_ = 0;
  KeyCache* cache_;
  SelectKeysArgs select_;
  AttentionArgs attend_;
};

void measure_products(Backend& backend) {
  for (const auto& [n, n_in, n_out] : std::vector<std::array<std::int64_t, 3>>{{1, 7168, 2112}, {1, 7168, 18432}, {256, 7168, 2112}, {1024, 7168, 4096}, {4096, 7168, 4096}}) {
    Rig rig(backend);
    const Matrix* w = rig.matrix(random_floats(n_in * n_out, 1), n_out, n_in);
    const TensorView in = rig.put(random_floats(n * n_in, 2), n, n_in);
    const TensorView out = rig.room(n, n_out);
    const std::string name = "matmul " + std::to_string(n) + " x " + std::to_string(n_in) + " x " + std::to_string(n_out);
    const double seconds = median_seconds(backend, 10, [&] { backend.matmul({in, w, out}); });
    print(n == 1 ? Row{name, seconds, 2.0 * static_cast<double>(n_in * n_out), true}
                 : Row{name, seconds, 2.0 * static_cast<double>(n) * static_cast<double>(n_in * n_out), false});
  }
}

/// E4: a layer's experts in FP8 in the computer's memory, all needed by a chunk, brought to the card in halves.
void measure_streaming(int n_experts, std::int64_t n_tokens) {
  constexpr std::int64_t kHidden = 7168;
  constexpr std::int64_t kInner = 2048;
  constexpr int kUsed = 8;
  constexpr std::size_t kExpertBytes = 3 * kHidden * kInner;
  CudaOptions options;
  options.compute = Compute::kBF16;
  options.resident_bytes = 1;
  options.stream_bytes = 16 * kExpertBytes * 2 + (1 << 20);
  auto made = make_cuda_backend(options);
  if (std::holds_alternative<DeviceError>(made)) return;
  Backend& device = *std::get<0>(made);
  Rig rig(device);
  const Floats scales((kHidden / 128) * (kInner / 128), 0.01f);
  std::vector<FeedForwardWeights> experts;
  for (int e = 0; e < n_experts; ++e) {
    const auto bytes = std::make_shared<std::vector<std::uint8_t>>(kExpertBytes);
    for (std::size_t i = 0; i < kExpertBytes; ++i) (*bytes)[i] = static_cast<std::uint8_t>((i * 2654435761u + static_cast<unsigned>(e)) >> 13 & 0xbf);
    const auto part = [&](int which, std::int64_t n_out, std::int64_t n_in) {
      return rig.matrix({bytes->data() + which * kHidden * kInner, DType::kF8E4M3, n_out, n_in, scales.data(), false, bytes});
    };
    experts.push_back({part(0, kInner, kHidden), part(1, kInner, kHidden), part(2, kHidden, kInner)});
  }
  Ints chosen;
  for (std::int64_t t = 0; t < n_tokens; ++t)
    for (int j = 0; j < kUsed; ++j) chosen.push_back(static_cast<std::int32_t>((t * 3 + j * (n_experts / kUsed)) % n_experts));
  RunExpertsArgs args;
  args.in = rig.put(random_floats(n_tokens * kHidden, 1), n_tokens, kHidden);
  args.experts = experts.data();
  args.n_experts = n_experts;
  args.chosen = rig.put(chosen, n_tokens, kUsed);
  args.weights = rig.put(random_floats(n_tokens * kUsed, 2), n_tokens, kUsed);
  args.out = rig.room(n_tokens, kHidden);
  const std::int64_t before = device.stream_counts().n_bytes;
  const double seconds = median_seconds(device, 1, [&] { device.run_experts(args); });
  const double n_calls = 10;  // a warm-up and nine samples
  print({"experts streamed, " + std::to_string(n_tokens) + " tokens, " + std::to_string(n_experts) + " in FP8", seconds,
         static_cast<double>(device.stream_counts().n_bytes - before) / n_calls, true});
  print({"  the same as operations", seconds, 6.0 * static_cast<double>(n_tokens * kUsed) * kHidden * kInner, false});
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t longest = argc > 1 ? std::atoll(argv[1]) : 131072;
  const auto backend = open_backend("cuda/bf16");
  std::printf("%s\n", backend->name().c_str());
  measure_products(*backend);
  for (std::int64_t n_keys = 8192; n_keys <= longest; n_keys *= 4) {
    Layer layer(*backend, n_keys);
    layer.queries(1);
    layer.measure(20);
    layer.queries(256);
    layer.measure(2);
  }
  measure_streaming(64, 256);
  measure_streaming(64, 8192);
  if (const auto why = backend->synchronize()) {
    std::printf("FAILED: %s\n", why->message.c_str());
    return 1;
  }
  return 0;
}
