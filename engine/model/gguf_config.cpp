#include <algorithm>
#include <string>

#include "engine/model/gguf_checkpoint.h"

namespace engine {
namespace {

constexpr std::int64_t kMaxWidth = 1 << 20;
constexpr std::int64_t kMaxContext = std::int64_t{1} << 26;
constexpr std::int64_t kMaxLayers = 1024;
constexpr std::int64_t kMaxExperts = 1 << 14;
constexpr std::int64_t kSharedFrom = 1 << 20;  // context from which GLM files without a list share indexers

/// Reads "ARCH.key".
class Metadata {
 public:
  Metadata(const GgufFile& file, std::string arch) : file_(file), arch_(std::move(arch)) {}

  std::string key(std::string_view name) const { return arch_ + "." + std::string(name); }
  bool has(std::string_view name) const { return file_.has(key(name)); }
  Result<int> size(std::string_view name, std::int64_t most) const {
    TRY_ASSIGN(const std::int64_t value, file_.integer(key(name), 1, most));
    return static_cast<int>(value);
  }
  Result<int> size_or(std::string_view name, int fallback, std::int64_t least, std::int64_t most) const {
    TRY_ASSIGN(const std::int64_t value, file_.integer_or(key(name), fallback, least, most));
    return static_cast<int>(value);
  }
  Result<double> number_or(std::string_view name, double fallback, double least, double most) const {
    return file_.number_or(key(name), fallback, least, most);
  }
  Error error(ErrorCode code, std::string_view name, const std::string& what) const {
    return file_.error(code, key(name), what);
  }

 private:
  const GgufFile& file_;
  std::string arch_;
};

Result<void> read_sizes(const GgufFile& file, const Metadata& metadata, ModelConfig& config) {
  const GgufTensor* embedding = file.find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    return file.error(ErrorCode::kCorrupt, "token_embd.weight", "is missing or no matrix. Are all parts of the model there?");
  }
  config.n_vocab = embedding->shape[0];
  config.tied_head = file.find("output.weight") == nullptr;
  TRY_ASSIGN(config.n_hidden, metadata.size("embedding_length", kMaxWidth));
  TRY_ASSIGN(const int n_blocks, metadata.size("block_count", kMaxLayers));
  TRY_ASSIGN(const int n_predicted, metadata.size_or("nextn_predict_layers", 0, 0, n_blocks - 1));
  config.n_layers = n_blocks - n_predicted;
  TRY_ASSIGN(config.n_heads, metadata.size("attention.head_count", kMaxWidth));
  TRY_ASSIGN(config.q_rank, metadata.size_or("attention.q_lora_rank", 0, 0, kMaxWidth));
  TRY_ASSIGN(config.kv_rank, metadata.size("attention.kv_lora_rank", kMaxWidth));
  TRY_ASSIGN(config.rope_dim, metadata.size("rope.dimension_count", 1 << 14));
  // Older files keep the real head widths where newer ones keep those of the absorbed form.
  const bool is_absorbed = metadata.has("attention.key_length_mla");
  TRY_ASSIGN(const int key_length, metadata.size(is_absorbed ? "attention.key_length_mla" : "attention.key_length", 1 << 14));
  TRY_ASSIGN(config.value_dim, metadata.size(is_absorbed ? "attention.value_length_mla" : "attention.value_length", 1 << 14));
  config.nope_dim = key_length - config.rope_dim;
  if (config.nope_dim <= 0 || config.rope_dim % 2 != 0) {
    return metadata.error(ErrorCode::kCorrupt, "rope.dimension_count", "must be even and smaller than a head's width.");
  }
  TRY_ASSIGN(const double epsilon, metadata.number_or("attention.layer_norm_rms_epsilon", 1e-6, 0.0, 1.0));
  config.norm_epsilon = static_cast<float>(epsilon);
  TRY_ASSIGN(config.context_length, metadata.size("context_length", kMaxContext));
  return {};
}

Result<void> read_rope(const GgufFile& file, const Metadata& metadata, ModelConfig& config) {
  TRY_ASSIGN(config.rope_theta, metadata.number_or("rope.freq_base", 10000.0, 1.0, 1e12));
  if (!metadata.has("rope.scaling.type")) return {};
  TRY_ASSIGN(const std::string_view type, file.string(metadata.key("rope.scaling.type")));
  if (type == "none") return {};
  if (type != "yarn") {
    return metadata.error(ErrorCode::kUnsupported, "rope.scaling.type", "is " + std::string(type) + "; Longleaf knows yarn and none.");
  }
  YarnScaling yarn;
  TRY_ASSIGN(yarn.factor, metadata.number_or("rope.scaling.factor", 1.0, 1.0, 1e6));
  TRY_ASSIGN(yarn.original_context, metadata.size("rope.scaling.original_context_length", kMaxContext));
  TRY_ASSIGN(yarn.beta_fast, metadata.number_or("rope.scaling.yarn_beta_fast", 32.0, 1e-6, 1e6));
  TRY_ASSIGN(yarn.beta_slow, metadata.number_or("rope.scaling.yarn_beta_slow", 1.0, 1e-6, 1e6));
  // The file holds 0.1 * mscale_all_dim; very old ones leave out what all of their kind have.
  const bool is_v2 = config.architecture == Architecture::kDeepseekV2;
  TRY_ASSIGN(const double multiplier, metadata.number_or("rope.scaling.yarn_log_multiplier", is_v2 ? 0.0707 : 0.1, 0.0, 10.0));
  yarn.mscale_all_dim = multiplier * 10.0;
  yarn.mscale = yarn.mscale_all_dim;  // the file has no other
  config.yarn = yarn;
  return {};
}

constexpr std::string_view kTypes = "attention.indexer.types";

/// The list of each layer's kind: "full" and "shared", or true and false, or 1 and 0.
Result<std::vector<IndexerKind>> listed_kinds(const GgufFile& file, const Metadata& metadata) {
  std::vector<IndexerKind> kinds;
  if (const auto names = file.strings(metadata.key(kTypes))) {
    for (const std::string_view name : *names) {
      if (name != "full" && name != "shared") return metadata.error(ErrorCode::kUnsupported, kTypes, "must hold full or shared.");
      kinds.push_back(name == "full" ? IndexerKind::kFull : IndexerKind::kShared);
    }
    return kinds;
  }
  TRY_ASSIGN(const std::vector<std::int64_t> numbers, file.integers(metadata.key(kTypes)));
  for (const std::int64_t number : numbers) {
    if (number != 0 && number != 1) return metadata.error(ErrorCode::kUnsupported, kTypes, "must hold 1 for full or 0 for shared.");
    kinds.push_back(number == 1 ? IndexerKind::kFull : IndexerKind::kShared);
  }
  return kinds;
}

Result<void> read_indexer_types(const GgufFile& file, const Metadata& metadata, ModelConfig& config) {
  const auto n_layers = static_cast<std::size_t>(config.n_layers);
  config.indexers.assign(n_layers, IndexerKind::kFull);
  if (config.architecture != Architecture::kGlmMoeDsa) return {};
  if (metadata.has(kTypes)) {
    TRY_ASSIGN(config.indexers, listed_kinds(file, metadata));
    if (config.indexers.size() < n_layers) return metadata.error(ErrorCode::kCorrupt, kTypes, "must have an entry for every layer.");
    config.indexers.resize(n_layers);  // draft layers may be listed too
  } else if (metadata.has("attention.indexer.top_k_frequency")) {
    TRY_ASSIGN(const int every, metadata.size("attention.indexer.top_k_frequency", kMaxLayers));
    TRY_ASSIGN(const int offset, metadata.size_or("attention.indexer.skip_top_k_offset", 2, 0, kMaxLayers));
    config.indexers = spaced_indexers(config.n_layers, every, offset);
  } else if (config.context_length >= kSharedFrom) {
    for (std::size_t i = 2; i < n_layers; ++i) config.indexers[i] = i % 4 == 2 ? IndexerKind::kFull : IndexerKind::kShared;
  }
  if (config.indexers.front() != IndexerKind::kFull) {
    return metadata.error(ErrorCode::kCorrupt, kTypes, "must begin with full.");
  }
  return {};
}

Result<void> read_indexer(const GgufFile& file, const Metadata& metadata, ModelConfig& config) {
  config.indexers.assign(static_cast<std::size_t>(config.n_layers), IndexerKind::kNone);
  const bool may_have = config.architecture == Architecture::kDeepseekV32 || config.architecture == Architecture::kGlmMoeDsa;
  if (!may_have || !metadata.has("attention.indexer.head_count")) return {};
  TRY_ASSIGN(config.indexer.n_heads, metadata.size("attention.indexer.head_count", 1 << 12));
  TRY_ASSIGN(config.indexer.head_dim, metadata.size("attention.indexer.key_length", 1 << 12));
  TRY_ASSIGN(config.indexer.top_k, metadata.size("attention.indexer.top_k", 1 << 20));
  if (config.indexer.head_dim < config.rope_dim || config.q_rank == 0) {
    return metadata.error(ErrorCode::kCorrupt, "attention.indexer.key_length", "does not fit to the model's heads.");
  }
  config.indexer.interleaved = config.architecture == Architecture::kGlmMoeDsa;
  TRY_ASSIGN(const double epsilon, metadata.number_or("attention.layer_norm_epsilon", 1e-6, 1e-12, 1.0));
  config.indexer.norm_epsilon = static_cast<float>(epsilon);
  return read_indexer_types(file, metadata, config);
}

Result<void> read_router(const GgufFile& file, const Metadata& metadata, int first_moe, ExpertConfig& experts) {
  experts.has_bias = file.find("blk." + std::to_string(first_moe) + ".exp_probs_b.bias") != nullptr;
  TRY_ASSIGN(const int gating, metadata.size_or("expert_gating_func", experts.has_bias ? 2 : 1, 1, 2));
  experts.router = gating == 1 ? RouterKind::kSoftmax : RouterKind::kSigmoid;
  TRY_ASSIGN(const int n_groups, metadata.size_or("expert_group_count", 1, 1, kMaxExperts));
  TRY_ASSIGN(const int kept, metadata.size_or("expert_group_used_count", 1, 1, kMaxExperts));
  experts.n_groups = n_groups;
  experts.n_groups_kept = kept;
  experts.n_best_of_group = experts.has_bias ? 2 : 1;
  const int per_group = experts.n_experts / experts.n_groups;
  if (experts.n_experts % experts.n_groups != 0 || experts.n_groups_kept > experts.n_groups ||
      experts.n_used > per_group * experts.n_groups_kept || (experts.n_groups > 1 && per_group < experts.n_best_of_group)) {
    return metadata.error(ErrorCode::kCorrupt, "expert_group_count", "does not fit to the number of experts.");
  }
  return {};
}

Result<void> read_experts(const GgufFile& file, const Metadata& metadata, ModelConfig& config) {
  ExpertConfig& experts = config.experts;
  TRY_ASSIGN(experts.n_experts, metadata.size_or("expert_count", 0, 0, kMaxExperts));
  TRY_ASSIGN(const int n_dense, metadata.size_or("leading_dense_block_count", 0, 0, kMaxLayers));
  config.is_moe.assign(static_cast<std::size_t>(config.n_layers), false);
  for (int i = n_dense; i < config.n_layers && experts.n_experts > 0; ++i) config.is_moe[static_cast<std::size_t>(i)] = true;
  const bool all_moe = std::find(config.is_moe.begin(), config.is_moe.end(), false) == config.is_moe.end();
  if (!all_moe) {
    TRY_ASSIGN(config.n_dense_inner, metadata.size("feed_forward_length", kMaxWidth));
  }
  if (experts.n_experts == 0 || n_dense >= config.n_layers) {
    experts = {};
    return {};
  }
  TRY_ASSIGN(experts.n_used, metadata.size("expert_used_count", experts.n_experts));
  TRY_ASSIGN(experts.n_shared, metadata.size_or("expert_shared_count", 0, 0, 1 << 10));
  TRY_ASSIGN(experts.n_inner, metadata.size("expert_feed_forward_length", kMaxWidth));
  TRY_ASSIGN(experts.normalise, file.boolean_or(metadata.key("expert_weights_norm"), false));
  TRY_ASSIGN(const double scale, metadata.number_or("expert_weights_scale", 1.0, 0.0, 1e6));
  experts.scale = static_cast<float>(scale);
  return read_router(file, metadata, n_dense, experts);
}

/// deepseek2 is V2, V3 and GLM-4.7-Flash in one: the router and the tokenizer tell them apart.
Result<void> name_deepseek2(const GgufFile& file, ModelConfig& config) {
  config.architecture = Architecture::kDeepseekV3;
  config.model_type = "deepseek_v3";
  TRY_ASSIGN(const std::int64_t gating, file.integer_or("deepseek2.expert_gating_func", 0, 0, 2));
  const bool has_bias = std::any_of(file.tensors().begin(), file.tensors().end(),
                                    [](const auto& entry) { return entry.first.ends_with(".exp_probs_b.bias"); });
  if (gating == 1 || (gating == 0 && !has_bias)) {
    config.architecture = Architecture::kDeepseekV2;
    config.model_type = "deepseek_v2";
    return {};
  }
  if (!file.has("tokenizer.ggml.pre")) return {};
  TRY_ASSIGN(const std::string_view pre, file.string("tokenizer.ggml.pre"));
  if (pre == "glm4" || pre == "chatglm-bpe") {
    config.architecture = Architecture::kGlm4MoeLite;
    config.model_type = "glm4_moe_lite";
  }
  return {};
}

Result<void> read_end_ids(const GgufFile& file, ModelConfig& config) {
  for (const char* key : {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    if (!file.has(key)) continue;
    TRY_ASSIGN(const std::int64_t id, file.integer(key, 0, config.n_vocab - 1));
    config.end_ids.push_back(static_cast<std::int32_t>(id));
  }
  std::sort(config.end_ids.begin(), config.end_ids.end());
  config.end_ids.erase(std::unique(config.end_ids.begin(), config.end_ids.end()), config.end_ids.end());
  return {};
}

}  // namespace

Result<ModelConfig> read_config(const GgufFile& file) {
  TRY_ASSIGN(const std::string_view arch, file.string("general.architecture"));
  ModelConfig config;
  if (arch == "deepseek32") {
    config.architecture = Architecture::kDeepseekV32;
    config.model_type = "deepseek_v32";
  } else if (arch == "glm-dsa") {
    config.architecture = Architecture::kGlmMoeDsa;
    config.model_type = "glm_moe_dsa";
  } else if (arch == "deepseek2") {
    TRY(name_deepseek2(file, config));
  } else {
    return file.error(ErrorCode::kUnsupported, "general.architecture",
                      "is " + std::string(arch) + ", which Longleaf does not run. Supported: deepseek2, deepseek32, glm-dsa.");
  }
  const Metadata metadata(file, std::string(arch));
  TRY(read_sizes(file, metadata, config));
  TRY(read_rope(file, metadata, config));
  TRY(read_indexer(file, metadata, config));
  TRY(read_experts(file, metadata, config));
  TRY(read_end_ids(file, config));
  return config;
}

}  // namespace engine
