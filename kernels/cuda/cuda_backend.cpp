#include "kernels/api/backend.h"

#include <utility>

#include "kernels/cuda/cuda_operations.h"
#include "kernels/plan/card_share.h"
#include "kernels/reference/checks.h"
#include "kernels/reference/number_formats.h"

namespace kernels {
namespace {

using cuda::Device;
using cuda::DeviceKeyCache;
using cuda::DeviceMatrix;
using cuda::Format;
using cuda::resident;

class CudaBackend final : public Backend {
 public:
  CudaBackend(std::unique_ptr<Device> device, const CudaOptions& options) : device_(std::move(device)), options_(options) {
    const CardShare share = share_card(device_->memory_free_bytes(), options.weight_bytes);
    if (options_.resident_bytes == 0) options_.resident_bytes = share.resident_bytes;
    if (options_.stream_bytes == 0) options_.stream_bytes = share.stream_bytes;
    if (options.compute == Compute::kF32) return;
    weights_ = Format::kBF16;
    if (!options.exact_selection) index_ = Format::kI8;
  }

  std::string name() const override { return device_->name() + (weights_ == Format::kF32 ? ", f32" : ", bf16"); }
  std::size_t memory_free_bytes() const override { return device_->memory_free_bytes(); }
  std::int64_t chunk_rows() const override { return 2048; }
  bool streams_weights() const override { return streams_weights_; }
  StreamCounts stream_counts() const override { return streamer_ != nullptr ? streamer_->counts() : StreamCounts{}; }

  DeviceResult<std::unique_ptr<Buffer>> allocate(std::size_t n_bytes) override {
    auto memory = cuda::take_memory(*device_, n_bytes, "a working buffer");
    if (auto* why = std::get_if<DeviceError>(&memory)) return *why;
    return std::unique_ptr<Buffer>(std::make_unique<cuda::DeviceBuffer>(std::move(std::get<cuda::DeviceMemory>(memory))));
  }
  DeviceResult<std::unique_ptr<Matrix>> load_matrix(const MatrixSource& source) override {
    if (const char* fault = matrix_source_fault(source))
      return DeviceError{false, std::string("A weight matrix cannot be loaded: ") + fault + "."};
    const Format format = source.keep_f32 ? Format::kF32 : weights_;
    const auto n_bytes = static_cast<std::size_t>(source.n_out) * static_cast<std::size_t>(source.n_in) * (format == Format::kF32 ? 4 : 2);
    if (source.owner != nullptr && options_.resident_bytes > 0 && resident_bytes_ + n_bytes > options_.resident_bytes) {
      streams_weights_ = true;
      return DeviceMatrix::leave(*device_, source, format);
    }
    resident_bytes_ += n_bytes;
    return DeviceMatrix::load(*device_, source, format);
  }
  DeviceResult<std::unique_ptr<KeyCache>> make_key_cache(const KeyCacheShape& shape) override {
    return DeviceKeyCache::create(*device_, shape, weights_, index_);
  }

  void copy_to_device(const void* host, TensorView device) override {
    device_->check(cudaMemcpyAsync(device.data, host, bytes_of(device), cudaMemcpyHostToDevice, device_->stream()), "copying to the GPU");
  }
  void copy_to_host(TensorView device, void* host) override {
    device_->check(cudaMemcpyAsync(host, device.data, bytes_of(device), cudaMemcpyDeviceToHost, device_->stream()), "copying from the GPU");
    device_->wait();
  }

  std::size_t key_row_bytes(const KeyCache& cache) const override { return static_cast<std::size_t>(resident(&cache).row_floats()) * 4; }
  void save_keys(const KeyCache& cache, std::int64_t first, std::int64_t n, std::byte* host) override {
    require("save_keys", first >= 0 && n >= 0 && first + n <= cache.capacity(), "the rows leave the cache");
    cuda::save_keys(*device_, resident(&cache), first, n, host);
  }
  void load_keys(KeyCache& cache, std::int64_t first, std::int64_t n, const std::byte* host) override {
    require("load_keys", first >= 0 && n >= 0 && first + n <= cache.capacity(), "the rows leave the cache");
    cuda::load_keys(*device_, resident(&cache), first, n, host);
  }

  void embed(const EmbedArgs& args) override {
    check(args);
    const DeviceMatrix& table = resident(args.table);
    const std::int64_t n = args.out.shape[0];
    cuda::Work work(*device_);
    auto* ids = work.take<std::int32_t>(n);
    if (ids == nullptr) {
      device_->check(cudaErrorMemoryAllocation, "the numbers of the tokens");
      return;
    }
    if (device_->check(cudaMemcpyAsync(ids, args.ids, static_cast<std::size_t>(n) * 4, cudaMemcpyHostToDevice, device_->stream()), "embedding"))
      device_->check(cuda::embed_rows(device_->queue(), table.format(), table.data(), table.pitch(), ids, n, table.n_in(), args.out.as<float>()), "embedding");
  }
  void matmul(const MatmulArgs& args) override {
    check(args);
    cuda::matmul(*device_, args);
  }
  void matmul_heads(const MatmulHeadsArgs& args) override {
    check(args);
    cuda::matmul_heads(*device_, args);
  }
  void feed_forward(const FeedForwardArgs& args) override {
    check(args);
    cuda::feed_forward(*device_, args);
  }
  void run_experts(const RunExpertsArgs& args) override {
    check_shapes(args);
    cuda::run_experts(*device_, tables_, streamer_, options_.stream_bytes, args);
  }
  void rms_norm(const RmsNormArgs& args) override { launch(args, cuda::rms_norm, "a norm"); }
  void layer_norm(const LayerNormArgs& args) override { launch(args, cuda::layer_norm, "a norm"); }
  void rotate(const RotateArgs& args) override { launch(args, cuda::rotate, "rotating"); }
  void hadamard(const HadamardArgs& args) override { launch(args, cuda::hadamard, "the Hadamard transform"); }
  void route_experts(const RouteExpertsArgs& args) override { launch(args, cuda::route_experts, "routing"); }
  void add(const AddArgs& args) override { launch(args, cuda::add, "adding"); }

  void store_keys(const StoreKeysArgs& args) override {
    require("store_keys", args.cache != nullptr, "the cache is missing");
    const DeviceKeyCache& cache = resident(args.cache);
    check(args, cache.shape());
    device_->check(cuda::write_keys(device_->queue(), cache.keys(), args.first_position, args.latent.shape[0], args.latent.as<const float>(),
                                    cache.shape().latent_dim, args.rope.as<const float>(), cache.shape().rope_dim,
                                    args.index_keys.as<const float>()),
                   "storing keys");
  }
  void select_keys(const SelectKeysArgs& args) override { on_keys(args, cuda::select_keys); }
  void score_keys(const ScoreKeysArgs& args) override { on_keys(args, cuda::score_keys); }
  void attention(const AttentionArgs& args) override { on_keys(args, cuda::attention); }
  void attention_mass(const AttentionMassArgs& args) override { on_keys(args, cuda::attention_mass); }

  void set_stop(std::function<bool()> stop) override { device_->set_stop(std::move(stop)); }
  std::optional<DeviceError> synchronize() override {
    device_->wait();
    return device_->take_error();
  }

 private:
  static std::size_t bytes_of(const TensorView& view) { return static_cast<std::size_t>(view.n_elements()) * size_of(view.dtype); }

  template <typename Args>
  void launch(const Args& args, cudaError_t (*kernel)(const cuda::Queue&, const Args&), const char* doing) {
    check(args);
    device_->check(kernel(device_->queue(), args), doing);
  }
  template <typename Args>
  void on_keys(const Args& args, void (*operation)(Device&, const Args&)) {
    require("attention or indexer", args.cache != nullptr, "the cache is missing");
    check(args, resident(args.cache).shape());
    operation(*device_, args);
  }

  std::unique_ptr<Device> device_;
  CudaOptions options_;
  std::size_t resident_bytes_ = 0;
  bool streams_weights_ = false;
  cuda::ExpertTables tables_;
  std::unique_ptr<cuda::ExpertStreamer> streamer_;  // goes before the device
  Format weights_ = Format::kF32;
  Format index_ = Format::kF32;
};

}  // namespace

DeviceResult<std::unique_ptr<Backend>> make_cuda_backend(const CudaOptions& options) {
  auto opened = Device::open(options.device);
  if (auto* why = std::get_if<DeviceError>(&opened)) return *why;
  return std::unique_ptr<Backend>(std::make_unique<CudaBackend>(std::move(std::get<std::unique_ptr<Device>>(opened)), options));
}

}  // namespace kernels
