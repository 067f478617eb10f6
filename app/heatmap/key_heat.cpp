#include "app/heatmap/key_heat.h"

#include <algorithm>

namespace app {

using engine::kTraceBlock;
using engine::SelectionTrace;

namespace {

bool wants_layer(const HeatScope& scope, int layer) { return scope.layer == kAllLayers || scope.layer == layer; }

int layers_of(const SelectionTrace& trace, const HeatScope& scope) {
  return scope.layer == kAllLayers ? trace.n_layers : 1;
}

/// Layers of the scope that were computed while the prompt was read.
int prompt_layers_of(const SelectionTrace& trace, const HeatScope& scope) {
  int n = 0;
  for (int layer = 0; layer < trace.n_layers; ++layer) n += wants_layer(scope, layer) && trace.computed(layer) ? 1 : 0;
  return n;
}

/// Whether a query at `position` had to choose.
bool chose(const SelectionTrace& trace, std::int64_t position) {
  return trace.sparse() && position + 1 > trace.top_k;
}

/// Positions at or after this one are "newest" for the query at `position`.
std::int64_t newest_from(const HeatScope& scope, std::int64_t position) {
  return scope.without_newest > 0 ? position - scope.without_newest + 1 : position + 1;
}

KeyHeat prefill_heat(const SelectionTrace& trace, const HeatScope& scope) {
  KeyHeat heat;
  const int n_layers = prompt_layers_of(trace, scope);
  if (trace.prefill.empty() || n_layers == 0) return heat;
  const engine::PrefillCounts& shape = trace.prefill.front();
  const engine::TokenRange range = scope.tokens.value_or(engine::TokenRange{0, trace.n_prompt_tokens});
  const std::int64_t first_row = std::clamp<std::int64_t>(range.begin / shape.query_block, 0, shape.n_query_blocks);
  const std::int64_t end_row =
      std::clamp<std::int64_t>((range.end + shape.query_block - 1) / shape.query_block, first_row, shape.n_query_blocks);
  const auto n_blocks = static_cast<std::size_t>(shape.n_key_blocks);
  heat.share.assign(n_blocks, 0.0);
  heat.n_layers.assign(n_blocks, 0);
  std::vector<double> pairs(n_blocks, 0.0);
  for (std::int64_t row = first_row; row < end_row; ++row) {
    const std::int64_t first = row * shape.query_block;
    const std::int64_t end = std::min<std::int64_t>(first + shape.query_block, trace.n_prompt_tokens);
    if (first >= trace.n_reused_tokens && end <= trace.n_cached_tokens) continue;  // nobody recorded it
    heat.n_queries += end - first;
    heat.sparse = heat.sparse || chose(trace, end - 1);
    const std::int64_t end_block = std::min<std::int64_t>(shape.row_length(row), newest_from(scope, first) / kTraceBlock + 1);
    for (std::int64_t block = scope.without_sink ? 1 : 0; block < end_block; ++block) {
      pairs[static_cast<std::size_t>(block)] += static_cast<double>(visible_pairs(first, end, block)) * n_layers;
    }
    for (int layer = 0; layer < trace.n_layers; ++layer) {
      if (!wants_layer(scope, layer)) continue;
      const auto counts = trace.prefill[static_cast<std::size_t>(layer)].row(row);
      for (std::int64_t block = scope.without_sink ? 1 : 0; block < end_block; ++block) {
        heat.share[static_cast<std::size_t>(block)] += counts[static_cast<std::size_t>(block)];
      }
    }
  }
  for (int layer = 0; layer < trace.n_layers; ++layer) {
    if (!wants_layer(scope, layer)) continue;
    const engine::PrefillCounts& prefill = trace.prefill[static_cast<std::size_t>(layer)];
    for (std::int64_t block = scope.without_sink ? 1 : 0; block < shape.n_key_blocks; ++block) {
      bool any = false;
      for (std::int64_t row = first_row; row < end_row && !any; ++row) any = prefill.at(row, block) > 0;
      heat.n_layers[static_cast<std::size_t>(block)] += any ? 1 : 0;
    }
  }
  for (std::size_t block = 0; block < n_blocks; ++block) {
    heat.share[block] = pairs[block] > 0 ? std::min(1.0, heat.share[block] / pairs[block]) : 0.0;
  }
  return heat;
}

/// Thinking's keys without those in whose block the answer selected anything: blocks are what both surely have.
KeyHeat thinking_only_heat(const SelectionTrace& trace, HeatScope scope) {
  scope.phase = HeatPhase::kThinking;
  KeyHeat heat = make_key_heat(trace, scope);
  scope.phase = HeatPhase::kAnswer;
  scope.tokens.reset();
  const engine::TokenRange answer = tokens_of(trace, scope);
  for (std::int64_t token = answer.begin; token < answer.end; ++token) {
    for (int layer = 0; layer < trace.n_layers; ++layer) {
      if (!wants_layer(scope, layer)) continue;
      trace.selected(token, layer).for_each([&heat](std::int64_t block) {
        const auto per_block = static_cast<std::size_t>(kTraceBlock / heat.granularity);
        const std::size_t first = std::min(static_cast<std::size_t>(block) * per_block, heat.share.size());
        const std::size_t end = std::min(first + per_block, heat.share.size());
        for (std::size_t key = first; key < end; ++key) {
          heat.share[key] = 0;
          heat.n_layers[key] = 0;
        }
      });
    }
  }
  return heat;
}

/// Exact selections of the scope, when every token and layer of it has one.
std::vector<const engine::ExactSelection*> exact_of(const SelectionTrace& trace, const HeatScope& scope,
                                                    const engine::TokenRange& tokens) {
  std::vector<const engine::ExactSelection*> found;
  for (const engine::ExactSelection& exact : trace.exact) {
    if (exact.token >= tokens.begin && exact.token < tokens.end && wants_layer(scope, exact.layer)) found.push_back(&exact);
  }
  const auto wanted = static_cast<std::size_t>((tokens.end - tokens.begin) * layers_of(trace, scope));
  if (found.size() != wanted) found.clear();
  return found;
}

/// Adds what one token selected in one layer, and notes the layer for `n_layers`.
class LayerTally {
 public:
  LayerTally(KeyHeat& heat, int n_layers) : heat_(heat), seen_(heat.share.size() * static_cast<std::size_t>(n_layers)) {}
  void add(std::int64_t key, int layer) {
    const auto at = static_cast<std::size_t>(key);
    heat_.share[at] += 1.0;
    const std::size_t bit = static_cast<std::size_t>(layer) * heat_.share.size() + at;
    if (!seen_[bit]) ++heat_.n_layers[at];
    seen_[bit] = true;
  }

 private:
  KeyHeat& heat_;
  std::vector<bool> seen_;
};

void add_exact(const SelectionTrace& trace, const HeatScope& scope,
               const std::vector<const engine::ExactSelection*>& exact, KeyHeat& heat) {
  LayerTally tally(heat, trace.n_layers);
  for (const engine::ExactSelection* selection : exact) {
    const std::int64_t newest = newest_from(scope, trace.n_prompt_tokens - 1 + selection->token);
    for (const std::int32_t position : selection->positions) {
      const bool sink = scope.without_sink && position < kTraceBlock;
      if (position < trace.n_prompt_tokens && position < newest && !sink) tally.add(position, selection->layer);
    }
  }
}

void add_blocks(const SelectionTrace& trace, const HeatScope& scope, const engine::TokenRange& tokens, KeyHeat& heat) {
  LayerTally tally(heat, trace.n_layers);
  for (std::int64_t token = tokens.begin; token < tokens.end; ++token) {
    const std::int64_t position = trace.n_prompt_tokens - 1 + token;
    const auto n_blocks = static_cast<std::int64_t>(heat.share.size());
    const std::int64_t end = scope.without_newest > 0
                                 ? std::clamp<std::int64_t>(newest_from(scope, position) / kTraceBlock, 0, n_blocks)
                                 : n_blocks;
    const std::int64_t first = scope.without_sink ? 1 : 0;
    for (int layer = 0; layer < trace.n_layers; ++layer) {
      if (!wants_layer(scope, layer)) continue;
      trace.selected(token, layer).for_each([&](std::int64_t block) {
        if (block >= first && block < end) tally.add(block, layer);
      });
    }
  }
}

}  // namespace

engine::TokenRange tokens_of(const SelectionTrace& trace, const HeatScope& scope) {
  engine::TokenRange tokens{0, trace.n_generated};
  if (scope.phase == HeatPhase::kThinking || scope.phase == HeatPhase::kThinkingOnly) tokens.end = trace.n_thinking;
  if (scope.phase == HeatPhase::kAnswer) tokens.begin = trace.n_thinking;
  if (scope.tokens) {
    tokens.begin = std::max(tokens.begin, scope.tokens->begin);
    tokens.end = std::min(tokens.end, scope.tokens->end);
  }
  tokens.begin = std::max(tokens.begin, trace.first_recorded);
  tokens.end = std::max(tokens.begin, tokens.end);
  return tokens;
}

KeyHeat make_key_heat(const SelectionTrace& trace, const HeatScope& scope) {
  if (scope.phase == HeatPhase::kPrefill) return prefill_heat(trace, scope);
  if (scope.phase == HeatPhase::kThinkingOnly) return thinking_only_heat(trace, scope);
  const engine::TokenRange tokens = tokens_of(trace, scope);
  KeyHeat heat;
  heat.n_queries = tokens.end - tokens.begin;
  const auto exact = exact_of(trace, scope, tokens);
  heat.granularity = exact.empty() ? kTraceBlock : 1;
  const std::int64_t n_keys = exact.empty() ? engine::trace_blocks(trace.n_prompt_tokens) : trace.n_prompt_tokens;
  heat.share.assign(static_cast<std::size_t>(n_keys), 0.0);
  heat.n_layers.assign(static_cast<std::size_t>(n_keys), 0);
  if (heat.n_queries == 0 || trace.decode.empty()) return heat;
  heat.sparse = chose(trace, trace.n_prompt_tokens - 1 + tokens.end - 1);
  if (exact.empty()) {
    add_blocks(trace, scope, tokens, heat);
  } else {
    add_exact(trace, scope, exact, heat);
  }
  const double n_pairs = static_cast<double>(heat.n_queries) * layers_of(trace, scope);
  for (double& share : heat.share) share /= n_pairs;
  return heat;
}

}  // namespace app
