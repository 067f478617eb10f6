// The recorded tiny models end to end on the GPU: logits, hidden states, selections and greedy answers against what
// transformers recorded. Usage: check_models FOLDER_OF_TESTS_GOLDEN. Returns 1 when something differs.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>

#include "engine/forward/transformer.h"
#include "engine/model/checkpoint.h"
#include "engine/model/config.h"
#include "engine/model/tensor_file.h"
#include "engine/model/weights.h"

namespace {

constexpr float kLogits = 1e-3f;  // largest difference to transformers, fp32 against fp32, as on the CPU

template <typename T>
T value_or_end(engine::Result<T> result) {
  if (result) return std::move(result).value();
  std::printf("FAILED: %s\n", result.error().message.c_str());
  std::exit(1);
}

void value_or_end_void(const engine::Result<void>& result) {
  if (result) return;
  std::printf("FAILED: %s\n", result.error().message.c_str());
  std::exit(1);
}

/// `stream_bytes` > 0: experts stay on the host and come through so much of the card's memory.
std::unique_ptr<kernels::Backend> open_gpu(kernels::Compute compute, std::size_t stream_bytes = 0) {
  kernels::CudaOptions options;
  options.compute = compute;
  options.stream_bytes = stream_bytes;
  options.resident_bytes = stream_bytes > 0 ? 1 : 0;
  auto made = kernels::make_cuda_backend(options);
  if (auto* why = std::get_if<kernels::DeviceError>(&made)) {
    std::printf("%s\n", why->message.c_str());
    std::exit(1);
  }
  return std::move(std::get<0>(made));
}

class Model {
 public:
  Model(const std::filesystem::path& folder, std::unique_ptr<kernels::Backend> made, std::int64_t chunk = 128)
      : config(value_or_end(engine::load_config(folder))), backend(std::move(made)) {
    const auto checkpoint = value_or_end(engine::open_safetensors(folder));
    expected_ = std::make_unique<engine::TensorFile>(value_or_end(engine::TensorFile::open_single(folder / "expected.safetensors")));
    weights = value_or_end(engine::load_weights(*checkpoint, config, *backend));
    transformer = value_or_end(engine::Transformer::create(*backend, config, weights, chunk));
    keys = std::make_unique<engine::KeyStore>(*backend, config);
  }

  template <typename T>
  std::vector<T> recorded(const std::string& name) const {
    const engine::StoredTensor* tensor = expected_->find(name);
    if (tensor == nullptr) return {};
    const auto bytes = value_or_end(expected_->read(*tensor));
    std::vector<T> values(bytes.size() / sizeof(T));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  std::vector<float> run(std::span<const std::int32_t> tokens, std::int64_t first, std::int64_t chunk, engine::StepOptions options = {}) {
    options.top_k = config.indexer.top_k;
    const auto n = static_cast<std::int64_t>(tokens.size());
    if (const auto reserved = keys->reserve(first + n, std::min(first, keys->capacity())); !reserved) {
      std::printf("FAILED: %s\n", reserved.error().message.c_str());
      std::exit(1);
    }
    std::vector<float> logits(static_cast<std::size_t>(n * config.n_vocab));
    for (std::int64_t done = 0; done < n; done += chunk) {
      const std::int64_t rows = std::min(chunk, n - done);
      const auto out = std::span(logits).subspan(static_cast<std::size_t>(done * config.n_vocab), static_cast<std::size_t>(rows * config.n_vocab));
      value_or_end(transformer->step(tokens.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(rows)), first + done, *keys, options, out));
    }
    return logits;
  }

  engine::ModelConfig config;
  std::unique_ptr<kernels::Backend> backend;
  engine::Weights weights;
  std::unique_ptr<engine::Transformer> transformer;
  std::unique_ptr<engine::KeyStore> keys;

 private:
  std::unique_ptr<engine::TensorFile> expected_;
};

float largest_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return std::numeric_limits<float>::infinity();
  float largest = 0.0f;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i])) return std::numeric_limits<float>::infinity();
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

/// Selections as the recordings store them: [layers][queries][8], ascending, -1 unused.
class SelectionLog final : public engine::SelectionSink {
 public:
  SelectionLog(int n_layers, std::int64_t n_queries, std::int64_t k)
      : rows(static_cast<std::size_t>(n_layers * n_queries * k), -1), n_queries_(n_queries), k_(k) {}
  void on_selection(int layer, std::int64_t first, std::int64_t n, std::int64_t k, const std::int32_t* indices) override {
    for (std::int64_t t = 0; t < n; ++t)
      for (std::int64_t j = 0; j < k_; ++j)
        rows[static_cast<std::size_t>((layer * n_queries_ + first + t) * k_ + j)] =
            indices != nullptr ? indices[t * k + j] : j <= first + t ? static_cast<std::int32_t>(j) : -1;
  }
  std::vector<std::int32_t> rows;

 private:
  std::int64_t n_queries_;
  std::int64_t k_;
};

int n_failed = 0;

void line(const std::string& name, const std::string& what, bool passed, float number) {
  std::printf("%-6s %-26s %-48s %.3g\n", passed ? "ok" : "FAILED", name.c_str(), what.c_str(), number);
  n_failed += !passed;
}

void check_greedy(Model& model, const std::string& name, std::span<const std::int32_t> prompt) {
  const auto generated = model.recorded<std::int32_t>("generated");
  const auto n_vocab = static_cast<std::size_t>(model.config.n_vocab);
  const auto all = model.run(prompt, 0, 19);
  std::vector<float> logits(all.end() - static_cast<std::ptrdiff_t>(n_vocab), all.end());
  std::size_t n_same = 0;
  for (std::size_t i = 0; i < generated.size(); ++i) {
    n_same += std::max_element(logits.begin(), logits.end()) - logits.begin() == generated[i];
    logits = model.run(std::span(&generated[i], 1), static_cast<std::int64_t>(prompt.size() + i), 1);
  }
  line(name, "greedy tokens of " + std::to_string(generated.size()), n_same == generated.size(), static_cast<float>(n_same));
}

void check_exact(const std::filesystem::path& folder, const std::string& name) {
  Model model(folder, open_gpu(kernels::Compute::kF32));
  const auto prompt = model.recorded<std::int32_t>("prompt");
  for (const std::int64_t chunk : {96, 37, 7, 1}) {
    const float difference = largest_difference(model.run(prompt, 0, chunk), model.recorded<float>("logits"));
    line(name, "f32 logits, chunks of " + std::to_string(chunk), difference < kLogits, difference);
  }
  if (const auto selected = model.recorded<std::int32_t>("selected"); !selected.empty()) {
    SelectionLog log(model.config.n_layers, static_cast<std::int64_t>(prompt.size()), model.config.indexer.top_k);
    engine::StepOptions options;
    options.sink = &log;
    model.run(prompt, 0, 96, options);
    line(name, "f32 selections", log.rows == selected, 0);
  }
  check_greedy(model, name, prompt);
}

/// Layer by layer with experts on the host: the last row's logits.
void check_streamed(const std::filesystem::path& folder, const std::string& name) {
  Model model(folder, open_gpu(kernels::Compute::kF32, 1 << 18), 19);
  if (!model.backend->streams_weights()) return;
  const auto prompt = model.recorded<std::int32_t>("prompt");
  const auto expected = model.recorded<float>("logits");
  const auto n_vocab = static_cast<std::size_t>(model.config.n_vocab);
  value_or_end_void(model.keys->reserve(static_cast<std::int64_t>(prompt.size()), 0));
  engine::StepOptions options;
  options.top_k = model.config.indexer.top_k;
  std::vector<float> logits(n_vocab);
  value_or_end(model.transformer->step_by_layer(prompt, 0, *model.keys, options, logits));
  const float difference = largest_difference(logits, std::span(expected).last(n_vocab));
  line(name, "f32, experts streamed, layer by layer", difference < kLogits, difference);
  const kernels::StreamCounts counts = model.backend->stream_counts();
  line(name, "  MB over the bus", counts.n_bytes > 0, static_cast<float>(counts.n_bytes) / 1e6f);
}

/// Positions whose best token is the recorded one, as a share.
float right_share(Model& model) {
  const auto prompt = model.recorded<std::int32_t>("prompt");
  const auto expected = model.recorded<float>("logits");
  const auto logits = model.run(prompt, 0, 96);
  const auto n_vocab = static_cast<std::ptrdiff_t>(model.config.n_vocab);
  const auto best = [n_vocab](const std::vector<float>& rows, std::size_t t) {
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(t) * n_vocab;
    return std::max_element(begin, begin + n_vocab) - begin;
  };
  std::size_t n_same = 0;
  for (std::size_t t = 0; t < prompt.size(); ++t) n_same += best(logits, t) == best(expected, t);
  return static_cast<float>(n_same) / static_cast<float>(prompt.size());
}

/// Random tiny models have nearly equal logits and select 8 keys of nearly equal scores: what rounding costs them says
/// the CPU, which rounds alike.
void check_fast(const std::filesystem::path& folder, const std::string& name) {
  Model on_gpu(folder, open_gpu(kernels::Compute::kBF16));
  Model on_cpu(folder, kernels::make_cpu_backend({0, kernels::Compute::kBF16, false}));
  const float gpu = right_share(on_gpu);
  const float cpu = right_share(on_cpu);
  line(name, "bf16: share of best tokens; on the CPU " + std::to_string(cpu), gpu >= cpu - 0.1f, gpu);
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path golden = argc > 1 ? argv[1] : "tests/golden";
  for (const char* name : {"deepseek_v32", "deepseek_v32_yarn_groups", "deepseek_v32_fp8", "deepseek_v3", "deepseek_v2", "glm_moe_dsa", "glm4_moe_lite"}) {
    check_exact(golden / name, name);
    check_streamed(golden / name, name);
    check_fast(golden / name, name);
  }
  std::printf("%d failed\n", n_failed);
  return n_failed == 0 ? 0 : 1;
}
