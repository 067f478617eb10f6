#include "kernels/cuda/cuda_storage.h"

#include <algorithm>

#include "kernels/cuda/cuda_hopper.h"
#include "kernels/cuda/packed_rows.h"
#include "kernels/reference/host_memory.h"
#include "kernels/reference/number_formats.h"

namespace kernels::cuda {
namespace {

constexpr std::int64_t kRowBytes = 16;      // rows begin at multiples of this
constexpr int kMostInt8Dims = 128;          // of the int8 scoring kernel

std::int64_t rounded_up(std::int64_t n, std::int64_t step) { return (n + step - 1) / step * step; }

std::int64_t scale_count(const MatrixSource& source) {
  return rounded_up(source.n_out, kScaleBlock) / kScaleBlock * (rounded_up(source.n_in, kScaleBlock) / kScaleBlock);
}

/// Copies the source rows through the work memory and converts them there.
bool upload(Device& device, const MatrixSource& source, Format format, std::int64_t pitch, std::byte* out) {
  Work work(device);
  const float* scales = nullptr;
  if (source.dtype == DType::kF8E4M3) {
    const std::int64_t n = scale_count(source);
    auto* to = work.take<float>(n);
    if (to == nullptr) return device.check(cudaErrorMemoryAllocation, "the scales of a weight matrix");
    if (!device.check(cudaMemcpyAsync(to, source.block_scales, static_cast<std::size_t>(n) * 4, cudaMemcpyHostToDevice, device.stream()),
                      "copying weights"))
      return false;
    scales = to;
  }
  const std::size_t row_bytes = static_cast<std::size_t>(source.n_in) * size_of(source.dtype);
  const std::int64_t n_at_once = rows_that_fit(work.left(), row_bytes, source.n_out);
  if (n_at_once == 0) return device.check(cudaErrorMemoryAllocation, "one row of a weight matrix");
  auto* staging = work.take<std::byte>(n_at_once * static_cast<std::int64_t>(row_bytes));
  const auto* rows = static_cast<const std::byte*>(source.data);
  for (std::int64_t first = 0; first < source.n_out; first += n_at_once) {
    const std::int64_t n = std::min(n_at_once, source.n_out - first);
    if (!device.check(cudaMemcpyAsync(staging, rows + static_cast<std::size_t>(first) * row_bytes, static_cast<std::size_t>(n) * row_bytes,
                                      cudaMemcpyHostToDevice, device.stream()),
                      "copying weights"))
      return false;
    std::byte* to = out + static_cast<std::size_t>(first * pitch) * element_bytes(format);
    if (!device.check(convert_weights(device.queue(), source.dtype, staging, scales, first, n, source.n_in, format, to, pitch),
                      "converting weights"))
      return false;
  }
  return true;
}

}  // namespace

DeviceResult<DeviceMemory> take_memory(Device& device, std::optional<std::size_t> n_bytes, const std::string& what) {
  if (!n_bytes) return DeviceError{true, "The size of " + what + " is no number that a computer has memory for."};
  DeviceError why;
  std::byte* data = device.take(*n_bytes, what, why);
  if (data == nullptr) return why;
  return DeviceMemory(device, data, *n_bytes);
}

DeviceMatrix::DeviceMatrix(const MatrixSource& source, Format format)
    : n_out_(source.n_out),
      n_in_(source.n_in),
      pitch_(rounded_up(source.n_in, kRowBytes / static_cast<std::int64_t>(element_bytes(format)))),
      format_(format) {}

DeviceResult<std::unique_ptr<Matrix>> DeviceMatrix::leave(Device& device, const MatrixSource& source, Format format) {
  auto matrix = std::unique_ptr<DeviceMatrix>(new DeviceMatrix(source, format));
  matrix->source_ = source;
  const auto n_bytes = checked_product(source.n_out, matrix->pitch_, static_cast<std::int64_t>(element_bytes(format)));
  if (!n_bytes) return DeviceError{true, "The size of a weight matrix is no number that a computer has memory for."};
  matrix->n_bytes_ = *n_bytes;
  if (source.dtype == DType::kF8E4M3) {
    const std::size_t scale_bytes = static_cast<std::size_t>(scale_count(source)) * 4;
    auto scales = take_memory(device, scale_bytes, "the scales of a weight matrix");
    if (auto* why = std::get_if<DeviceError>(&scales)) return *why;
    matrix->scales_ = std::move(std::get<DeviceMemory>(scales));
    if (!device.check(cudaMemcpyAsync(matrix->scales_.data(), source.block_scales, scale_bytes, cudaMemcpyHostToDevice, device.stream()), "copying weights"))
      return *device.take_error();
  }
  return std::unique_ptr<Matrix>(std::move(matrix));
}

DeviceResult<std::unique_ptr<Matrix>> DeviceMatrix::load(Device& device, const MatrixSource& source, Format format) {
  auto matrix = std::unique_ptr<DeviceMatrix>(new DeviceMatrix(source, format));
  auto memory = take_memory(device, checked_product(source.n_out, matrix->pitch_, static_cast<std::int64_t>(element_bytes(format))), "a weight matrix");
  if (auto* why = std::get_if<DeviceError>(&memory)) return *why;
  matrix->memory_ = std::move(std::get<DeviceMemory>(memory));
  matrix->n_bytes_ = matrix->memory_.size_bytes();
  if (!upload(device, source, format, matrix->pitch_, matrix->memory_.data())) return *device.take_error();
  return std::unique_ptr<Matrix>(std::move(matrix));
}

DeviceResult<std::unique_ptr<KeyCache>> DeviceKeyCache::create(Device& device, const KeyCacheShape& shape, Format latent, Format index) {
  if (shape.index_dim > kMostInt8Dims) index = Format::kF32;
  if (index == Format::kI8 && hopper_wants_f8_index(device, shape)) index = Format::kF8;
  auto cache = std::make_unique<DeviceKeyCache>();
  cache->shape_ = shape;
  Keys& keys = cache->keys_;
  keys.latent_format = latent;
  keys.index_format = index;
  keys.latent_dim = shape.latent_dim;
  keys.rope_dim = shape.rope_dim;
  keys.index_dim = shape.index_dim;
  if (shape.capacity < 0 || shape.capacity > INT32_MAX || shape.latent_dim > 1024)
    return DeviceError{false, "The GPU kernels take keys of up to 1024 values and 2^31 tokens; choose the CPU for this model."};
  keys.pitch = rounded_up(std::int64_t{shape.latent_dim} + shape.rope_dim, 8);
  keys.index_pitch = index == Format::kF32 ? shape.index_dim : shape.index_dim <= 32 ? 32 : shape.index_dim <= 64 ? 64 : 128;
  if (shape.index_dim == 0) keys.index_pitch = 0;
  const std::string what = "the keys of one layer";
  auto take = [&](DeviceMemory& memory, std::int64_t width, Format format) -> std::optional<DeviceError> {
    auto taken = take_memory(device, checked_product(shape.capacity, width, static_cast<std::int64_t>(element_bytes(format))), what);
    if (auto* why = std::get_if<DeviceError>(&taken)) return *why;
    memory = std::move(std::get<DeviceMemory>(taken));
    return std::nullopt;
  };
  if (auto why = take(cache->latent_, keys.pitch, latent)) return *why;
  if (auto why = take(cache->index_, keys.index_pitch, index)) return *why;
  if (auto why = take(cache->scales_, index != Format::kF32 && shape.index_dim > 0 ? 1 : 0, Format::kF32)) return *why;
  keys.latent = cache->latent_.data();
  keys.index = cache->index_.data();
  keys.index_scales = reinterpret_cast<float*>(cache->scales_.data());
  return std::unique_ptr<KeyCache>(std::move(cache));
}

ExpertTables::Table ExpertTables::find(Device& device, const FeedForwardWeights* experts, int n_experts) {
  const auto n = static_cast<std::size_t>(n_experts);
  std::vector<const void*> addresses(3 * n);
  for (std::size_t e = 0; e < n; ++e) {
    addresses[e] = resident(experts[e].gate).data();
    addresses[n + e] = resident(experts[e].up).data();
    addresses[2 * n + e] = resident(experts[e].down).data();
  }
  return put(device, experts, std::move(addresses));
}

ExpertTables::Table ExpertTables::put(Device& device, const FeedForwardWeights* experts, std::vector<const void*> addresses) {
  const std::size_t n = addresses.size() / 3;
  Entry& entry = entries_[experts];
  if (entry.addresses != addresses) {
    if (entry.memory.size_bytes() != addresses.size() * sizeof(void*)) {
      auto memory = take_memory(device, addresses.size() * sizeof(void*), "the list of experts");
      if (auto* why = std::get_if<DeviceError>(&memory)) {
        device.fail(*why);
        return {};
      }
      entry.memory = std::move(std::get<DeviceMemory>(memory));
    }
    if (!device.check(cudaMemcpyAsync(entry.memory.data(), addresses.data(), addresses.size() * sizeof(void*), cudaMemcpyHostToDevice,
                                      device.stream()),
                      "copying the list of experts"))
      return {};
    entry.addresses = std::move(addresses);
  }
  const auto* table = reinterpret_cast<const void* const*>(entry.memory.data());
  return {table, table + n, table + 2 * n};
}

}  // namespace kernels::cuda
