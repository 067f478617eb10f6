#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "engine/base/result.h"
#include "engine/tokenizer/prompt_layout.h"
#include "engine/tokenizer/tokenizer.h"

namespace app {

/// What a model's folder says about prompts: enough to build and count them without its weights.
struct ModelPrompt {
  std::shared_ptr<const engine::Tokenizer> tokenizer;  // never null
  engine::PromptLayout layout;                         // with the conversation format filled in
  std::int64_t context_length = 0;                     // tokens, at most 131072

  /// Reads config.json, tokenizer.json and longleaf.json. Errors are those of the loader.
  static engine::Result<ModelPrompt> load(const std::filesystem::path& model_folder);
};

}  // namespace app
