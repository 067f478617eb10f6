#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "app/project/project.h"
#include "app/question/citations.h"
#include "app/question/prompt_builder.h"
#include "engine/engine.h"

namespace app {

/// What a run had said before it was stopped.
struct Beginning {
  std::string thinking;
  std::string answer;
};

/// Queries whose dense attention is computed beside the selected one, so that every run says what share of it
/// the selection kept.
constexpr int kSampledRecall = 8;

struct Question {
  PromptQuestion prompt;
  engine::SamplingOptions sampling;      // used when `own_sampling`
  bool own_sampling = false;             // else the layout's
  engine::SelectionOptions selection = {.sampled_recall = kSampledRecall};
  engine::TraceLevel trace_level = engine::TraceLevel::kBlocks;
  int max_thinking_tokens = 0;           // 0: as long as the model likes
  std::stop_token answer_now = {};       // asked for while it thinks: it answers with what it has
  /// The model goes on behind this; thinking and answer of the result begin with it.
  std::optional<Beginning> beginning;
};

struct Answer {
  Run run;                               // as saved in the project; id 0 where it could not be saved
  std::string not_saved;                 // why, as a sentence for the user; empty when it is saved
  Prompt prompt;
  engine::Generation generation;
  std::vector<Citation> citations;
};

/// The parts of `ask` for callers that keep a builder (its token cache) or that save elsewhere.
/// `answer_question` saves nothing: run.id is 0.
Result<Answer> answer_question(const Project& project, engine::Engine& engine, PromptBuilder& builder, const Question& question,
                               engine::GenerationObserver& observer, std::stop_token stop);
/// Saves run and trace and sets run.id. On an error the answer stays as it is, with not_saved set.
Result<void> save_answer(Project& project, Answer& answer);

/// From a question to a saved answer: builds the prompt, generates, checks citations, saves the run
/// with its trace. The window and the command line call this one function, on the engine's thread.
Result<Answer> ask(Project& project, engine::Engine& engine, const Question& question,
                   engine::GenerationObserver& observer, std::stop_token stop);

}  // namespace app
