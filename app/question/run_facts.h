#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/heatmap/run_trace.h"
#include "app/project/project.h"

namespace app {

/// How a run was asked: what its settings say. Numbers that are missing there stay as they are here.
struct RunFacts {
  std::string program;        // version of Longleaf
  std::string model;          // name
  std::string model_hash;
  std::string architecture;
  std::string device;
  std::int64_t context_length = 0;
  std::string layout;
  bool thinking = false;
  std::int64_t reserve = 0;
  double temperature = 0;
  double top_p = 1;
  std::uint64_t seed = 0;
  bool quote_constraint = false;
  std::string selection_mode;  // engine/trace/selection_names.h
  int top_k = 0;               // 0: the model's own
  bool keep = false;
  int n_sources = 0;
  int n_shortened = 0;         // of these, as outline or by name only
  int n_earlier = 0;           // earlier turns that went along
};

/// Fails with kCorrupt where the settings cannot be read.
Result<RunFacts> run_facts(const Run& run);

/// What a recorded run consulted of its prompt.
struct RunCoverage {
  bool sparse = false;                // false: every key was seen, nothing was left out
  std::int64_t n_parts = 0;           // pages and files in the prompt
  std::int64_t n_consulted = 0;       // of these, selected by a generated token
  std::int64_t n_tokens = 0;          // of sources
  std::int64_t n_unread_tokens = 0;   // in spans that no generated token selected
  std::optional<double> recall;       // share of dense attention kept, mean of the layers that were sampled
};

RunCoverage run_coverage(const RunTrace& trace);

/// Rates in tokens per second; 0 where too little was computed to speak of a rate.
double prefill_rate(const Run& run);  // of the tokens that were not cached
double decode_rate(const Run& run);

/// Runs whose question, answer or thinking hold all of these words, in any case; all runs when there are none.
class RunFilter {
 public:
  explicit RunFilter(std::string_view words);
  bool matches(const Run& run) const;

 private:
  std::vector<std::string> words_;  // folded
};

/// One line per run: run,asked_at,question,model,selection,top_k,prompt_tokens,cached_tokens,generated_tokens,
/// seconds_to_first_token,prefill_rate,decode_rate,end,citations,verified.
std::string runs_csv(const std::vector<Run>& runs);

}  // namespace app
