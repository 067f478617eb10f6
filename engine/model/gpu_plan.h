#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/config.h"

/// What a model does on a GPU that is not here: what lives where and how long a prompt takes. Arithmetic only; no GPU
/// is asked. Rates are what good kernels reach on a card, not its peaks; formulas: operations of one layer per pair of
/// query and key (indexer 2 H_i d_i, selected 2 H (2 c + r), dense 2 H (n + r + v)), 2 per weight and token elsewhere.
namespace engine {

struct GpuCard {
  std::string_view name;        // "h200"
  std::string_view title;       // "NVIDIA H200"
  double memory_gb = 0;         // 10^9 bytes
  double indexer_tflops = 0;    // int8 or FP8
  double selected_tflops = 0;   // sparse attention
  double dense_tflops = 0;      // dense attention in its multi-head form
  double product_tflops = 0;    // matrix products
  double select_tb_per_s = 0;   // top-k, 8 bytes per score
  double memory_gb_per_s = 0;   // reading and writing the card's memory
  double bus_gb_per_s = 0;      // host to card
};
std::span<const GpuCard> known_cards();
/// By name, letters of either case; nothing for a card that is not known.
std::optional<GpuCard> find_card(std::string_view name);

/// Weights of one model by what is done with them, in values.
struct WeightCounts {
  std::int64_t attention = 0;      // all layers: projections, absorbed forms
  std::int64_t indexers = 0;
  std::int64_t dense = 0;          // dense feed-forward networks and routers
  std::int64_t shared_experts = 0;
  std::int64_t routed_experts = 0; // all of them
  std::int64_t vocabulary = 0;     // embedding and head
  std::int64_t all() const { return attention + indexers + dense + shared_experts + routed_experts + vocabulary; }
};
WeightCounts count_weights(const ModelConfig& config);

enum class Place { kCard, kStreamed, kHost };
struct PlacedPart {
  std::string name;         // "attention", "routed experts", "keys", ...
  std::int64_t bytes = 0;   // all of it
  std::int64_t bytes_on_card = 0;
  Place rest = Place::kCard;  // where what is not on the card waits
};

struct GpuPlanOptions {
  std::int64_t n_tokens = 131072;  // of the prompt
  double bytes_per_weight = 0;     // 0: as stored, 1 for FP8 models, else 2
  double host_gb_per_s = 80;       // of the memory that experts on the host are read from
};

struct GpuPlan {
  std::vector<PlacedPart> parts;
  std::int64_t card_bytes = 0;         // used on the card
  std::int64_t free_bytes = 0;         // left there
  bool fits = false;                   // nothing is streamed
  bool is_possible = false;            // even the smallest arrangement fits on the card
  double expert_share_on_card = 0;     // of the routed experts, 0..1: the hit rate of a uniform choice
  std::int64_t prompt_bus_bytes = 0;   // over the bus for one prompt, every streamed weight once
  double indexer_seconds = 0;
  double select_seconds = 0;
  double attention_seconds = 0;        // selected keys
  double product_seconds = 0;
  double stream_seconds = 0;
  double prompt_seconds = 0;           // the longer of computing and streaming
  double dense_prompt_seconds = 0;     // the same prompt with dense attention
  std::int64_t token_bus_bytes = 0;    // over the bus or read on the host for one token of the answer
  double token_seconds = 0;            // one token of the answer, bound by reading weights
};
GpuPlan plan_gpu(const ModelConfig& config, const GpuCard& card, const GpuPlanOptions& options = {});

}  // namespace engine
