#pragma once

#include <atomic>
#include <functional>
#include <new>
#include <vector>

#include "kernels/cpu/cpu_storage.h"

/// The operations of the CPU backend that are more than a loop over rows.
namespace kernels::cpu {

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
  std::byte* bytes(std::size_t slot, std::int64_t n_bytes) {
    if (slot >= slots_.size()) slots_.resize(slot + 1);
    auto& buffer = slots_[slot];
    if (buffer == nullptr || buffer->size_bytes() < static_cast<std::size_t>(n_bytes)) {
      buffer.reset();
      buffer = HostBuffer::create(static_cast<std::size_t>(n_bytes));
      if (buffer == nullptr) throw std::bad_alloc();
    }
    return buffer->data();
  }
  float* floats(std::size_t slot, std::int64_t n) { return reinterpret_cast<float*>(bytes(slot, n * 4)); }

 private:
  std::vector<std::unique_ptr<HostBuffer>> slots_;
};

struct Cpu {
  ThreadPool& pool;
  const TileKernels& kernels;
  StopFlag& stop;
  Scratch& scratch;
  double& choosing_share;  // see Backend
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
