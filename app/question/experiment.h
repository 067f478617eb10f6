#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "app/heatmap/run_trace.h"
#include "app/question/ask.h"

namespace app {

/// One answer to a question under one selection.
struct Trial {
  engine::SelectionOptions selection;
  std::string thinking;
  std::string answer;
  std::vector<std::string> token_texts;      // of what this trial wrote
  std::vector<char> is_common;               // per token: it is part of the longest text both trials share
  std::shared_ptr<const RunTrace> trace;
  std::vector<float> recall;                 // per layer, sampled on generated tokens; empty: nothing was left out
  double tokens_per_second = 0;              // of writing
  double mean_recall() const;                // 1 where nothing was left out
};

/// A run asked again with its own selection and with another one: what that changed. The only place of the
/// program that measures a cause.
struct Experiment {
  Trial base;
  Trial other;
  /// Per token of base's text, natural logarithms: how likely the model finds it under either selection.
  std::vector<float> base_log_probability;
  std::vector<float> other_log_probability;
  double log_probability_change() const;     // of the whole text, other minus base
  std::int64_t n_changed() const;            // tokens of base that other has not
};

/// A saved run's question with its sampling and selection, as it was asked. Fails where its settings cannot be read.
Result<Question> asked_question(const Run& run);

/// Positions of the prompt that passages name: the number of an anchor ("12"), or a page or file by its
/// label ("report.pdf, p. 3", "src/wal.cc"). kNotFound names the one that is not there.
Result<std::vector<engine::TokenRange>> ranges_of(const RunTrace& run, const std::vector<std::string>& passages);

/// Answers the run's question twice, greedily unless it was asked otherwise, and weighs the first text under
/// the second selection. Saves nothing. Fails with kNotFound when the run's sources have changed since: its
/// prompt could not be made again. Engine thread.
Result<Experiment> run_experiment(const Project& project, engine::Engine& engine, PromptBuilder& builder, const Run& run,
                                  const engine::SelectionOptions& selection, engine::GenerationObserver& observer,
                                  std::stop_token stop);

/// token,text,log_probability,log_probability_other,change,in_both
std::string experiment_csv(const Experiment& experiment);

}  // namespace app
