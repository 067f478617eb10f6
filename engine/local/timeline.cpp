#include "engine/local/timeline.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/local/selection_plan.h"

namespace engine {
namespace {

TokenId unmarked(TokenId token) { return token & ~(kKeptMark | kMutedMark); }

}  // namespace

Timeline::Timeline(kernels::Backend& backend, const ModelConfig& config, Transformer& transformer)
    : transformer_(transformer), keys_(backend, config), blocks_(backend, config) {}

std::vector<TokenId> Timeline::tokens() const {
  const std::lock_guard lock(mutex_);
  return tokens_;
}

std::int64_t Timeline::common_prefix(std::span<const TokenId> prompt) const {
  const std::lock_guard lock(mutex_);
  const auto [mine, theirs] = std::mismatch(tokens_.begin(), tokens_.end(), prompt.begin(), prompt.end());
  return mine - tokens_.begin();
}

std::int64_t Timeline::common_tokens(std::span<const TokenId> prompt) const {
  const std::lock_guard lock(mutex_);
  const auto [mine, theirs] = std::mismatch(tokens_.begin(), tokens_.end(), prompt.begin(), prompt.end(),
                                            [](TokenId a, TokenId b) { return unmarked(a) == unmarked(b); });
  return mine - tokens_.begin();
}

void Timeline::truncate(std::int64_t n) {
  blocks_.truncate(n);
  const std::lock_guard lock(mutex_);
  tokens_.resize(static_cast<std::size_t>(n));
}

Result<std::int64_t> Timeline::begin(std::span<const TokenId> prompt, const std::string& selection,
                                     std::int64_t n_total) {
  const std::int64_t shared = selection == selection_ ? common_prefix(prompt) : 0;
  const std::int64_t kept = std::min(shared, static_cast<std::int64_t>(prompt.size()) - 1);
  truncate(kept);
  selection_ = selection;
  if (auto reserved = keys_.reserve(n_total, kept); !reserved) {
    truncate(0);
    return std::move(reserved).error();
  }
  return kept;
}

void Timeline::adopt(std::vector<TokenId> tokens, const std::string& selection) {
  blocks_.truncate(0);
  const std::lock_guard lock(mutex_);
  tokens_ = std::move(tokens);
  selection_ = selection;
}

Result<StepEnd> Timeline::extend(std::span<const TokenId> tokens, const StepOptions& options, std::span<float> logits,
                                 const std::function<void(std::int64_t)>& on_chunk) {
  const std::int64_t n_kept = size();
  if (auto reserved = keys_.reserve(n_kept + static_cast<std::int64_t>(tokens.size()), n_kept); !reserved) {
    truncate(0);
    return std::move(reserved).error();
  }
  const auto chunk = static_cast<std::size_t>(transformer_.chunk());
  std::vector<TokenId> plain;
  // Weights that come over a bus come once when all tokens go through a layer before the next.
  if (transformer_.streams_weights() && tokens.size() > chunk && options.blocks == nullptr) {
    plain.resize(tokens.size());
    std::transform(tokens.begin(), tokens.end(), plain.begin(), unmarked);
    const auto on_layer = [&](double share) {
      if (on_chunk) on_chunk(n_kept + static_cast<std::int64_t>(share * static_cast<double>(tokens.size())));
    };
    TRY_ASSIGN(const StepEnd end, transformer_.step_by_layer(plain, n_kept, keys_, options, logits, on_layer));
    if (end == StepEnd::kStopped) return end;
    const std::lock_guard lock(mutex_);
    tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    return end;
  }
  for (std::size_t done = 0; done < tokens.size();) {
    const auto part = tokens.subspan(done, std::min(chunk, tokens.size() - done));
    const bool is_last = done + part.size() == tokens.size();
    plain.resize(part.size());
    std::transform(part.begin(), part.end(), plain.begin(), unmarked);
    TRY_ASSIGN(const StepEnd end, transformer_.step(plain, size(), keys_, options, is_last ? logits : std::span<float>{}));
    if (end == StepEnd::kStopped) return end;
    done += part.size();
    {
      const std::lock_guard lock(mutex_);
      tokens_.insert(tokens_.end(), part.begin(), part.end());
    }
    if (on_chunk) on_chunk(size());
  }
  return StepEnd::kDone;
}

std::string Timeline::find_non_finite(const StepOptions& options) {
  std::string where;
  StepOptions again = options;
  again.sink = nullptr;
  again.on_recall = {};
  again.recall_positions = {};
  again.watch = [&](int layer, const char* tensor, std::span<const float> values) {
    if (!where.empty() || std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); })) return;
    where = "in layer " + std::to_string(layer) + " behind model.layers." + std::to_string(layer) + "." + tensor;
    if (layer < 0) where = std::string("behind ") + tensor;
  };
  again.inspect = [](int, std::span<const float>) {};  // so that the last layer computes this token
  const TokenId last = unmarked(tokens_.back());
  const auto end = transformer_.step(std::span(&last, 1), size() - 1, keys_, again, {});
  if (!end) return "in a layer that could not be run again";
  return where.empty() ? "behind model.norm.weight or lm_head.weight" : where;
}

}  // namespace engine
