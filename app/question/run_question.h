#pragma once

#include "app/question/prompt_builder.h"

namespace app {

/// The question of a saved run with the sources, detail and earlier turns that it was asked with: what
/// the builder makes its prompt from again. Fails where the run's settings are damaged.
Result<PromptQuestion> question_of_run(const Run& run);

}  // namespace app
