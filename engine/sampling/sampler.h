#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/result.h"
#include "engine/engine.h"
#include "engine/sampling/random.h"

namespace engine {

/// Chooses the next token from one row of logits. One sampler serves one generation; the same seed
/// and logits give the same tokens.
class Sampler {
 public:
  /// Ids at and above `vocabulary_size` are padding rows of the model and are never chosen.
  /// Fails when temperature or top_p is out of range.
  static Result<Sampler> make(const SamplingOptions& options, std::int64_t vocabulary_size);

  struct Choice {
    TokenId id = 0;
    /// Natural log of the probability that the model itself gave it: temperature 1, nothing masked.
    float log_probability = 0;
  };

  /// `allowed` (see QuoteConstraint) restricts the choice; empty: everything is allowed.
  /// Fails when a logit is not finite: nothing may be sampled from those.
  Result<Choice> sample(std::span<const float> logits, std::span<const TokenId> allowed = {});

  /// The choice of `id`, which somebody else made, with the model's probability for it.
  Result<Choice> take(std::span<const float> logits, TokenId id) const;

 private:
  struct Candidate {
    TokenId id;
    double weight;
  };

  Sampler(const SamplingOptions& options, std::int64_t vocabulary_size)
      : temperature_(options.temperature), top_p_(options.top_p), vocabulary_size_(vocabulary_size), random_(options.seed) {}
  TokenId greedy(std::span<const float> logits, std::span<const TokenId> allowed) const;
  TokenId draw(std::span<const float> logits, std::span<const TokenId> allowed);
  void keep_top_p(double total);

  double temperature_;
  double top_p_;
  std::int64_t vocabulary_size_;
  Random random_;
  std::vector<Candidate> candidates_;
};

}  // namespace engine
