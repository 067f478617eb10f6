#pragma once

#include <memory>

#include "engine/base/result.h"
#include "engine/model/gguf_file.h"
#include "engine/tokenizer/tokenizer.h"

namespace engine {

/// The tokenizer in a GGUF file's metadata: tokenizer.ggml.model "gpt2" with a pre-tokenizer that is
/// known by name (tokenizer.ggml.pre); others are refused by name. `file` need not outlive it.
Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const GgufFile& file);

}  // namespace engine
