#include "engine/local/timed_backend.h"

#include <algorithm>
#include <ctime>

namespace engine {
namespace {

/// Pairs of queries and the keys before them.
double causal_pairs(std::int64_t first, std::int64_t n) {
  return static_cast<double>(n) * (static_cast<double>(first) + static_cast<double>(n + 1) / 2);
}

double count(const kernels::TensorView& view) { return static_cast<double>(view.n_elements()); }

}  // namespace

double process_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

template <typename Args>
void TimedBackend::timed(WorkPart part, double operations, void (kernels::Backend::*operation)(const Args&), const Args& args) {
  const double start = process_cpu_seconds();
  (inner_.*operation)(args);
  WorkMeter& meter = meters_[static_cast<std::size_t>(part)];
  meter.core_seconds += process_cpu_seconds() - start;
  meter.operations += operations;
}

kernels::DeviceResult<std::unique_ptr<kernels::KeyCache>> TimedBackend::make_key_cache(const kernels::KeyCacheShape& shape) {
  return inner_.make_key_cache(shape);
}

void TimedBackend::embed(const kernels::EmbedArgs& args) { timed(WorkPart::kOther, 0, &Backend::embed, args); }

void TimedBackend::matmul(const kernels::MatmulArgs& args) {
  timed(WorkPart::kProjections, 2 * count(args.in) * static_cast<double>(args.weight->n_out()), &Backend::matmul, args);
}

void TimedBackend::matmul_heads(const kernels::MatmulHeadsArgs& args) {
  timed(WorkPart::kProjections, 2 * count(args.in) * static_cast<double>(args.out.shape[2]), &Backend::matmul_heads, args);
}

void TimedBackend::rms_norm(const kernels::RmsNormArgs& args) { timed(WorkPart::kOther, 0, &Backend::rms_norm, args); }
void TimedBackend::layer_norm(const kernels::LayerNormArgs& args) { timed(WorkPart::kOther, 0, &Backend::layer_norm, args); }
void TimedBackend::rotate(const kernels::RotateArgs& args) { timed(WorkPart::kOther, 0, &Backend::rotate, args); }
void TimedBackend::hadamard(const kernels::HadamardArgs& args) { timed(WorkPart::kOther, 0, &Backend::hadamard, args); }
void TimedBackend::store_keys(const kernels::StoreKeysArgs& args) { timed(WorkPart::kOther, 0, &Backend::store_keys, args); }

void TimedBackend::select_keys(const kernels::SelectKeysArgs& args) {
  const double per_key = 2 * static_cast<double>(args.queries.shape[1] * args.queries.shape[2]);
  WorkMeter& meter = meters_[static_cast<std::size_t>(WorkPart::kIndexer)];
  const double before = meter.core_seconds;
  timed(WorkPart::kIndexer, per_key * causal_pairs(args.first_position, args.queries.shape[0]), &Backend::select_keys, args);
  const double choosing = inner_.choosing_share() * (meter.core_seconds - before);
  meter.core_seconds -= choosing;
  meters_[static_cast<std::size_t>(WorkPart::kTopK)].core_seconds += choosing;
}

void TimedBackend::score_keys(const kernels::ScoreKeysArgs& args) { timed(WorkPart::kOther, 0, &Backend::score_keys, args); }

void TimedBackend::attention(const kernels::AttentionArgs& args) {
  const std::int64_t n = args.q_latent.shape[0];
  const double per_pair = 2 * static_cast<double>(args.q_latent.shape[1] * (2 * args.q_latent.shape[2] + args.q_rope.shape[2]));
  const double pairs = args.indices.data == nullptr ? causal_pairs(args.first_position, n)
                                                    : static_cast<double>(n * args.indices.shape[1]);
  timed(WorkPart::kAttention, per_pair * pairs, &Backend::attention, args);
}

void TimedBackend::attention_mass(const kernels::AttentionMassArgs& args) {
  timed(WorkPart::kOther, 0, &Backend::attention_mass, args);
}

void TimedBackend::route_experts(const kernels::RouteExpertsArgs& args) {
  timed(WorkPart::kExperts, 0, &Backend::route_experts, args);
}

void TimedBackend::feed_forward(const kernels::FeedForwardArgs& args) {
  timed(WorkPart::kExperts, 6 * count(args.in) * static_cast<double>(args.weights.gate->n_out()), &Backend::feed_forward, args);
}

void TimedBackend::run_experts(const kernels::RunExpertsArgs& args) {
  const double n_inner = static_cast<double>(args.experts[0].gate->n_out());
  timed(WorkPart::kExperts, 6 * count(args.in) * n_inner * static_cast<double>(args.chosen.shape[1]), &Backend::run_experts, args);
}

void TimedBackend::add(const kernels::AddArgs& args) { timed(WorkPart::kOther, 0, &Backend::add, args); }

}  // namespace engine
