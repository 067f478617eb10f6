#include "engine/model/gpu_plan.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace engine {
namespace {

constexpr double kGiga = 1e9;
constexpr double kTera = 1e12;
constexpr double kKeyBytes = 2;            // latents in bf16
constexpr double kWorkBytes = 2.5e9;       // work memory and the activations of one chunk
constexpr double kRingLayers = 2;          // layers of streamed weights on the card: one computes, one arrives
constexpr double kSelectBytes = 8;         // per score: written, read

// Rates: section "performance" of the card's own figures times what kernels of this kind reach of them.
constexpr std::array<GpuCard, 7> kCards{{
    {"h200", "NVIDIA H200", 141, 1100, 600, 600, 1250, 2.0, 4300, 55},
    {"h100", "NVIDIA H100 SXM", 80, 1050, 580, 600, 1250, 1.4, 3000, 55},
    {"a100", "NVIDIA A100", 80, 380, 170, 190, 240, 1.0, 1800, 25},
    {"rtx-pro-6000", "RTX PRO 6000 Blackwell", 96, 520, 260, 350, 700, 0.9, 1600, 55},
    {"rtx-5090", "GeForce RTX 5090", 32, 480, 120, 180, 340, 0.9, 1600, 55},
    {"rtx-4090", "GeForce RTX 4090", 24, 330, 100, 140, 260, 0.5, 900, 25},
    {"rtx-3090", "GeForce RTX 3090", 24, 150, 45, 60, 62, 0.45, 850, 25},
}};

/// Pairs of a query and a key before it in a prompt of `n` tokens, and those that are left when each query keeps `k`.
double causal_pairs(double n) { return n * (n + 1) / 2; }
double selected_pairs(double n, double k) { return causal_pairs(std::min(n, k)) + std::max(0.0, n - k) * k; }

/// Operations of a prompt.
struct Work {
  double indexer = 0;
  double scores = 0;   // pairs that are scored
  double selected = 0;
  double dense = 0;
  double products = 0;
};

Work work_of(const ModelConfig& config, const WeightCounts& weights, double n) {
  const double heads = config.n_heads;
  const double absorbed = 2 * heads * static_cast<double>(2 * config.kv_rank + config.rope_dim);
  const double expanded = 2 * heads * (config.nope_dim + config.rope_dim + config.value_dim);
  const double k = config.indexer.top_k;
  Work work;
  for (const IndexerKind kind : config.indexers) {
    const bool is_sparse = kind != IndexerKind::kNone && k > 0 && n > k;
    if (kind == IndexerKind::kFull && is_sparse) {
      work.indexer += causal_pairs(n) * 2 * config.indexer.n_heads * config.indexer.head_dim;
      work.scores += causal_pairs(n);
    }
    work.selected += is_sparse ? selected_pairs(n, k) * absorbed : causal_pairs(n) * expanded;
    work.dense += causal_pairs(n) * expanded;
  }
  const double used = config.experts.n_experts > 0 ? static_cast<double>(config.experts.n_used) / config.experts.n_experts : 0;
  // The head works on the last token alone, the embedding is a copy.
  work.products = 2 * n * (static_cast<double>(weights.attention + weights.indexers + weights.dense + weights.shared_experts) +
                           used * static_cast<double>(weights.routed_experts));
  return work;
}

std::int64_t bytes(double n) { return static_cast<std::int64_t>(n); }

/// Gives parts their place in order of how often they are needed, until the card is full.
class Placing {
 public:
  Placing(GpuPlan& plan, double capacity) : plan_(plan), left_(capacity) {}
  /// Returns the share that is on the card.
  double place(const std::string& name, double n_bytes, Place rest) {
    if (n_bytes <= 0) return 1.0;
    const double here = std::clamp(left_, 0.0, n_bytes);
    left_ -= here;
    plan_.parts.push_back({name, bytes(n_bytes), bytes(here), here < n_bytes ? rest : Place::kCard});
    return here / n_bytes;
  }
  void reserve(double n_bytes) { left_ -= n_bytes; }
  double left() const { return left_; }

 private:
  GpuPlan& plan_;
  double left_;
};

void place_weights(GpuPlan& plan, const ModelConfig& config, const WeightCounts& weights, Placing& placing, double per_weight) {
  const double n_layers = std::max(1, config.n_layers);
  const double everything = static_cast<double>(weights.all()) * per_weight;
  if (placing.left() < everything) {
    // What does not stay goes through a ring that holds two layers' worth of it.
    const double layer = (static_cast<double>(weights.all() - weights.vocabulary)) * per_weight / n_layers;
    placing.reserve(std::min(kRingLayers * layer, placing.left() * 0.5));
  }
  const double attention = static_cast<double>(weights.attention + weights.indexers) * per_weight;
  const double feed_forward = static_cast<double>(weights.dense + weights.shared_experts) * per_weight;
  placing.place("attention and indexer", attention, Place::kStreamed);
  placing.place("dense and shared feed-forward", feed_forward, Place::kStreamed);
  placing.place("vocabulary", static_cast<double>(weights.vocabulary) * per_weight, Place::kHost);
  plan.expert_share_on_card = placing.place("routed experts", static_cast<double>(weights.routed_experts) * per_weight, Place::kStreamed);
  for (const PlacedPart& part : plan.parts)
    if (part.rest == Place::kStreamed) plan.prompt_bus_bytes += part.bytes - part.bytes_on_card;
}

}  // namespace

std::span<const GpuCard> known_cards() { return kCards; }

std::optional<GpuCard> find_card(std::string_view name) {
  const auto same = [name](const GpuCard& card) {
    return std::ranges::equal(card.name, name, [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
  };
  const auto found = std::ranges::find_if(kCards, same);
  if (found == kCards.end()) return std::nullopt;
  return *found;
}

WeightCounts count_weights(const ModelConfig& config) {
  WeightCounts counts;
  const std::int64_t hidden = config.n_hidden;
  const std::int64_t heads = config.n_heads;
  const std::int64_t head = config.nope_dim + config.rope_dim;
  const std::int64_t queries = config.q_rank > 0 ? hidden * config.q_rank + config.q_rank * heads * head : hidden * heads * head;
  const std::int64_t attention = queries + hidden * (config.kv_rank + config.rope_dim) +
                                 config.kv_rank * heads * (config.nope_dim + config.value_dim) + heads * config.value_dim * hidden;
  const std::int64_t indexer = (config.q_rank > 0 ? config.q_rank : hidden) * config.indexer.n_heads * config.indexer.head_dim +
                               hidden * (config.indexer.head_dim + config.indexer.n_heads);
  counts.vocabulary = config.n_vocab * hidden * (config.tied_head ? 1 : 2);
  for (int layer = 0; layer < config.n_layers; ++layer) {
    const auto at = static_cast<std::size_t>(layer);
    counts.attention += attention;
    if (config.indexers[at] == IndexerKind::kFull) counts.indexers += indexer;
    if (config.is_moe[at]) {
      const std::int64_t expert = 3 * hidden * config.experts.n_inner;
      counts.dense += hidden * config.experts.n_experts;
      counts.shared_experts += expert * config.experts.n_shared;
      counts.routed_experts += expert * config.experts.n_experts;
    } else {
      counts.dense += 3 * hidden * config.n_dense_inner;
    }
  }
  return counts;
}

GpuPlan plan_gpu(const ModelConfig& config, const GpuCard& card, const GpuPlanOptions& options) {
  GpuPlan plan;
  const WeightCounts weights = count_weights(config);
  const double per_weight = options.bytes_per_weight > 0 ? options.bytes_per_weight : config.is_fp8 ? 1.0 : 2.0;
  const auto n = static_cast<double>(options.n_tokens);
  const double capacity = card.memory_gb * kGiga;
  Placing placing(plan, capacity);
  placing.place("work memory", kWorkBytes, Place::kCard);
  const auto n_indexers = static_cast<double>(std::ranges::count(config.indexers, IndexerKind::kFull));
  const double key_bytes = n * (config.n_layers * static_cast<double>(config.kv_rank + config.rope_dim) * kKeyBytes +
                                n_indexers * (config.indexer.head_dim + 4));
  plan.is_possible = placing.place("keys", key_bytes, Place::kHost) == 1.0 && placing.left() > 0;
  place_weights(plan, config, weights, placing, per_weight);
  plan.fits = plan.is_possible && std::ranges::all_of(plan.parts, [](const PlacedPart& part) { return part.rest == Place::kCard; });
  plan.free_bytes = bytes(std::max(0.0, placing.left()));
  plan.card_bytes = bytes(capacity) - plan.free_bytes;

  const Work work = work_of(config, weights, n);
  plan.indexer_seconds = work.indexer / (card.indexer_tflops * kTera);
  plan.select_seconds = work.scores * kSelectBytes / (card.select_tb_per_s * kTera);
  plan.attention_seconds = work.selected / ((work.scores > 0 ? card.selected_tflops : card.dense_tflops) * kTera);
  plan.product_seconds = work.products / (card.product_tflops * kTera);
  plan.stream_seconds = static_cast<double>(plan.prompt_bus_bytes) / (card.bus_gb_per_s * kGiga);
  const double computing = plan.indexer_seconds + plan.select_seconds + plan.attention_seconds + plan.product_seconds;
  plan.prompt_seconds = std::max(computing, plan.stream_seconds);
  plan.dense_prompt_seconds = std::max(work.dense / (card.dense_tflops * kTera) + plan.product_seconds, plan.stream_seconds);

  const double used = config.experts.n_experts > 0 ? static_cast<double>(config.experts.n_used) / config.experts.n_experts : 0;
  const double routed = used * static_cast<double>(weights.routed_experts) * per_weight;
  const double others = static_cast<double>(weights.attention + weights.indexers + weights.dense + weights.shared_experts) * per_weight;
  double missing = routed * (1 - plan.expert_share_on_card);
  for (const PlacedPart& part : plan.parts)
    if (part.rest == Place::kStreamed && part.name != "routed experts") missing += static_cast<double>(part.bytes - part.bytes_on_card);
  plan.token_bus_bytes = bytes(missing);
  // The host computes with what it can read while the bus brings the rest: both shares end together.
  const double index_bytes = n_indexers * n * (config.indexer.head_dim + 4);
  plan.token_seconds = (others + routed - missing + index_bytes) / (card.memory_gb_per_s * kGiga) +
                       missing / ((options.host_gb_per_s + card.bus_gb_per_s) * kGiga);
  return plan;
}

}  // namespace engine
