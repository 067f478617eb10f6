#include "engine/local/timeline.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace engine {

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
  for (std::size_t done = 0; done < tokens.size();) {
    const auto part = tokens.subspan(done, std::min(chunk, tokens.size() - done));
    const bool is_last = done + part.size() == tokens.size();
    TRY_ASSIGN(const StepEnd end, transformer_.step(part, size(), keys_, options, is_last ? logits : std::span<float>{}));
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
  std::string where = "in the output layer";
  bool found = false;
  StepOptions again = options;
  again.sink = nullptr;
  again.inspect = [&](int layer, std::span<const float> hidden) {
    if (found || std::all_of(hidden.begin(), hidden.end(), [](float v) { return std::isfinite(v); })) return;
    found = true;
    where = layer < 0 ? "in the embedding" : "in layer " + std::to_string(layer);
  };
  const TokenId last = tokens_.back();
  const auto end = transformer_.step(std::span(&last, 1), size() - 1, keys_, again, {});
  if (!end) return "in a layer that could not be run again";
  return where;
}

}  // namespace engine
