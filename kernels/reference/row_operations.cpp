#include "kernels/reference/row_operations.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace kernels::rows {

void rms_norm(const RmsNormArgs& args, std::int64_t first, std::int64_t last) {
  const std::int64_t n = args.weight.shape[0];
  const std::int64_t in_stride = args.in_row_stride ? args.in_row_stride : n;
  const std::int64_t out_stride = args.out_row_stride ? args.out_row_stride : n;
  const auto* weight = args.weight.as<const float>();
  for (std::int64_t row = first; row < last; ++row) {
    const float* in = args.in.as<const float>() + row * in_stride;
    float* out = args.out.as<float>() + row * out_stride;
    float sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += in[i] * in[i];
    const float scale = 1.0f / std::sqrt(sum / static_cast<float>(n) + args.eps);
    for (std::int64_t i = 0; i < n; ++i) out[i] = weight[i] * (in[i] * scale);
  }
}

void layer_norm(const LayerNormArgs& args, std::int64_t first, std::int64_t last) {
  const std::int64_t n = args.weight.shape[0];
  const auto* weight = args.weight.as<const float>();
  const auto* bias = args.bias.as<const float>();
  for (std::int64_t row = first; row < last; ++row) {
    const float* in = args.in.as<const float>() + row * n;
    float* out = args.out.as<float>() + row * n;
    float sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += in[i];
    const float mean = sum / static_cast<float>(n);
    float squares = 0;
    for (std::int64_t i = 0; i < n; ++i) squares += (in[i] - mean) * (in[i] - mean);
    const float scale = 1.0f / std::sqrt(squares / static_cast<float>(n) + args.eps);
    for (std::int64_t i = 0; i < n; ++i) out[i] = weight[i] * ((in[i] - mean) * scale) + bias[i];
  }
}

void rotate(const RotateArgs& args, std::int64_t first, std::int64_t last) {
  const std::int64_t n_heads = args.values.shape[1];
  const std::int64_t head_dim = args.values.shape[2];
  const int n_pairs = args.rope_dim / 2;
  const auto* frequencies = args.inverse_frequencies.as<const float>();
  const bool interleaved = args.pairs == RopePairs::kInterleaved;
  for (std::int64_t t = first; t < last; ++t) {
    float* heads = args.values.as<float>() + t * n_heads * head_dim + args.offset;
    for (int i = 0; i < n_pairs; ++i) {
      // The product is rounded to f32 first, as the model was trained with it; sin and cos are then
      // taken exactly enough that this is the only error.
      const float angle = static_cast<float>(args.first_position + t) * frequencies[i];
      const auto cosine = static_cast<float>(std::cos(static_cast<double>(angle)));
      const auto sine = static_cast<float>(std::sin(static_cast<double>(angle)));
      const std::int64_t u_at = interleaved ? 2 * i : i;
      const std::int64_t v_at = interleaved ? 2 * i + 1 : i + n_pairs;
      for (std::int64_t h = 0; h < n_heads; ++h) {
        float* head = heads + h * head_dim;
        const float u = head[u_at];
        const float v = head[v_at];
        head[u_at] = u * cosine - v * sine;
        head[v_at] = u * sine + v * cosine;
      }
    }
  }
}

void hadamard(const HadamardArgs& args, std::int64_t first, std::int64_t last) {
  const std::int64_t n = args.values.shape[1];
  const float scale = 1.0f / std::sqrt(static_cast<float>(n));
  for (std::int64_t row = first; row < last; ++row) {
    float* x = args.values.as<float>() + row * n;
    for (std::int64_t half = 1; half < n; half *= 2) {
      for (std::int64_t block = 0; block < n; block += 2 * half) {
        for (std::int64_t i = block; i < block + half; ++i) {
          const float a = x[i];
          const float b = x[i + half];
          x[i] = a + b;
          x[i + half] = a - b;
        }
      }
    }
    for (std::int64_t i = 0; i < n; ++i) x[i] *= scale;
  }
}

namespace {

void expert_scores(const RouteExpertsArgs& args, const float* logits, std::vector<float>& scores) {
  const std::size_t n = scores.size();
  if (args.score == RouterScore::kSigmoid) {
    for (std::size_t e = 0; e < n; ++e) scores[e] = 1.0f / (1.0f + std::exp(-logits[e]));
    return;
  }
  const float largest = *std::max_element(logits, logits + n);
  float sum = 0;
  for (std::size_t e = 0; e < n; ++e) sum += scores[e] = std::exp(logits[e] - largest);
  for (std::size_t e = 0; e < n; ++e) scores[e] /= sum;
}

/// Sum of the `n_best` best ranks of a group, 1 or 2 (one, when the group has only one expert).
float group_score(const float* ranks, std::size_t n, int n_best) {
  float best = -std::numeric_limits<float>::infinity();
  float second = best;
  for (std::size_t i = 0; i < n; ++i) {
    if (ranks[i] > best) {
      second = best;
      best = ranks[i];
    } else if (ranks[i] > second) {
      second = ranks[i];
    }
  }
  return n > 1 && n_best > 1 ? best + second : best;
}

/// Indices of the `n_best` largest values, best first, lower index first among equals.
std::vector<std::int32_t> best_of(const std::vector<float>& values, std::size_t n_best) {
  std::vector<std::int32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&values](std::int32_t a, std::int32_t b) {
    return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)];
  });
  order.resize(n_best);
  return order;
}

/// Ranks of the experts outside of the kept groups become -infinity (0 would win over negative ranks).
void drop_other_groups(const RouteExpertsArgs& args, std::vector<float>& ranks) {
  const auto n_groups = static_cast<std::size_t>(args.n_groups);
  const std::size_t group_size = ranks.size() / n_groups;
  std::vector<float> groups(n_groups);
  for (std::size_t g = 0; g < n_groups; ++g) groups[g] = group_score(&ranks[g * group_size], group_size, args.n_best_of_group);
  std::vector<bool> kept(n_groups, false);
  for (const std::int32_t g : best_of(groups, static_cast<std::size_t>(args.n_groups_kept)))
    kept[static_cast<std::size_t>(g)] = true;
  for (std::size_t e = 0; e < ranks.size(); ++e)
    if (!kept[e / group_size]) ranks[e] = -std::numeric_limits<float>::infinity();
}

}  // namespace

void route_experts(const RouteExpertsArgs& args, std::int64_t first, std::int64_t last) {
  const std::int64_t n_experts = args.logits.shape[1];
  const std::int64_t n_used = args.experts.shape[1];
  const auto* bias = args.bias.as<const float>();
  std::vector<float> scores(static_cast<std::size_t>(n_experts));
  std::vector<float> ranks(static_cast<std::size_t>(n_experts));
  for (std::int64_t t = first; t < last; ++t) {
    expert_scores(args, args.logits.as<const float>() + t * n_experts, scores);
    for (std::size_t e = 0; e < ranks.size(); ++e) {
      ranks[e] = bias ? scores[e] + bias[e] : scores[e];
      // A NaN must not break the ordering: it ranks last.
      if (std::isnan(ranks[e])) ranks[e] = -std::numeric_limits<float>::infinity();
    }
    if (args.n_groups > 1) drop_other_groups(args, ranks);
    const std::vector<std::int32_t> chosen = best_of(ranks, static_cast<std::size_t>(n_used));
    float sum = 0;
    for (const std::int32_t e : chosen) sum += scores[static_cast<std::size_t>(e)];
    const float factor = args.normalise ? args.scale / (sum + 1e-20f) : args.scale;
    for (std::int64_t j = 0; j < n_used; ++j) {
      const std::int32_t e = chosen[static_cast<std::size_t>(j)];
      args.experts.as<std::int32_t>()[t * n_used + j] = e;
      args.weights.as<float>()[t * n_used + j] = scores[static_cast<std::size_t>(e)] * factor;
    }
  }
}

}  // namespace kernels::rows
