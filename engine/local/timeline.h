#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/engine.h"
#include "engine/forward/key_store.h"
#include "engine/forward/transformer.h"

namespace engine {

/// One model's one sequence of tokens with their keys: what is already computed is reused, the rest is
/// run in chunks. Only `tokens`, `common_prefix` and `common_tokens` may be
/// called from other threads.
class Timeline {
 public:
  Timeline(kernels::Backend& backend, const ModelConfig& config, Transformer& transformer);

  /// Tokens whose keys are there, marked as they were given (selection_plan.h).
  std::vector<TokenId> tokens() const;
  std::int64_t common_prefix(std::span<const TokenId> prompt) const;
  /// The same, whatever is marked: at most so many tokens can be reused.
  std::int64_t common_tokens(std::span<const TokenId> prompt) const;

  /// Cuts the sequence to what `prompt` shares with it, less one token (whose logits are needed), and
  /// forgets all of it when `selection` differs: keys depend on what the layers below selected.
  /// Makes room for `n_total` tokens. Gives the number of tokens kept.
  Result<std::int64_t> begin(std::span<const TokenId> prompt, const std::string& selection, std::int64_t n_total);

  /// Runs the tokens, marked or not, from where the sequence ends; `logits` receives the last row. `on_chunk` hears
  /// how long the sequence is after each chunk.
  Result<StepEnd> extend(std::span<const TokenId> tokens, const StepOptions& options, std::span<float> logits,
                         const std::function<void(std::int64_t)>& on_chunk = {});

  /// "behind model.layers.3.mlp.gate.weight": runs the last token again and finds behind which weight the first
  /// value is no number.
  std::string find_non_finite(const StepOptions& options);

  KeyStore& keys() { return keys_; }
  BlockSelector& blocks() { return blocks_; }
  std::int64_t size() const { return static_cast<std::int64_t>(tokens_.size()); }
  const std::string& selection() const { return selection_; }
  /// Takes over keys that were loaded into `keys()` from elsewhere.
  void adopt(std::vector<TokenId> tokens, const std::string& selection);

 private:
  void truncate(std::int64_t n);

  Transformer& transformer_;
  KeyStore keys_;
  BlockSelector blocks_;
  mutable std::mutex mutex_;     // of tokens_
  std::vector<TokenId> tokens_;
  std::string selection_;        // how the keys came about
};

}  // namespace engine
