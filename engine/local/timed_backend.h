#pragma once

#include <array>
#include <memory>

#include "kernels/api/backend.h"

namespace engine {

/// What the time of a model goes to.
enum class WorkPart { kProjections, kExperts, kIndexer, kTopK, kAttention, kOther };
constexpr int kWorkParts = 6;

struct WorkMeter {
  double core_seconds = 0;  // CPU time of all threads of this process
  double operations = 0;    // multiplications and additions of the dot products
};

/// Another backend, with the time and the operations of its parts counted. Waits for every operation.
class TimedBackend : public kernels::Backend {
 public:
  /// `inner` must outlive the object.
  explicit TimedBackend(kernels::Backend& inner) : inner_(inner) {}

  const WorkMeter& meter(WorkPart part) const { return meters_[static_cast<std::size_t>(part)]; }
  void reset() { meters_ = {}; }

  std::string name() const override { return inner_.name(); }
  std::size_t memory_free_bytes() const override { return inner_.memory_free_bytes(); }
  std::int64_t chunk_rows() const override { return inner_.chunk_rows(); }
  bool streams_weights() const override { return inner_.streams_weights(); }
  kernels::StreamCounts stream_counts() const override { return inner_.stream_counts(); }
  kernels::DeviceResult<std::unique_ptr<kernels::Buffer>> allocate(std::size_t n_bytes) override {
    return inner_.allocate(n_bytes);
  }
  kernels::DeviceResult<std::unique_ptr<kernels::Matrix>> load_matrix(const kernels::MatrixSource& source) override {
    return inner_.load_matrix(source);
  }
  kernels::DeviceResult<std::unique_ptr<kernels::KeyCache>> make_key_cache(const kernels::KeyCacheShape& shape) override;
  void copy_to_device(const void* host, kernels::TensorView device) override { inner_.copy_to_device(host, device); }
  void copy_to_host(kernels::TensorView device, void* host) override { inner_.copy_to_host(device, host); }
  std::size_t key_row_bytes(const kernels::KeyCache& cache) const override { return inner_.key_row_bytes(cache); }
  void save_keys(const kernels::KeyCache& cache, std::int64_t first, std::int64_t n, std::byte* host) override {
    inner_.save_keys(cache, first, n, host);
  }
  void load_keys(kernels::KeyCache& cache, std::int64_t first, std::int64_t n, const std::byte* host) override {
    inner_.load_keys(cache, first, n, host);
  }
  void embed(const kernels::EmbedArgs& args) override;
  void matmul(const kernels::MatmulArgs& args) override;
  void matmul_heads(const kernels::MatmulHeadsArgs& args) override;
  void rms_norm(const kernels::RmsNormArgs& args) override;
  void layer_norm(const kernels::LayerNormArgs& args) override;
  void rotate(const kernels::RotateArgs& args) override;
  void hadamard(const kernels::HadamardArgs& args) override;
  void store_keys(const kernels::StoreKeysArgs& args) override;
  void select_keys(const kernels::SelectKeysArgs& args) override;
  void score_keys(const kernels::ScoreKeysArgs& args) override;
  void attention(const kernels::AttentionArgs& args) override;
  void attention_mass(const kernels::AttentionMassArgs& args) override;
  void route_experts(const kernels::RouteExpertsArgs& args) override;
  void feed_forward(const kernels::FeedForwardArgs& args) override;
  void run_experts(const kernels::RunExpertsArgs& args) override;
  void add(const kernels::AddArgs& args) override;
  double choosing_share() const override { return inner_.choosing_share(); }
  bool can_mute() const override { return inner_.can_mute(); }
  void set_stop(std::function<bool()> stop) override { inner_.set_stop(std::move(stop)); }
  std::optional<kernels::DeviceError> synchronize() override { return inner_.synchronize(); }

 private:
  template <typename Args>
  void timed(WorkPart part, double operations, void (kernels::Backend::*operation)(const Args&), const Args& args);

  kernels::Backend& inner_;
  std::array<WorkMeter, kWorkParts> meters_;
};

/// CPU time that this process has used, all threads, in seconds.
double process_cpu_seconds();

}  // namespace engine
