// The bundled finder on the GPU: its recorded greedy answers, then its speed on a long prompt beside the CPU's.
// Usage: check_answers SOURCE_FOLDER [TOKENS]. Returns 1 when an answer in f32 differs.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "engine/base/json.h"
#include "engine/local/local_engine.h"

namespace {

class Quiet final : public engine::GenerationObserver {
 public:
  void on_prefill(std::int64_t, std::int64_t, std::int64_t) override {}
  void on_text(engine::Channel, std::string_view, std::int64_t) override {}
};

template <typename T>
T value_or_end(engine::Result<T> result) {
  if (result) return std::move(result).value();
  std::printf("FAILED: %s\n", result.error().message.c_str());
  std::exit(1);
}

std::vector<engine::TokenId> ids_of(const engine::JsonValue& list) {
  std::vector<engine::TokenId> ids;
  for (std::int64_t i = 0; i < list.size(); ++i) ids.push_back(static_cast<engine::TokenId>(value_or_end(list[i].integer())));
  return ids;
}

engine::GenerationRequest request_for(std::vector<engine::TokenId> prompt, int n_new) {
  engine::GenerationRequest request;
  request.prompt = std::move(prompt);
  request.sampling.max_new_tokens = n_new;
  request.trace_level = engine::TraceLevel::kOff;
  return request;
}

std::unique_ptr<engine::Engine> open(const std::filesystem::path& source, engine::Device device, engine::Arithmetic arithmetic) {
  engine::LocalEngineOptions options;
  options.device = device;
  options.arithmetic = arithmetic;
  return value_or_end(engine::open_local_engine(source / "resources/models/finder", options));
}

/// Answers that are the recorded ones, of how many.
std::pair<int, int> same_answers(engine::Engine& finder, const engine::JsonValue& cases) {
  Quiet quiet;
  int n_same = 0;
  for (std::int64_t i = 0; i < cases.size(); ++i) {
    auto expected = ids_of(value_or_end(cases[i].at("answer")));
    int n_new = static_cast<int>(expected.size());  // of a recording that was cut, no more than it has
    if (!expected.empty() && expected.back() == 1) expected.pop_back();  // the end token
    n_new = std::max(n_new, 1);
    const auto got = value_or_end(finder.generate(request_for(ids_of(value_or_end(cases[i].at("prompt"))), n_new), quiet, {}));
    std::vector<engine::TokenId> ids;
    for (const engine::GeneratedToken& token : got.tokens) ids.push_back(token.id);
    n_same += ids == expected;
  }
  return {n_same, static_cast<int>(cases.size())};
}

void time_long_prompt(engine::Engine& finder, const engine::JsonValue& cases, std::int64_t n_tokens) {
  std::vector<engine::TokenId> prompt;
  for (std::int64_t i = 0; static_cast<std::int64_t>(prompt.size()) < n_tokens; ++i) {
    const auto part = ids_of(value_or_end(cases[i % cases.size()].at("prompt")));
    prompt.insert(prompt.end(), part.begin(), part.end());
  }
  prompt.resize(static_cast<std::size_t>(n_tokens));
  Quiet quiet;
  auto request = request_for(prompt, 64);
  const auto got = value_or_end(finder.generate(request, quiet, {}));
  std::printf("       %-44s %8.0f tokens/s prompt of %lld, %7.1f tokens/s answer of %zu\n", finder.info().device.c_str(),
              static_cast<double>(n_tokens) / got.prefill_seconds, static_cast<long long>(n_tokens),
              static_cast<double>(got.tokens.size()) / got.decode_seconds, got.tokens.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path source = argc > 1 ? argv[1] : ".";
  const std::int64_t n_tokens = argc > 2 ? std::atoll(argv[2]) : 32768;
  const auto document = value_or_end(engine::JsonDocument::read(source / "tests/golden/finder/golden.json"));
  const engine::JsonValue cases = value_or_end(document.root().at("cases"));
  bool failed = false;
  for (const auto arithmetic : {engine::Arithmetic::kExact, engine::Arithmetic::kFast}) {
    const auto finder = open(source, engine::Device::kCuda, arithmetic);
    const auto [n_same, n] = same_answers(*finder, cases);
    const bool ok = arithmetic == engine::Arithmetic::kFast ? n_same * 10 >= n * 9 : n_same == n;
    failed = failed || !ok;
    std::printf("%-6s finder, %s: %d of %d recorded answers\n", ok ? "ok" : "FAILED", finder->info().device.c_str(), n_same, n);
    time_long_prompt(*finder, cases, n_tokens);
  }
  const auto cpu = open(source, engine::Device::kCpu, engine::Arithmetic::kFast);
  time_long_prompt(*cpu, cases, std::min<std::int64_t>(n_tokens, 16384));
  return failed ? 1 : 0;
}
