#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "app/question/prompt_builder.h"
#include "app/question/source_selection.h"

namespace app {

/// One question of the sample project, with what is known about its answer.
struct SampleQuestion {
  std::string question;
  SourceFilter narrow;   // a few pages or files for a model that cannot read everything at once
  std::string document;  // title of the document that answers it
  std::string answer;    // the sentence of the source that answers it
  std::string place;     // "p. 14" or "src/wind.cc": in the citation's label
};

/// The project that the program shows itself with: resources/sample/sample.json.
struct Sample {
  std::string title;
  std::vector<std::filesystem::path> sources;  // absolute
  std::vector<SampleQuestion> questions;

  /// `folder` holds sample.json. Paths that lead out of the folder are refused.
  static Result<Sample> load(const std::filesystem::path& folder);
};

/// The sources to ask a sample question with: everything where the model is good to that length, else
/// the narrow choice.
Result<SourceChoice> sample_choice(const Project& project, PromptBuilder& builder, const engine::PromptLayout& layout,
                                   const SampleQuestion& question);

}  // namespace app
