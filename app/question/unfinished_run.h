#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "app/project/project.h"
#include "app/question/prompt_builder.h"

namespace app {

/// Where a run over the project at `project` writes its trace until it is saved. A file that is there while
/// no run goes on is what a crash left.
std::filesystem::path unfinished_trace_path(const std::filesystem::path& project);

/// What goes into that file beside the trace: the map of the prompt, and of `run` what is known before the
/// answer (asked_at, question, model, settings_json).
std::string unfinished_run_json(const PromptMap& map, const Run& run);

/// Takes the file away: the run is saved, or was not worth it.
void forget_unfinished_run(const std::filesystem::path& project);

/// Saves what a crash left as a run that ended "interrupted", with its text and its trace up to the last
/// whole chunk, and takes the file away. Nothing when there is none, and none in a project that this
/// process may not write to: another one may be at work there. Not to be called while a run goes on.
Result<std::optional<RunId>> recover_unfinished_run(Project& project);

}  // namespace app
