#include "app/settings/model_plan.h"

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>

#include "engine/model/config.h"
#include "engine/model/gguf_checkpoint.h"
#include "engine/model/gguf_file.h"
#include "engine/model/gpu_plan.h"

namespace app {
namespace {

constexpr std::int64_t kLongestContext = 131072;
constexpr std::int64_t kBytesPerKey = 4;     // f32
constexpr std::int64_t kBytesPerWeight = 2;  // bf16
constexpr std::int64_t kChunk = 512;         // tokens that are read at once, about

std::int64_t file_bytes(const std::filesystem::path& folder) {
  std::int64_t n_bytes = 0;
  std::error_code fault;
  for (std::filesystem::directory_iterator at(folder, fault), end; !fault && at != end; at.increment(fault)) {
    std::error_code size_fault;
    const std::uintmax_t size = at->path().extension() == ".safetensors" ? at->file_size(size_fault) : 0;
    if (!size_fault) n_bytes += static_cast<std::int64_t>(size);
  }
  return n_bytes;
}

ModelPlan plan_of(const engine::ModelConfig& config, std::int64_t n_bytes) {
  ModelPlan plan;
  plan.weight_bytes = n_bytes;
  if (plan.weight_bytes == 0) plan.weight_bytes = engine::count_weights(config).all() * (config.is_fp8 ? 1 : kBytesPerWeight);
  plan.key_bytes_per_token = config.n_layers * (config.kv_rank + config.rope_dim) * kBytesPerKey;
  const auto n_indexers = std::ranges::count(config.indexers, engine::IndexerKind::kFull);
  plan.index_bytes_per_token = n_indexers * config.indexer.head_dim * kBytesPerKey;
  const std::int64_t widest = std::max<std::int64_t>({config.n_hidden * 8, config.n_heads * (config.kv_rank + config.rope_dim) * 2, config.n_dense_inner * 3});
  plan.workspace_bytes = kChunk * widest * kBytesPerKey;
  plan.context_length = std::min(config.context_length, kLongestContext);
  return plan;
}

}  // namespace

std::int64_t ModelPlan::longest_context(std::int64_t free_bytes) const {
  const std::int64_t left = free_bytes - weight_bytes - workspace_bytes;
  const std::int64_t per_token = key_bytes_per_token + index_bytes_per_token;
  if (left <= 0 || per_token <= 0) return 0;
  return std::min(context_length, left / per_token);
}

engine::Result<engine::ModelConfig> read_model_config(const std::filesystem::path& path) {
  std::error_code ignored;
  if (path.filename() == "config.json") return engine::load_config(path.has_parent_path() ? path.parent_path() : std::filesystem::path("."));
  if (!std::filesystem::is_regular_file(path, ignored)) return engine::load_config(path);
  TRY_ASSIGN(const engine::GgufFile file, engine::GgufFile::open(path));
  return engine::read_config(file);
}

engine::Result<ModelPlan> plan_model(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored)) {
    TRY_ASSIGN(engine::GgufFile opened, engine::GgufFile::open(path));
    const auto file = std::make_shared<const engine::GgufFile>(std::move(opened));
    TRY_ASSIGN(const auto config, engine::read_config(*file));
    return plan_of(config, engine::make_checkpoint(file)->n_bytes());
  }
  TRY_ASSIGN(const auto config, engine::load_config(path));
  return plan_of(config, file_bytes(path));
}

std::int64_t free_memory_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  std::int64_t kibibytes = 0;
  while (file >> name >> kibibytes) {
    std::getline(file, unit);
    if (name == "MemAvailable:") return kibibytes * 1024;
  }
  return 0;
}

}  // namespace app
