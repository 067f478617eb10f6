#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"

/// What config.json says about a model of the MLA family, checked and with every default filled in.
namespace engine {

enum class Architecture { kDeepseekV2, kDeepseekV3, kDeepseekV32, kGlmMoeDsa, kGlm4MoeLite };

/// What a layer does about choosing its keys.
enum class IndexerKind : std::uint8_t {
  kNone,    // no indexer: dense attention, or blocks
  kFull,    // has an indexer of its own
  kShared,  // takes the selection of the nearest earlier full layer (IndexShare)
};

/// YaRN. Source: spec of DeepSeek-V3, transformers' rope utilities.
struct YarnScaling {
  double factor = 1.0;                    // context_length / original_context, about
  std::int64_t original_context = 4096;   // tokens
  double beta_fast = 32.0;                // rotations over the original context
  double beta_slow = 1.0;                 // rotations over the original context
  double mscale = 1.0;
  double mscale_all_dim = 0.0;            // 0: softmax scale untouched
  /// What the softmax scale is multiplied by: (0.1 * mscale_all_dim * ln(factor) + 1)^2.
  double softmax_factor() const;
  /// What rotated queries and keys are multiplied by: (0.1 * mscale * ln(factor) + 1) over the same with
  /// mscale_all_dim; 1 where the two are equal, as in every published model.
  double rope_factor() const;
};

struct IndexerConfig {
  int n_heads = 0;           // 0: the model has no indexer
  int head_dim = 0;          // elements; the first rope_dim of them are rotated
  int top_k = 0;             // keys per query
  bool interleaved = false;  // pairs (2i, 2i+1) instead of (i, i + rope_dim / 2)
  bool hadamard = false;     // rotates both queries and keys; changes nothing but rounding
  float norm_epsilon = 1e-6f;
};

enum class RouterKind : std::uint8_t { kSigmoid, kSoftmax };

struct ExpertConfig {
  int n_experts = 0;       // routed; 0: every layer is dense
  int n_used = 0;          // routed experts per token
  int n_shared = 0;        // always active, stored as one network n_shared times as wide
  int n_inner = 0;         // hidden units of one expert
  int n_groups = 1;
  int n_groups_kept = 1;
  int n_best_of_group = 2;  // experts whose ranks make a group's: noaux_tc two, group_limited_greedy one
  RouterKind router = RouterKind::kSigmoid;
  bool has_bias = true;    // e_score_correction_bias
  bool normalise = true;
  float scale = 1.0f;
};

struct ModelConfig {
  Architecture architecture = Architecture::kDeepseekV32;
  std::string model_type;            // as written: "deepseek_v32"
  std::int64_t n_vocab = 0;          // rows of the embedding, padding included
  std::int64_t n_hidden = 0;         // width of the residual stream
  int n_layers = 0;                  // executed; stored layers beyond them are ignored
  int n_heads = 0;
  std::int64_t q_rank = 0;           // width of the query latent; 0: no q-LoRA
  std::int64_t kv_rank = 0;          // width of the key-value latent
  int nope_dim = 0;                  // elements of a query head without position
  int rope_dim = 0;                  // elements with position; even
  int value_dim = 0;                 // elements of a value head
  float norm_epsilon = 1e-6f;        // of every RMSNorm
  double rope_theta = 10000.0;
  std::optional<YarnScaling> yarn;
  IndexerConfig indexer;
  std::vector<IndexerKind> indexers;  // per layer
  std::int64_t n_dense_inner = 0;     // hidden units of a dense feed-forward
  std::vector<bool> is_moe;           // per layer
  ExpertConfig experts;
  bool tied_head = false;             // the output head is the embedding
  std::int64_t context_length = 0;    // tokens
  std::vector<std::int32_t> end_ids;  // tokens that end the answer
  bool is_fp8 = false;                // block FP8 weights are expected

  /// softmax scale of the main attention: (nope_dim + rope_dim)^-0.5, with YaRN's factor.
  double softmax_scale() const;
  bool has_indexer() const { return indexer.n_heads > 0; }
  /// Inverse frequencies of the rotation, [rope_dim / 2], YaRN applied.
  std::vector<float> inverse_frequencies() const;
};

/// "deepseek_v32, deepseek_v3, ...": for messages.
std::string supported_architectures();

/// The conversation format (ChatEncoder) that a model of this configuration has when nothing else names one.
std::string chat_family(const ModelConfig& config);

/// Reads config.json and, where present, generation_config.json (end tokens). Errors name the key;
/// another architecture is refused with the list of those supported.
Result<ModelConfig> load_config(const std::filesystem::path& folder);
Result<ModelConfig> parse_config(const JsonValue& root);

/// An indexer of its own for every `every`-th layer after the first `offset`, shared by the others.
std::vector<IndexerKind> spaced_indexers(int n_layers, std::int64_t every, std::int64_t offset);

/// A model that carries no indexer tensors chooses blocks or runs dense: V3.2 files converted without them.
void drop_indexer(ModelConfig& config);

}  // namespace engine
