#include "engine/model/config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace engine {
namespace {

constexpr std::int64_t kMaxWidth = 1 << 20;     // of any one dimension but the vocabulary
constexpr std::int64_t kMaxVocabulary = 1 << 23;
constexpr std::int64_t kMaxContext = std::int64_t{1} << 26;
constexpr std::int64_t kMaxLayers = 1024;
constexpr std::int64_t kMillion = std::int64_t{1} << 20;
constexpr std::int64_t kMaxExperts = 1 << 14;

struct ArchitectureName {
  std::string_view name;
  Architecture architecture;
};
constexpr std::array kArchitectures{
    ArchitectureName{"deepseek_v32", Architecture::kDeepseekV32},
    ArchitectureName{"glm_moe_dsa", Architecture::kGlmMoeDsa},
    ArchitectureName{"deepseek_v3", Architecture::kDeepseekV3},
    ArchitectureName{"kimi_k2", Architecture::kDeepseekV3},
    ArchitectureName{"deepseek_v2", Architecture::kDeepseekV2},
    ArchitectureName{"glm4_moe_lite", Architecture::kGlm4MoeLite},
};

Result<std::int64_t> size_at(const JsonValue& root, std::string_view name, std::int64_t most) {
  TRY_ASSIGN(const JsonValue value, root.at(name));
  return value.integer(1, most);
}

bool has_indexer(Architecture architecture) {
  return architecture == Architecture::kDeepseekV32 || architecture == Architecture::kGlmMoeDsa;
}

Result<void> read_sizes(const JsonValue& root, ModelConfig& config) {
  TRY_ASSIGN(config.n_vocab, size_at(root, "vocab_size", kMaxVocabulary));
  TRY_ASSIGN(config.n_hidden, size_at(root, "hidden_size", kMaxWidth));
  TRY_ASSIGN(const std::int64_t n_layers, size_at(root, "num_hidden_layers", kMaxLayers));
  TRY_ASSIGN(const std::int64_t n_heads, size_at(root, "num_attention_heads", kMaxWidth));
  TRY_ASSIGN(config.q_rank, root.integer_or("q_lora_rank", 0, 0, kMaxWidth));
  TRY_ASSIGN(config.kv_rank, size_at(root, "kv_lora_rank", kMaxWidth));
  TRY_ASSIGN(const std::int64_t nope_dim, size_at(root, "qk_nope_head_dim", 1 << 14));
  TRY_ASSIGN(const std::int64_t rope_dim, size_at(root, "qk_rope_head_dim", 1 << 14));
  TRY_ASSIGN(const std::int64_t value_dim, size_at(root, "v_head_dim", 1 << 14));
  if (rope_dim % 2 != 0) {
    TRY_ASSIGN(const JsonValue value, root.at("qk_rope_head_dim"));
    return value.error(ErrorCode::kInvalidInput, "must be even.");
  }
  config.n_layers = static_cast<int>(n_layers);
  config.n_heads = static_cast<int>(n_heads);
  config.nope_dim = static_cast<int>(nope_dim);
  config.rope_dim = static_cast<int>(rope_dim);
  config.value_dim = static_cast<int>(value_dim);
  TRY_ASSIGN(const double epsilon, root.number_or("rms_norm_eps", 1e-6, 0.0, 1.0));
  config.norm_epsilon = static_cast<float>(epsilon);
  TRY_ASSIGN(config.context_length, size_at(root, "max_position_embeddings", kMaxContext));
  TRY_ASSIGN(config.tied_head, root.boolean_or("tie_word_embeddings", false));
  TRY_ASSIGN(const std::string activation, root.string_or("hidden_act", "silu"));
  if (activation != "silu") {
    TRY_ASSIGN(const JsonValue value, root.at("hidden_act"));
    return value.error(ErrorCode::kUnsupported, "must be silu: Longleaf computes no other activation.");
  }
  TRY_ASSIGN(const bool has_bias, root.boolean_or("attention_bias", false));
  if (has_bias) {
    TRY_ASSIGN(const JsonValue value, root.at("attention_bias"));
    return value.error(ErrorCode::kUnsupported, "must be false: models of this family have no attention bias.");
  }
  return {};
}

/// Both spellings: rope_theta with rope_scaling as published, rope_parameters as newer tools write it.
Result<void> read_rope(const JsonValue& root, ModelConfig& config) {
  const auto parameters = root.find("rope_parameters");
  const auto scaling = parameters ? parameters : root.find("rope_scaling");
  const JsonValue theta_holder = parameters && parameters->find("rope_theta") ? *parameters : root;
  TRY_ASSIGN(config.rope_theta, theta_holder.number_or("rope_theta", 10000.0, 1.0, 1e12));
  if (!scaling) return {};
  TRY(scaling->object());
  const std::string_view type_key = scaling->find("rope_type") ? "rope_type" : "type";
  TRY_ASSIGN(const std::string type, scaling->string_or(type_key, "default"));
  if (type == "default") return {};
  if (type != "yarn") {
    return scaling->error(ErrorCode::kUnsupported, "is of type " + type + "; Longleaf knows yarn and none.");
  }
  YarnScaling yarn;
  TRY_ASSIGN(const JsonValue factor, scaling->at("factor"));
  TRY_ASSIGN(yarn.factor, factor.number(1.0, 1e6));
  TRY_ASSIGN(yarn.original_context,
             scaling->integer_or("original_max_position_embeddings", config.context_length, 1, kMaxContext));
  TRY_ASSIGN(yarn.beta_fast, scaling->number_or("beta_fast", 32.0, 1e-6, 1e6));
  TRY_ASSIGN(yarn.beta_slow, scaling->number_or("beta_slow", 1.0, 1e-6, 1e6));
  TRY_ASSIGN(yarn.mscale, scaling->number_or("mscale", 1.0, 0.0, 100.0));
  TRY_ASSIGN(yarn.mscale_all_dim, scaling->number_or("mscale_all_dim", 0.0, 0.0, 100.0));
  if (yarn.rope_factor() != 1.0 && has_indexer(config.architecture)) {
    return scaling->error(ErrorCode::kUnsupported, "has mscale and mscale_all_dim that differ, which Longleaf does not compute in models with an indexer.");
  }
  config.yarn = yarn;
  return {};
}

Result<std::vector<IndexerKind>> read_indexer_types(const JsonValue& root, const ModelConfig& config) {
  std::vector<IndexerKind> kinds(static_cast<std::size_t>(config.n_layers), IndexerKind::kFull);
  if (config.architecture != Architecture::kGlmMoeDsa) return kinds;
  if (const auto types = root.find("indexer_types")) {
    TRY(types->array());
    if (types->size() < config.n_layers) return types->error(ErrorCode::kInvalidInput, "must have an entry for every layer.");
    for (std::int64_t i = 0; i < config.n_layers; ++i) {
      TRY_ASSIGN(const std::string_view kind, (*types)[i].string());
      if (kind != "full" && kind != "shared") {
        return (*types)[i].error(ErrorCode::kUnsupported, "must be full or shared.");
      }
      kinds[static_cast<std::size_t>(i)] = kind == "full" ? IndexerKind::kFull : IndexerKind::kShared;
    }
  } else {
    TRY_ASSIGN(const std::int64_t every, root.integer_or("index_topk_freq", 1, 1, kMaxLayers));
    TRY_ASSIGN(const std::int64_t offset, root.integer_or("index_skip_topk_offset", 2, 0, kMaxLayers));
    kinds = spaced_indexers(config.n_layers, every, offset);
  }
  if (kinds.front() != IndexerKind::kFull) {
    return root.error(ErrorCode::kInvalidInput, "lets layer 0 share a selection, but no layer comes before it.");
  }
  return kinds;
}

Result<void> read_indexer(const JsonValue& root, ModelConfig& config) {
  config.indexers.assign(static_cast<std::size_t>(config.n_layers), IndexerKind::kNone);
  if (!has_indexer(config.architecture)) return {};
  TRY_ASSIGN(const std::int64_t n_heads, size_at(root, "index_n_heads", 1 << 12));
  TRY_ASSIGN(const std::int64_t head_dim, size_at(root, "index_head_dim", 1 << 12));
  TRY_ASSIGN(const std::int64_t top_k, size_at(root, "index_topk", 1 << 20));
  if (head_dim < config.rope_dim) {
    TRY_ASSIGN(const JsonValue value, root.at("index_head_dim"));
    return value.error(ErrorCode::kInvalidInput, "must not be smaller than qk_rope_head_dim.");
  }
  if (config.q_rank == 0) {
    return root.error(ErrorCode::kInvalidInput, "has an indexer but no q_lora_rank, from which the indexer computes its queries.");
  }
  config.indexer.n_heads = static_cast<int>(n_heads);
  config.indexer.head_dim = static_cast<int>(head_dim);
  config.indexer.top_k = static_cast<int>(top_k);
  // Published V3.2 files have no such key and mean half-split; GLM files have it or mean interleaved.
  TRY_ASSIGN(config.indexer.interleaved,
             root.boolean_or("indexer_rope_interleave", config.architecture == Architecture::kGlmMoeDsa));
  TRY_ASSIGN(config.indexer.hadamard, root.boolean_or("index_hadamard", false));
  if (config.indexer.hadamard && (head_dim & (head_dim - 1)) != 0) {
    return root.error(ErrorCode::kInvalidInput, "asks for a Hadamard transform, but index_head_dim is no power of two.");
  }
  TRY_ASSIGN(const double epsilon, root.number_or("index_norm_eps", 1e-6, 1e-12, 1.0));
  config.indexer.norm_epsilon = static_cast<float>(epsilon);
  TRY_ASSIGN(config.indexers, read_indexer_types(root, config));
  return {};
}

Result<void> read_moe_layers(const JsonValue& root, ModelConfig& config) {
  config.is_moe.assign(static_cast<std::size_t>(config.n_layers), false);
  if (config.experts.n_experts == 0) return {};
  if (const auto types = root.find("mlp_layer_types")) {
    TRY(types->array());
    if (types->size() < config.n_layers) return types->error(ErrorCode::kInvalidInput, "must have an entry for every layer.");
    for (std::int64_t i = 0; i < config.n_layers; ++i) {
      TRY_ASSIGN(const std::string_view kind, (*types)[i].string());
      if (kind != "dense" && kind != "sparse") return (*types)[i].error(ErrorCode::kUnsupported, "must be dense or sparse.");
      config.is_moe[static_cast<std::size_t>(i)] = kind == "sparse";
    }
    return {};
  }
  TRY_ASSIGN(const std::int64_t n_dense, root.integer_or("first_k_dense_replace", 0, 0, kMaxLayers));
  TRY_ASSIGN(const std::int64_t every, root.integer_or("moe_layer_freq", 1, 1, kMaxLayers));
  for (std::int64_t i = n_dense; i < config.n_layers; ++i) {
    config.is_moe[static_cast<std::size_t>(i)] = i % every == 0;
  }
  return {};
}

Result<void> read_router(const JsonValue& root, ExpertConfig& experts, bool is_v2) {
  TRY_ASSIGN(const std::int64_t n_groups, root.integer_or("n_group", 1, 1, kMaxExperts));
  TRY_ASSIGN(const std::int64_t kept, root.integer_or("topk_group", 1, 1, kMaxExperts));
  TRY_ASSIGN(const std::string score, root.string_or("scoring_func", is_v2 ? "softmax" : "sigmoid"));
  TRY_ASSIGN(const std::string method, root.string_or("topk_method", is_v2 ? "greedy" : "noaux_tc"));
  if (score != "softmax" && score != "sigmoid") {
    return root.error(ErrorCode::kUnsupported, "has scoring_func " + score + "; Longleaf knows sigmoid and softmax.");
  }
  if (method != "noaux_tc" && method != "greedy" && method != "group_limited_greedy") {
    return root.error(ErrorCode::kUnsupported, "has topk_method " + method + "; Longleaf knows noaux_tc, greedy and group_limited_greedy.");
  }
  experts.router = score == "softmax" ? RouterKind::kSoftmax : RouterKind::kSigmoid;
  experts.has_bias = method == "noaux_tc";
  experts.n_groups = method != "greedy" ? static_cast<int>(n_groups) : 1;
  experts.n_groups_kept = method != "greedy" ? static_cast<int>(kept) : 1;
  experts.n_best_of_group = method == "noaux_tc" ? 2 : 1;
  if (experts.n_experts % experts.n_groups != 0 || experts.n_groups_kept > experts.n_groups) {
    return root.error(ErrorCode::kInvalidInput, "has n_group and topk_group that do not divide its experts.");
  }
  const int per_group = experts.n_experts / experts.n_groups;
  if (experts.n_used > per_group * experts.n_groups_kept || (experts.n_groups > 1 && per_group < experts.n_best_of_group)) {
    return root.error(ErrorCode::kInvalidInput, "uses more experts per token than its groups hold.");
  }
  return {};
}

Result<void> read_feed_forward(const JsonValue& root, ModelConfig& config) {
  const bool is_v2 = config.architecture == Architecture::kDeepseekV2;
  ExpertConfig& experts = config.experts;
  TRY_ASSIGN(const std::int64_t n_experts, root.integer_or("n_routed_experts", 0, 0, kMaxExperts));
  experts.n_experts = static_cast<int>(n_experts);
  TRY(read_moe_layers(root, config));
  const bool all_moe = std::find(config.is_moe.begin(), config.is_moe.end(), false) == config.is_moe.end();
  if (!all_moe) {
    TRY_ASSIGN(config.n_dense_inner, size_at(root, "intermediate_size", kMaxWidth));
  }
  if (std::find(config.is_moe.begin(), config.is_moe.end(), true) == config.is_moe.end()) {
    experts = {};
    return {};
  }
  TRY_ASSIGN(const std::int64_t n_used, size_at(root, "num_experts_per_tok", experts.n_experts));
  TRY_ASSIGN(const std::int64_t n_shared, root.integer_or("n_shared_experts", 0, 0, 1 << 10));
  TRY_ASSIGN(const std::int64_t n_inner, size_at(root, "moe_intermediate_size", kMaxWidth));
  experts.n_used = static_cast<int>(n_used);
  experts.n_shared = static_cast<int>(n_shared);
  experts.n_inner = static_cast<int>(n_inner);
  TRY_ASSIGN(experts.normalise, root.boolean_or("norm_topk_prob", !is_v2));
  TRY_ASSIGN(const double scale, root.number_or("routed_scaling_factor", 1.0, 0.0, 1e6));
  experts.scale = static_cast<float>(scale);
  return read_router(root, experts, is_v2);
}

Result<void> read_end_ids(const JsonValue& root, ModelConfig& config) {
  const auto value = root.find("eos_token_id");
  if (!value) return {};
  const auto add = [&](const JsonValue& id) -> Result<void> {
    TRY_ASSIGN(const std::int64_t end, id.integer(0, config.n_vocab - 1));
    config.end_ids.push_back(static_cast<std::int32_t>(end));
    return {};
  };
  if (!value->is_array()) return add(*value);
  for (std::int64_t i = 0; i < value->size(); ++i) TRY(add((*value)[i]));
  return {};
}

Result<void> read_quantisation(const JsonValue& root, ModelConfig& config) {
  const auto quantisation = root.find("quantization_config");
  if (!quantisation) return {};
  TRY_ASSIGN(const std::string method, quantisation->string_or("quant_method", "unknown"));
  if (method != "fp8") {
    return quantisation->error(ErrorCode::kUnsupported,
                               "is " + method + ". Longleaf reads fp8 with 128x128 blocks, and unquantised files.");
  }
  const auto block = quantisation->find("weight_block_size");
  if (block) {
    TRY(block->array());
    for (std::int64_t i = 0; i < block->size(); ++i) {
      if (!(*block)[i].integer(128, 128) || block->size() != 2) {
        return block->error(ErrorCode::kUnsupported, "must be [128, 128]: Longleaf reads no other FP8 blocks.");
      }
    }
  }
  config.is_fp8 = true;
  return {};
}

}  // namespace

double YarnScaling::softmax_factor() const {
  const double m = factor > 1.0 ? 0.1 * mscale_all_dim * std::log(factor) + 1.0 : 1.0;
  return m * m;
}

double YarnScaling::rope_factor() const {
  if (factor <= 1.0 || mscale == mscale_all_dim) return 1.0;
  const double log = std::log(factor);
  return (0.1 * mscale * log + 1.0) / (0.1 * mscale_all_dim * log + 1.0);
}

double ModelConfig::softmax_scale() const {
  const double plain = 1.0 / std::sqrt(static_cast<double>(nope_dim + rope_dim));
  return yarn ? plain * yarn->softmax_factor() : plain;
}

std::vector<float> ModelConfig::inverse_frequencies() const {
  const int n_pairs = rope_dim / 2;
  const double d = rope_dim;
  std::vector<float> frequencies(static_cast<std::size_t>(n_pairs));
  double low = 0.0;
  double high = 0.0;
  if (yarn) {
    // The pair that turns `rotations` times over the original context.
    const auto pair_of = [&](double rotations) {
      const double context = static_cast<double>(yarn->original_context);
      return d * std::log(context / (rotations * 2.0 * std::numbers::pi)) / (2.0 * std::log(rope_theta));
    };
    low = std::max(std::floor(pair_of(yarn->beta_fast)), 0.0);
    high = std::min(std::ceil(pair_of(yarn->beta_slow)), d - 1.0);
    if (low == high) high += 0.001;
  }
  for (int i = 0; i < n_pairs; ++i) {
    double f = std::pow(rope_theta, -2.0 * i / d);
    if (yarn) {
      const double ramp = std::clamp((i - low) / (high - low), 0.0, 1.0);
      f = f / yarn->factor * ramp + f * (1.0 - ramp);
    }
    frequencies[static_cast<std::size_t>(i)] = static_cast<float>(f);
  }
  return frequencies;
}

std::string supported_architectures() {
  std::string text;
  for (const ArchitectureName& known : kArchitectures) {
    text += (text.empty() ? "" : ", ") + std::string(known.name);
  }
  return text;
}

std::string chat_family(const ModelConfig& config) {
  // GLM-5.2 brought shared indexers, a context of a million tokens and another format.
  const bool shares = std::find(config.indexers.begin(), config.indexers.end(), IndexerKind::kShared) != config.indexers.end();
  const bool is_older_glm = config.architecture == Architecture::kGlmMoeDsa && !shares && config.context_length < kMillion;
  return is_older_glm ? "glm5" : config.model_type;
}

Result<ModelConfig> parse_config(const JsonValue& root) {
  ModelConfig config;
  TRY(root.object());
  TRY_ASSIGN(config.model_type, root.string_or("model_type", ""));
  const auto known = std::find_if(kArchitectures.begin(), kArchitectures.end(),
                                  [&](const ArchitectureName& a) { return a.name == config.model_type; });
  if (known == kArchitectures.end()) {
    const std::string named = config.model_type.empty() ? "no model_type" : "the architecture " + config.model_type;
    return root.error(ErrorCode::kUnsupported,
                      "has " + named + ", which Longleaf does not run. Supported: " + supported_architectures() + ".");
  }
  config.architecture = known->architecture;
  TRY(read_sizes(root, config));
  TRY(read_rope(root, config));
  TRY(read_indexer(root, config));
  TRY(read_feed_forward(root, config));
  TRY(read_end_ids(root, config));
  TRY(read_quantisation(root, config));
  return config;
}

Result<ModelConfig> load_config(const std::filesystem::path& folder) {
  TRY_ASSIGN(const JsonDocument document, JsonDocument::read(folder / "config.json"));
  TRY_ASSIGN(ModelConfig config, parse_config(document.root()));
  std::error_code ignored;
  const auto generation = folder / "generation_config.json";
  if (std::filesystem::exists(generation, ignored)) {
    TRY_ASSIGN(const JsonDocument defaults, JsonDocument::read(generation));
    TRY(read_end_ids(defaults.root(), config));
  }
  std::sort(config.end_ids.begin(), config.end_ids.end());
  config.end_ids.erase(std::unique(config.end_ids.begin(), config.end_ids.end()), config.end_ids.end());
  return config;
}

std::vector<IndexerKind> spaced_indexers(int n_layers, std::int64_t every, std::int64_t offset) {
  std::vector<IndexerKind> kinds;
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const bool is_full = std::max<std::int64_t>(i - offset + 1, 0) % every == 0;
    kinds.push_back(is_full ? IndexerKind::kFull : IndexerKind::kShared);
  }
  return kinds;
}

void drop_indexer(ModelConfig& config) {
  config.indexer = {};
  std::fill(config.indexers.begin(), config.indexers.end(), IndexerKind::kNone);
}

}  // namespace engine
