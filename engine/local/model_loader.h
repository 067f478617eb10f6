#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "engine/base/result.h"
#include "engine/forward/transformer.h"
#include "engine/local/local_engine.h"
#include "engine/model/config.h"
#include "engine/model/weights.h"
#include "engine/tokenizer/prompt_layout.h"
#include "engine/tokenizer/tokenizer.h"
#include "kernels/api/backend.h"

namespace engine {

/// A model in memory with everything that a generation needs. Stays where it is: its parts refer to
/// each other.
struct LoadedModel {
  std::unique_ptr<kernels::Backend> backend;
  ModelConfig config;
  Weights weights;
  std::unique_ptr<Transformer> transformer;
  std::shared_ptr<const Tokenizer> tokenizer;
  PromptLayout layout;
  std::string fingerprint;  // of config.json and the weights
};

/// Loads a folder, or a GGUF file, onto the device asked for; errors name the file, the tensor or the key.
Result<std::unique_ptr<LoadedModel>> load_model(const std::filesystem::path& path, const LocalEngineOptions& options,
                                                const LoadObserver& observer, std::stop_token stop);

}  // namespace engine
