#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kernels/cpu/thread_pool.h"
#include "kernels/cuda/cuda_storage.h"
#include "kernels/plan/slot_cache.h"

namespace kernels::cuda {

/// Experts that stay in the computer's memory (or in a mapped file) and come to the card when they are needed: through
/// pinned buffers, in the format of the file, on a queue of their own, converted on the card. While the card computes
/// with some, the host fills in the next.
class ExpertStreamer {
 public:
  /// `n_bytes` of the card's memory hold the experts of this size that are there; nothing, with an error noted, when
  /// there is no memory or not even two fit.
  static std::unique_ptr<ExpertStreamer> create(Device& device, const FeedForwardWeights& like, std::size_t n_bytes);
  ~ExpertStreamer();

  struct Held {
    const void* gate = nullptr;
    const void* up = nullptr;
    const void* down = nullptr;
  };
  /// Brings the expert to the card unless it is there, and keeps it until `release`. The main queue waits for it from
  /// here on. Nothing when every place is in use or an error was noted.
  std::optional<Held> hold(const FeedForwardWeights& expert, SlotCache::Pass pass);
  /// What is queued on the main queue up to now was the last to read this expert.
  void release(const FeedForwardWeights& expert);

  int n_slots() const { return cache_.n_slots(); }
  bool takes(const FeedForwardWeights& expert) const;
  StreamCounts counts() const { return {n_bytes_moved_, cache_.n_hits(), cache_.n_misses()}; }

 private:
  struct Slot {
    cudaEvent_t arrived = nullptr;
    cudaEvent_t used = nullptr;
  };
  struct Staging {
    std::byte* pinned = nullptr;
    DeviceMemory raw;  // the same bytes on the card
    cudaEvent_t is_free = nullptr;
  };

  ExpertStreamer(Device& device, const FeedForwardWeights& like, int n_slots);
  bool bring(const DeviceMatrix& matrix, std::byte* to);
  static std::size_t slot_bytes(const FeedForwardWeights& like);
  std::byte* at(int slot) const { return memory_.data() + static_cast<std::size_t>(slot) * slot_bytes_; }

  Device& device_;
  SlotCache cache_;
  cpu::ThreadPool copiers_;
  std::int64_t gate_rows_;
  std::int64_t hidden_;
  std::size_t slot_bytes_;
  std::size_t up_at_;
  std::size_t down_at_;
  DeviceMemory memory_;
  cudaStream_t stream_ = nullptr;
  std::vector<Slot> slots_;
  std::vector<Staging> staging_;
  std::size_t next_staging_ = 0;
  std::int64_t n_bytes_moved_ = 0;
};

}  // namespace kernels::cuda
