#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "kernels/api/backend.h"
#include "kernels/cuda/cuda_device.h"

namespace kernels::cuda {

/// Memory of the device; goes back when it goes.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  DeviceMemory(Device& device, std::byte* data, std::size_t n_bytes) : device_(&device), data_(data), n_bytes_(n_bytes) {}
  DeviceMemory(DeviceMemory&& other) noexcept
      : device_(other.device_), data_(std::exchange(other.data_, nullptr)), n_bytes_(std::exchange(other.n_bytes_, 0)) {}
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(n_bytes_, other.n_bytes_);
    return *this;
  }
  ~DeviceMemory() {
    if (data_ != nullptr) device_->give(data_);
  }
  std::byte* data() const { return data_; }
  std::size_t size_bytes() const { return n_bytes_; }

 private:
  Device* device_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t n_bytes_ = 0;
};

/// Zeroed memory, or why there is none. `n_bytes` empty: the size did not fit in a number.
DeviceResult<DeviceMemory> take_memory(Device& device, std::optional<std::size_t> n_bytes, const std::string& what);

class DeviceBuffer final : public Buffer {
 public:
  explicit DeviceBuffer(DeviceMemory memory) : memory_(std::move(memory)) {}
  std::byte* data() override { return memory_.data(); }
  std::size_t size_bytes() const override { return memory_.size_bytes(); }

 private:
  DeviceMemory memory_;
};

/// Weights row by row, f32 or bf16, rows padded with zeros to 16 bytes.
class DeviceMatrix final : public Matrix {
 public:
  static DeviceResult<std::unique_ptr<Matrix>> load(Device& device, const MatrixSource& source, Format format);
  /// Leaves the values where they are; only block scales come to the card. `source` has an owner.
  static DeviceResult<std::unique_ptr<Matrix>> leave(Device& device, const MatrixSource& source, Format format);

  std::int64_t n_out() const override { return n_out_; }
  std::int64_t n_in() const override { return n_in_; }
  std::size_t size_bytes() const override { return n_bytes_; }  // on the card, also where it is not there yet
  Format format() const { return format_; }
  std::int64_t pitch() const { return pitch_; }
  const std::byte* data() const { return memory_.data(); }      // null when it was left

  bool is_left() const { return memory_.data() == nullptr; }
  const MatrixSource& source() const { return source_; }        // of one that was left
  std::size_t source_bytes() const { return static_cast<std::size_t>(n_out_ * n_in_) * size_of(source_.dtype); }
  const float* scales() const { return reinterpret_cast<const float*>(scales_.data()); }  // on the card; null: none

 private:
  DeviceMatrix(const MatrixSource& source, Format format);
  std::int64_t n_out_ = 0;
  std::int64_t n_in_ = 0;
  std::int64_t pitch_ = 0;
  std::size_t n_bytes_ = 0;
  Format format_ = Format::kF32;
  DeviceMemory memory_;
  MatrixSource source_;
  DeviceMemory scales_;
};

class DeviceKeyCache final : public KeyCache {
 public:
  static DeviceResult<std::unique_ptr<KeyCache>> create(Device& device, const KeyCacheShape& shape, Format latent, Format index);

  std::int64_t capacity() const override { return shape_.capacity; }
  std::size_t size_bytes() const override { return latent_.size_bytes() + index_.size_bytes() + scales_.size_bytes(); }
  const KeyCacheShape& shape() const { return shape_; }
  const Keys& keys() const { return keys_; }
  std::int64_t row_floats() const { return std::int64_t{shape_.latent_dim} + shape_.rope_dim + shape_.index_dim; }

 private:
  KeyCacheShape shape_;
  Keys keys_;
  DeviceMemory latent_;
  DeviceMemory index_;
  DeviceMemory scales_;
};

inline const DeviceMatrix& resident(const Matrix* matrix) { return static_cast<const DeviceMatrix&>(*matrix); }
inline const DeviceKeyCache& resident(const KeyCache* cache) { return static_cast<const DeviceKeyCache&>(*cache); }

/// The experts' weights of each layer as lists of addresses on the device.
class ExpertTables {
 public:
  struct Table {
    const void* const* gates = nullptr;
    const void* const* ups = nullptr;
    const void* const* downs = nullptr;
  };
  /// Empty, with an error noted, when it cannot be made. Made again only when the experts of that list changed.
  Table find(Device& device, const FeedForwardWeights* experts, int n_experts);
  /// The same for addresses [gates, ups, downs] that are known; null experts: a list for one step.
  Table put(Device& device, const FeedForwardWeights* experts, std::vector<const void*> addresses);

 private:
  struct Entry {
    std::vector<const void*> addresses;
    DeviceMemory memory;
  };
  std::map<const FeedForwardWeights*, Entry> entries_;
};

}  // namespace kernels::cuda
