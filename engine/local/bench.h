#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/engine.h"
#include "engine/local/local_engine.h"
#include "engine/local/timed_backend.h"
#include "kernels/api/ceilings.h"

namespace engine {

struct BenchOptions {
  std::vector<std::int64_t> contexts;  // ascending, tokens: where it stops and measures
  /// The first mode reads the prompt; at each context all of them read its last `probe` tokens once more, one
  /// after the other, so that they are compared over the same keys at the same time.
  std::vector<SelectionMode> modes{SelectionMode::kIndexer};
  int top_k = 0;                       // 0: the model's own
  std::int64_t probe = 256;            // tokens
  int decode_tokens = 16;
};

/// One mode at one context. Rates in 1e9 per core-second; parts in the order of WorkPart.
struct BenchRow {
  SelectionMode mode = SelectionMode::kIndexer;
  std::int64_t context = 0;
  double interval_tokens_per_second = 0;  // of the prompt since the context before; first mode only
  double prefill_tokens_per_second = 0;   // of the probe: what a token costs here
  double decode_tokens_per_second = 0;
  double core_ms_per_token = 0;           // of the probe: CPU time of all threads, a busy machine does not change it
  double attention_core_ms_per_token = 0; // its indexer, selection and attention
  double decode_gb_per_second = 0;        // of weights and keys that the written tokens need
  /// What dense attention with keys written out per head costs here, of all layers: the fair thing to compare with.
  double expanded_core_ms_per_token = 0;
  double expanded_core_seconds = 0;       // of the whole prompt
  /// Attention part of the whole prompt up to here: the probes' cost, linear between contexts.
  double attention_core_seconds = 0;
  std::array<double, kWorkParts> share{};         // of the probe's CPU time
  std::array<double, kWorkParts> giga_per_second{};
  std::int64_t key_bytes = 0;             // of this many tokens as they are held
  std::int64_t resident_bytes = 0;        // of the process
};

struct BenchReport {
  std::string model;
  std::string device;
  kernels::Ceilings ceilings;
  std::int64_t weight_bytes = 0;
  std::vector<BenchRow> rows;
};

/// Runs the model on text without meaning (tokens of a fixed sequence). `on_row` hears every row at once.
Result<BenchReport> run_bench(const std::filesystem::path& model, const LocalEngineOptions& options, const BenchOptions& bench,
                              const std::function<void(const BenchReport&, const BenchRow&)>& on_row, std::stop_token stop);

}  // namespace engine
