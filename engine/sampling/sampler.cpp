#include "engine/sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace engine {

Result<Sampler> Sampler::make(const SamplingOptions& options, std::int64_t vocabulary_size) {
  if (!(options.temperature >= 0.0 && options.temperature <= 100.0)) {
    return Error{ErrorCode::kInvalidInput, "The temperature must be between 0 and 100."};
  }
  if (!(options.top_p > 0.0 && options.top_p <= 1.0)) {
    return Error{ErrorCode::kInvalidInput, "top_p must be above 0 and at most 1."};
  }
  if (vocabulary_size <= 0 || vocabulary_size > std::numeric_limits<TokenId>::max()) {
    return Error{ErrorCode::kInvalidInput, "The model has no vocabulary."};
  }
  return Sampler(options, vocabulary_size);
}

namespace {

/// Natural log of the softmax, in double precision.
float log_probability(std::span<const float> logits, TokenId id) {
  const double highest = *std::max_element(logits.begin(), logits.end());
  const double total = std::accumulate(logits.begin(), logits.end(), 0.0,
                                       [&](double sum, float logit) { return sum + std::exp(logit - highest); });
  return static_cast<float>(logits[static_cast<std::size_t>(id)] - highest - std::log(total));
}

Error not_in_vocabulary(TokenId id) {
  return Error{ErrorCode::kInvalidInput, "The token " + std::to_string(id) + " is not in the model's vocabulary."};
}

}  // namespace

Result<Sampler::Choice> Sampler::take(std::span<const float> logits, TokenId id) const {
  logits = logits.first(std::min(logits.size(), static_cast<std::size_t>(vocabulary_size_)));
  if (id < 0 || static_cast<std::size_t>(id) >= logits.size()) return not_in_vocabulary(id);
  return Choice{id, log_probability(logits, id)};
}

Result<Sampler::Choice> Sampler::sample(std::span<const float> logits, std::span<const TokenId> allowed) {
  const auto n_tokens = std::min(logits.size(), static_cast<std::size_t>(vocabulary_size_));
  logits = logits.first(n_tokens);
  if (logits.empty()) return Error{ErrorCode::kInvalidInput, "The model gave no logits."};
  const auto bad = std::find_if(logits.begin(), logits.end(), [](float logit) { return !std::isfinite(logit); });
  if (bad != logits.end()) {
    return Error{ErrorCode::kCorrupt, "The model computed a logit that is not finite (token " +
                                          std::to_string(bad - logits.begin()) +
                                          "). The answer was stopped; check the model's files."};
  }
  for (const TokenId id : allowed) {
    if (id < 0 || static_cast<std::size_t>(id) >= n_tokens) return not_in_vocabulary(id);
  }
  const TokenId id = temperature_ == 0.0 ? greedy(logits, allowed) : draw(logits, allowed);
  return Choice{id, log_probability(logits, id)};
}

/// The lowest id among equals.
TokenId Sampler::greedy(std::span<const float> logits, std::span<const TokenId> allowed) const {
  if (allowed.empty()) return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  TokenId best = allowed.front();
  for (const TokenId id : allowed) {
    const float logit = logits[static_cast<std::size_t>(id)];
    const float best_logit = logits[static_cast<std::size_t>(best)];
    if (logit > best_logit || (logit == best_logit && id < best)) best = id;
  }
  return best;
}

TokenId Sampler::draw(std::span<const float> logits, std::span<const TokenId> allowed) {
  candidates_.clear();
  if (allowed.empty()) {
    for (std::size_t id = 0; id < logits.size(); ++id) candidates_.push_back({static_cast<TokenId>(id), logits[id]});
  } else {
    for (const TokenId id : allowed) candidates_.push_back({id, logits[static_cast<std::size_t>(id)]});
  }
  double highest = -std::numeric_limits<double>::infinity();
  for (const Candidate& candidate : candidates_) highest = std::max(highest, candidate.weight);
  double total = 0;
  for (Candidate& candidate : candidates_) {
    candidate.weight = std::exp((candidate.weight - highest) / temperature_);
    total += candidate.weight;
  }
  if (top_p_ < 1.0) keep_top_p(total);
  total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  double left = random_.uniform() * total;
  for (const Candidate& candidate : candidates_) {
    left -= candidate.weight;
    if (left < 0) return candidate.id;
  }
  return candidates_.back().id;  // rounding
}

/// Keeps the smallest set of the likeliest tokens that has a share of at least top_p.
void Sampler::keep_top_p(double total) {
  // All tokens below this weight together have less than 1 - top_p: they need not be sorted.
  const double floor = (1.0 - top_p_) * total / static_cast<double>(candidates_.size());
  std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.weight < floor; });
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
  });
  double sum = 0;
  std::size_t n_kept = 0;
  while (n_kept < candidates_.size() && sum < top_p_ * total) sum += candidates_[n_kept++].weight;
  candidates_.resize(std::max<std::size_t>(n_kept, 1));
}

}  // namespace engine
