#pragma once

#include <stop_token>

#include "app/cli/answer_output.h"
#include "app/question/ask.h"

namespace app::cli {

/// Asks one question with progress, streamed text and the checked citations on the terminal, or with
/// one JSON object on standard output. Says so when the prompt is longer than the model is good to.
struct Asking {
  Project& project;
  engine::Engine& engine;
  PromptBuilder& builder;
  bool json = false;
  std::stop_token stop;

  Result<Answer> run(const Question& question) const;
  /// `run`, with its error told on the terminal.
  int run_and_tell(const Question& question) const;
};

}  // namespace app::cli
