#pragma once

#include <memory>

#include "engine/base/result.h"
#include "engine/model/checkpoint.h"
#include "engine/model/config.h"
#include "engine/model/gguf_file.h"

namespace engine {

/// The tensors of a GGUF file under their Hugging Face names: expert stacks are cut into experts,
/// a split kv_b is put together again. F32, F16 and BF16 stay in the mapped file; quantised matrices
/// are widened to bf16, vectors to f32. `n_bytes` is what the weights take in memory.
std::unique_ptr<Checkpoint> make_checkpoint(std::shared_ptr<const GgufFile> file);

/// The configuration in a GGUF file's metadata. Architectures deepseek2, deepseek32 and glm-dsa;
/// others are refused by name. Errors name the key.
Result<ModelConfig> read_config(const GgufFile& file);

}  // namespace engine
