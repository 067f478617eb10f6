#pragma once

#include <cstdint>
#include <filesystem>

#include "engine/base/result.h"
#include "engine/model/config.h"

namespace app {

/// What a model needs in memory, from its configuration and the sizes of its tensors or files.
struct ModelPlan {
  std::int64_t weight_bytes = 0;           // of the files; of config.json in bf16 where there are none
  std::int64_t key_bytes_per_token = 0;    // latent keys of all layers, f32 as the CPU keeps them
  std::int64_t index_bytes_per_token = 0;  // index keys of the layers that have an indexer
  std::int64_t workspace_bytes = 0;        // an estimate: activations of one chunk
  std::int64_t context_length = 0;         // the model's own, at most 131072
  std::int64_t bytes_at(std::int64_t tokens) const { return weight_bytes + workspace_bytes + tokens * (key_bytes_per_token + index_bytes_per_token); }
  /// The longest context that fits into `free_bytes`; 0: not even the weights do.
  std::int64_t longest_context(std::int64_t free_bytes) const;
};

/// The configuration of a model folder, of a config.json or of a GGUF file.
engine::Result<engine::ModelConfig> read_model_config(const std::filesystem::path& path);

/// A model folder, of which config.json is enough, or a GGUF file. Quantised tensors count as bf16,
/// which they become. An architecture that is not supported is an error with the list.
engine::Result<ModelPlan> plan_model(const std::filesystem::path& path);

/// Memory that a program may take now (MemAvailable); 0 where the system does not say.
std::int64_t free_memory_bytes();

}  // namespace app
