#include "kernels/cuda/expert_streamer.h"

#include <algorithm>
#include <cstring>

namespace kernels::cuda {
namespace {

constexpr int kStagingBuffers = 3;
constexpr int kMostCopiers = 8;                        // threads that copy into pinned memory
constexpr std::size_t kCopyPiece = std::size_t{1} << 20;
constexpr const char* kDoing = "bringing experts to the GPU";

std::int64_t key_of(const FeedForwardWeights& expert) { return static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(expert.gate)); }

std::size_t rounded(std::size_t n) { return (n + 255) / 256 * 256; }

}  // namespace

std::size_t ExpertStreamer::slot_bytes(const FeedForwardWeights& like) {
  return rounded(resident(like.gate).size_bytes()) + rounded(resident(like.up).size_bytes()) + rounded(resident(like.down).size_bytes());
}

ExpertStreamer::ExpertStreamer(Device& device, const FeedForwardWeights& like, int n_slots)
    : device_(device),
      cache_(n_slots),
      copiers_(std::clamp(cpu::physical_cores() / 2, 1, kMostCopiers)),
      gate_rows_(like.gate->n_out()),
      hidden_(like.gate->n_in()),
      slot_bytes_(slot_bytes(like)),
      up_at_(rounded(resident(like.gate).size_bytes())),
      down_at_(up_at_ + rounded(resident(like.up).size_bytes())) {}

std::unique_ptr<ExpertStreamer> ExpertStreamer::create(Device& device, const FeedForwardWeights& like, std::size_t n_bytes) {
  const auto n_slots = static_cast<int>(std::min<std::size_t>(n_bytes / slot_bytes(like), 1 << 20));
  if (n_slots < 2) {
    device.fail({true, "The GPU has no room for two experts of this model at a time (" + std::to_string(2 * slot_bytes(like) >> 20) +
                           " MB). Choose a shorter context, or the CPU."});
    return nullptr;
  }
  std::unique_ptr<ExpertStreamer> made(new ExpertStreamer(device, like, n_slots));
  auto memory = take_memory(device, static_cast<std::size_t>(n_slots) * made->slot_bytes_, "the experts in use");
  if (auto* why = std::get_if<DeviceError>(&memory)) {
    device.fail(*why);
    return nullptr;
  }
  made->memory_ = std::move(std::get<DeviceMemory>(memory));
  if (!device.check(cudaStreamCreateWithFlags(&made->stream_, cudaStreamNonBlocking), kDoing)) return nullptr;
  made->slots_.resize(static_cast<std::size_t>(n_slots));
  for (Slot& slot : made->slots_) {
    if (!device.check(cudaEventCreateWithFlags(&slot.arrived, cudaEventDisableTiming), kDoing) ||
        !device.check(cudaEventCreateWithFlags(&slot.used, cudaEventDisableTiming), kDoing))
      return nullptr;
  }
  const std::size_t raw_bytes = std::max({resident(like.gate).source_bytes(), resident(like.up).source_bytes(), resident(like.down).source_bytes()});
  made->staging_.resize(kStagingBuffers);
  for (Staging& staging : made->staging_) {
    auto raw = take_memory(device, raw_bytes, "weights on their way");
    if (auto* why = std::get_if<DeviceError>(&raw)) {
      device.fail(*why);
      return nullptr;
    }
    staging.raw = std::move(std::get<DeviceMemory>(raw));
    if (!device.check(cudaMallocHost(reinterpret_cast<void**>(&staging.pinned), raw_bytes), "pinned memory for weights") ||
        !device.check(cudaEventCreateWithFlags(&staging.is_free, cudaEventDisableTiming), kDoing))
      return nullptr;
  }
  device.wait();  // the memory was cleared on the main queue, and the copies do not wait for that
  return made;
}

ExpertStreamer::~ExpertStreamer() {
  if (stream_ != nullptr) {
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
  }
  for (const Slot& slot : slots_) {
    if (slot.arrived != nullptr) cudaEventDestroy(slot.arrived);
    if (slot.used != nullptr) cudaEventDestroy(slot.used);
  }
  for (const Staging& staging : staging_) {
    cudaFreeHost(staging.pinned);
    if (staging.is_free != nullptr) cudaEventDestroy(staging.is_free);
  }
}

bool ExpertStreamer::takes(const FeedForwardWeights& expert) const {
  return expert.gate->n_out() == gate_rows_ && expert.gate->n_in() == hidden_ && slot_bytes(expert) == slot_bytes_;
}

bool ExpertStreamer::bring(const DeviceMatrix& matrix, std::byte* to) {
  if (!matrix.is_left()) {  // the last expert that the card had room for may be there in part
    return device_.check(cudaMemcpyAsync(to, matrix.data(), matrix.size_bytes(), cudaMemcpyDeviceToDevice, stream_), kDoing);
  }
  Staging& staging = staging_[next_staging_];
  next_staging_ = (next_staging_ + 1) % staging_.size();
  // The buffer's last contents have left it.
  if (!device_.check(cudaEventSynchronize(staging.is_free), kDoing)) return false;
  const std::size_t n_bytes = matrix.source_bytes();
  const auto* from = static_cast<const std::byte*>(matrix.source().data);
  copiers_.run(static_cast<std::int64_t>((n_bytes + kCopyPiece - 1) / kCopyPiece), [&](std::int64_t i, int) {
    const std::size_t first = static_cast<std::size_t>(i) * kCopyPiece;
    std::memcpy(staging.pinned + first, from + first, std::min(kCopyPiece, n_bytes - first));
  });
  n_bytes_moved_ += static_cast<std::int64_t>(n_bytes);
  Queue queue = device_.queue();
  queue.stream = stream_;
  const MatrixSource& source = matrix.source();
  return device_.check(cudaMemcpyAsync(staging.raw.data(), staging.pinned, n_bytes, cudaMemcpyHostToDevice, stream_), kDoing) &&
         device_.check(convert_weights(queue, source.dtype, staging.raw.data(), matrix.scales(), 0, source.n_out, source.n_in, matrix.format(), to,
                                       matrix.pitch()),
                       kDoing) &&
         device_.check(cudaEventRecord(staging.is_free, stream_), kDoing);
}

std::optional<ExpertStreamer::Held> ExpertStreamer::hold(const FeedForwardWeights& expert, SlotCache::Pass pass) {
  const SlotCache::Place place = cache_.take(key_of(expert), pass);
  if (place.slot < 0) return std::nullopt;
  const Slot& slot = slots_[static_cast<std::size_t>(place.slot)];
  std::byte* to = at(place.slot);
  if (!place.is_there) {
    // Not before the products that read what is there now.
    if (!device_.check(cudaStreamWaitEvent(stream_, slot.used), kDoing) || !bring(resident(expert.gate), to) ||
        !bring(resident(expert.up), to + up_at_) || !bring(resident(expert.down), to + down_at_) ||
        !device_.check(cudaEventRecord(slot.arrived, stream_), kDoing))
      return std::nullopt;
  }
  if (!device_.check(cudaStreamWaitEvent(device_.stream(), slot.arrived), kDoing)) return std::nullopt;
  return Held{to, to + up_at_, to + down_at_};
}

void ExpertStreamer::release(const FeedForwardWeights& expert) {
  const SlotCache::Place place = cache_.find(key_of(expert));
  if (place.slot >= 0) device_.check(cudaEventRecord(slots_[static_cast<std::size_t>(place.slot)].used, device_.stream()), kDoing);
  cache_.release(key_of(expert));
}

}  // namespace kernels::cuda
