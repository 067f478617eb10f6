// How fast a model reads and writes on this machine:
//   engine_speed MODEL [prompt tokens = 4096] [new tokens = 64] [prefill chunk = 0] [exact]
// The prompt is random tokens; sampling is off, so that two runs do the same work.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "engine/local/local_engine.h"

namespace {

class Quiet final : public engine::GenerationObserver {
  void on_prefill(std::int64_t, std::int64_t, std::int64_t) override {}
  void on_text(engine::Channel, std::string_view, std::int64_t) override {}
};

std::int64_t number(int argc, char** argv, int at, std::int64_t fallback) {
  return argc > at ? std::strtoll(argv[at], nullptr, 10) : fallback;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: engine_speed MODEL [prompt tokens] [new tokens] [prefill chunk] [exact]\n");
    return 2;
  }
  engine::LocalEngineOptions options;
  options.prefill_chunk = number(argc, argv, 4, 0);
  if (argc > 5 && std::string(argv[5]) == "exact") options.arithmetic = engine::Arithmetic::kExact;
  const auto opened = engine::open_local_engine(argv[1], options);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    return 1;
  }
  engine::Engine& engine = **opened;
  engine::GenerationRequest request;
  const std::int64_t n_vocabulary = engine.tokenizer()->vocabulary_size();
  std::uint64_t state = 1;
  for (std::int64_t i = 0; i < number(argc, argv, 2, 4096); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    request.prompt.push_back(static_cast<engine::TokenId>((state >> 33) % static_cast<std::uint64_t>(n_vocabulary)));
  }
  request.sampling.max_new_tokens = static_cast<int>(number(argc, argv, 3, 64));
  for (const auto mode : {engine::SelectionMode::kIndexer, engine::SelectionMode::kDense}) {
    if (mode == engine::SelectionMode::kIndexer && !engine.info().has_indexer) continue;
    request.selection.mode = mode;
    Quiet quiet;
    const auto generation = engine.generate(request, quiet, {});
    if (!generation) {
      std::fprintf(stderr, "%s\n", generation.error().message.c_str());
      return 1;
    }
    std::printf("%s, %s, %s: prefill %lld tokens %.2f s (%.0f tokens/s), decode %zu tokens %.2f s (%.1f tokens/s)\n",
                engine.info().name.c_str(), engine.info().device.c_str(),
                mode == engine::SelectionMode::kIndexer ? "indexer" : "dense",
                static_cast<long long>(generation->n_prompt_tokens), generation->prefill_seconds,
                static_cast<double>(generation->n_prompt_tokens) / generation->prefill_seconds, generation->tokens.size(),
                generation->decode_seconds, static_cast<double>(generation->tokens.size()) / generation->decode_seconds);
  }
  return 0;
}
