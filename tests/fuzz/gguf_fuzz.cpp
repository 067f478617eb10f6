#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "engine/model/gguf_checkpoint.h"
#include "engine/model/gguf_file.h"
#include "engine/model/gguf_tokenizer.h"
#include "tests/fuzz/memory_file.h"

/// Everything that is read from a GGUF file before a model runs.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile memory;
  memory.fill(data, size);
  auto opened = engine::GgufFile::open(memory.path());
  if (!opened) return 0;
  const auto file = std::make_shared<const engine::GgufFile>(std::move(opened).value());
  std::vector<float> values;
  for (const auto& [name, tensor] : file->tensors()) {
    std::uint64_t n = 1;
    for (const std::int64_t extent : tensor.shape) n *= static_cast<std::uint64_t>(extent);
    values.resize(n);
    const auto bytes = file->read(tensor);
    if (!bytes) std::abort();
    engine::dequantise(tensor.type, *bytes, values);
  }
  (void)engine::load_tokenizer(*file);
  const auto config = engine::read_config(*file);
  if (!config) return 0;
  const auto checkpoint = engine::make_checkpoint(file);
  (void)checkpoint->matrix("model.embed_tokens.weight", config->n_vocab, config->n_hidden);
  (void)checkpoint->matrix("model.layers.0.self_attn.kv_b_proj.weight",
                           std::int64_t{config->n_heads} * (config->nope_dim + config->value_dim), config->kv_rank);
  (void)checkpoint->matrix("model.layers.0.mlp.experts.1.up_proj.weight", config->experts.n_inner, config->n_hidden);
  (void)checkpoint->vector("model.norm.weight", config->n_hidden);
  (void)checkpoint->fingerprint();
  return 0;
}
