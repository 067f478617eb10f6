#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kernels/api/backend.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/cpu/tile_kernels.h"
#include "kernels/reference/host_memory.h"

namespace kernels::cpu {

/// Weights in panels of kPanel outputs: [n_panels][n_in][kPanel], missing outputs are zero rows.
class PackedMatrix final : public Matrix {
 public:
  static std::unique_ptr<PackedMatrix> pack(const MatrixSource& source, ThreadPool& pool);

  std::int64_t n_out() const override { return n_out_; }
  std::int64_t n_in() const override { return n_in_; }
  std::size_t size_bytes() const override { return values_->size_bytes(); }

  std::int64_t panel_stride() const { return n_in_ * kPanel; }
  const float* panel(std::int64_t i) const { return values_->as<float>() + i * panel_stride(); }
  /// Row `i` of the matrix as it was loaded, [n_in].
  void row(std::int64_t i, float* out) const;

 private:
  PackedMatrix(std::int64_t n_out, std::int64_t n_in, std::unique_ptr<HostBuffer> values)
      : n_out_(n_out), n_in_(n_in), values_(std::move(values)) {}
  std::int64_t n_out_;
  std::int64_t n_in_;
  std::unique_ptr<HostBuffer> values_;
};

/// latent: rows [capacity][latent_dim + rope_dim]; index: panels [capacity / kPanel][index_dim][kPanel],
/// so that a register holds one dimension of kPanel neighbouring keys.
class PanelKeyCache final : public KeyCache {
 public:
  static std::unique_ptr<PanelKeyCache> create(const KeyCacheShape& shape);

  std::int64_t capacity() const override { return shape_.capacity; }
  std::size_t size_bytes() const override { return latent_->size_bytes() + index_->size_bytes(); }

  const KeyCacheShape& shape() const { return shape_; }
  int latent_row() const { return shape_.latent_dim + shape_.rope_dim; }
  float* latent(std::int64_t position) const { return latent_->as<float>() + position * latent_row(); }
  std::int64_t panel_stride() const { return std::int64_t{shape_.index_dim} * kPanel; }
  float* panel(std::int64_t i) const { return index_->as<float>() + i * panel_stride(); }
  void set_index(std::int64_t position, const float* key) const;
  void get_index(std::int64_t position, float* key) const;

 private:
  PanelKeyCache(const KeyCacheShape& shape, std::unique_ptr<HostBuffer> latent,
                std::unique_ptr<HostBuffer> index)
      : shape_(shape), latent_(std::move(latent)), index_(std::move(index)) {}
  KeyCacheShape shape_;
  std::unique_ptr<HostBuffer> latent_;
  std::unique_ptr<HostBuffer> index_;
};

inline const PackedMatrix& packed(const Matrix* matrix) {
  return static_cast<const PackedMatrix&>(*matrix);
}
inline const PanelKeyCache& panels(const KeyCache* cache) {
  return static_cast<const PanelKeyCache&>(*cache);
}

/// Asks the caller's stop function on the caller's thread only; the other threads see its answer.
class StopFlag {
 public:
  void set(std::function<bool()> stop) {
    stop_ = std::move(stop);
    stopped_ = false;
  }
  bool poll(int thread) {
    if (thread == 0 && stop_ && stop_()) stopped_.store(true, std::memory_order_relaxed);
    return stopped_.load(std::memory_order_relaxed);
  }
  /// Before an operation: a stop of an earlier one does not carry over.
  void reset() { stopped_.store(false, std::memory_order_relaxed); }

 private:
  std::function<bool()> stop_;
  std::atomic<bool> stopped_{false};
};

/// Working memory that grows to the largest operation seen and is used again.
class Scratch {
 public:
  float* floats(std::size_t slot, std::int64_t n) {
    if (slot >= slots_.size()) slots_.resize(slot + 1);
    auto& buffer = slots_[slot];
    const auto n_bytes = static_cast<std::size_t>(n) * sizeof(float);
    if (buffer == nullptr || buffer->size_bytes() < n_bytes) {
      buffer.reset();
      buffer = HostBuffer::create(n_bytes);
      if (buffer == nullptr) throw std::bad_alloc();
    }
    return buffer->as<float>();
  }

 private:
  std::vector<std::unique_ptr<HostBuffer>> slots_;
};

/// What every operation of the CPU backend works with.
struct Cpu {
  ThreadPool& pool;
  const TileKernels& kernels;
  StopFlag& stop;
  Scratch& scratch;
};

void matmul(Cpu& cpu, const MatmulArgs& args);
void matmul_heads(Cpu& cpu, const MatmulHeadsArgs& args);
void feed_forward(Cpu& cpu, const FeedForwardArgs& args);
void run_experts(Cpu& cpu, const RunExpertsArgs& args);
void select_keys(Cpu& cpu, const SelectKeysArgs& args);
void score_keys(Cpu& cpu, const ScoreKeysArgs& args);
void attention(Cpu& cpu, const AttentionArgs& args);
void attention_mass(Cpu& cpu, const AttentionMassArgs& args);

}  // namespace kernels::cpu
