#pragma once

#include <stop_token>

#include "app/project/project.h"
#include "app/question/citations.h"
#include "app/question/prompt_builder.h"
#include "engine/engine.h"

namespace app {

struct Question {
  PromptQuestion prompt;
  engine::SamplingOptions sampling;      // used when `own_sampling`
  bool own_sampling = false;             // else the layout's
  engine::SelectionOptions selection;
  engine::TraceLevel trace_level = engine::TraceLevel::kBlocks;
};

struct Answer {
  Run run;                               // as saved in the project
  Prompt prompt;
  engine::Generation generation;
  std::vector<Citation> citations;
};

/// From a question to a saved answer: builds the prompt, generates, checks citations, saves the run
/// with its trace. The window and the command line call this one function, on the engine's thread.
Result<Answer> ask(Project& project, engine::Engine& engine, const Question& question,
                   engine::GenerationObserver& observer, std::stop_token stop);

}  // namespace app
