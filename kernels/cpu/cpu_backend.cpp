#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "kernels/api/backend.h"
#include "kernels/cpu/cpu_operations.h"
#include "kernels/reference/checks.h"
#include "kernels/reference/number_formats.h"
#include "kernels/reference/row_operations.h"

namespace kernels {
namespace {

using cpu::PackedMatrix;
using cpu::PanelKeyCache;

constexpr std::int64_t kValuesPerTask = 8192;  // cheap row operations: below this a second thread costs more

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options)
      : pool_(options.n_threads > 0 ? options.n_threads : cpu::physical_cores()),
        kernels_(cpu::best_tile_kernels()) {
    if (options.compute == Compute::kF32) return;
    if (options.compute == Compute::kInt8) weights_ = cpu::Format::kI8;
    if (options.compute != Compute::kBF16 && !kernels_.native_bf16) return;
    if (options.compute != Compute::kInt8) weights_ = cpu::Format::kBF16;
    keys_.latent = cpu::Format::kBF16;
    if (!options.exact_selection && kernels_.score_i8 != nullptr) keys_.index = cpu::Format::kI8;
  }

  std::string name() const override {
    const int n = pool_.n_threads();
    return "CPU, " + std::to_string(n) + (n == 1 ? " thread, " : " threads, ") + kernels_.name +
           (weights_ == cpu::Format::kF32 ? ", f32" : weights_ == cpu::Format::kI8 ? ", int8" : ", bf16");
  }
  std::size_t memory_free_bytes() const override { return host_memory_free_bytes(); }

  DeviceResult<std::unique_ptr<Buffer>> allocate(std::size_t n_bytes) override {
    auto buffer = HostBuffer::create(n_bytes);
    if (buffer == nullptr) return out_of_memory("a working buffer", n_bytes);
    return std::unique_ptr<Buffer>(std::move(buffer));
  }
  DeviceResult<std::unique_ptr<Matrix>> load_matrix(const MatrixSource& source) override {
    if (const char* fault = matrix_source_fault(source))
      return DeviceError{false, std::string("A weight matrix cannot be loaded: ") + fault + "."};
    auto matrix = PackedMatrix::pack(source, source.keep_f32 ? cpu::Format::kF32 : weights_, pool_);
    if (matrix == nullptr)
      return out_of_memory("a weight matrix",
                           checked_product(source.n_out, source.n_in, 4).value_or(SIZE_MAX));
    return std::unique_ptr<Matrix>(std::move(matrix));
  }
  DeviceResult<std::unique_ptr<KeyCache>> make_key_cache(const KeyCacheShape& shape) override {
    auto cache = PanelKeyCache::create(shape, keys_, kernels_);
    if (cache == nullptr) {
      const std::int64_t row = std::int64_t{shape.latent_dim} + shape.rope_dim + shape.index_dim;
      return out_of_memory("the keys of one layer",
                           checked_product(shape.capacity, row, 4).value_or(SIZE_MAX));
    }
    return std::unique_ptr<KeyCache>(std::move(cache));
  }

  void copy_to_device(const void* host, TensorView device) override {
    std::memcpy(device.data, host, static_cast<std::size_t>(device.n_elements()) * size_of(device.dtype));
  }
  void copy_to_host(TensorView device, void* host) override {
    std::memcpy(host, device.data, static_cast<std::size_t>(device.n_elements()) * size_of(device.dtype));
  }

  std::size_t key_row_bytes(const KeyCache& cache) const override {
    return static_cast<std::size_t>(cpu::panels(&cache).row_dim() + cpu::panels(&cache).shape().index_dim) *
           4;
  }
  void save_keys(const KeyCache& cache, std::int64_t first, std::int64_t n, std::byte* host) override {
    const PanelKeyCache& keys = cpu::panels(&cache);
    require("save_keys", first >= 0 && n >= 0 && first + n <= keys.capacity(), "the rows leave the cache");
    auto* out = reinterpret_cast<float*>(host);
    for (std::int64_t s = 0; s < n; ++s) keys.get_latent(first + s, out + s * keys.row_dim());
    out += n * keys.row_dim();
    for (std::int64_t s = 0; s < n; ++s) keys.get_index(first + s, out + s * keys.shape().index_dim);
  }
  void load_keys(KeyCache& cache, std::int64_t first, std::int64_t n, const std::byte* host) override {
    auto& keys = static_cast<PanelKeyCache&>(cache);
    require("load_keys", first >= 0 && n >= 0 && first + n <= keys.capacity(), "the rows leave the cache");
    const auto* in = reinterpret_cast<const float*>(host);
    for (std::int64_t s = 0; s < n; ++s)
      keys.set_latent(first + s, 0, in + s * keys.row_dim(), keys.row_dim());
    in += n * keys.row_dim();
    for (std::int64_t s = 0; s < n; ++s) keys.set_index(first + s, in + s * keys.shape().index_dim);
  }

  void embed(const EmbedArgs& args) override {
    check(args);
    const std::int64_t n = args.table->n_in();
    over_rows(args.out.shape[0], n, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t t = first; t < last; ++t)
        cpu::packed(args.table).row(args.ids[t], args.out.as<float>() + t * n);
    });
  }
  void matmul(const MatmulArgs& args) override { run(args, cpu::matmul); }
  void matmul_heads(const MatmulHeadsArgs& args) override { run(args, cpu::matmul_heads); }
  void feed_forward(const FeedForwardArgs& args) override { run(args, cpu::feed_forward); }
  void run_experts(const RunExpertsArgs& args) override { run(args, cpu::run_experts); }
  void select_keys(const SelectKeysArgs& args) override { run_on_keys(args, cpu::select_keys); }
  void score_keys(const ScoreKeysArgs& args) override { run_on_keys(args, cpu::score_keys); }
  void attention(const AttentionArgs& args) override { run_on_keys(args, cpu::attention); }
  void attention_mass(const AttentionMassArgs& args) override { run_on_keys(args, cpu::attention_mass); }

  void rms_norm(const RmsNormArgs& args) override {
    by_rows(args, args.in.shape[0], args.in.shape[1], rows::rms_norm);
  }
  void layer_norm(const LayerNormArgs& args) override {
    by_rows(args, args.in.shape[0], args.in.shape[1], rows::layer_norm);
  }
  void rotate(const RotateArgs& args) override {
    // A sine and a cosine take as long as rotating a few dozen values.
    by_rows(args, args.values.shape[0], args.values.shape[1] * args.values.shape[2] + 32 * args.rope_dim, rows::rotate);
  }
  void hadamard(const HadamardArgs& args) override {
    by_rows(args, args.values.shape[0], args.values.shape[1], rows::hadamard);
  }
  void route_experts(const RouteExpertsArgs& args) override {
    by_rows(args, args.logits.shape[0], 16 * args.logits.shape[1], rows::route_experts);
  }

  void store_keys(const StoreKeysArgs& args) override {
    require("store_keys", args.cache != nullptr, "the cache is missing");
    auto& cache = static_cast<PanelKeyCache&>(*args.cache);
    check(args, cache.shape());
    const int latent_dim = cache.shape().latent_dim;
    const int rope_dim = cache.shape().rope_dim;
    const int index_dim = cache.shape().index_dim;
    over_rows(args.latent.shape[0], 2 * cache.row_dim(), [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t t = first; t < last; ++t) {
        const std::int64_t position = args.first_position + t;
        cache.set_latent(position, 0, args.latent.as<const float>() + t * latent_dim, latent_dim);
        cache.set_latent(position, latent_dim, args.rope.as<const float>() + t * rope_dim, rope_dim);
        if (index_dim > 0) cache.set_index(position, args.index_keys.as<const float>() + t * index_dim);
      }
    });
  }
  void add(const AddArgs& args) override {
    check(args);
    over_rows(args.in.n_elements(), 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) args.out.as<float>()[i] += args.in.as<const float>()[i];
    });
  }

  bool can_mute() const override { return true; }
  double choosing_share() const override { return choosing_share_; }
  void set_stop(std::function<bool()> stop) override { stop_.set(std::move(stop)); }
  std::optional<DeviceError> synchronize() override { return std::exchange(error_, std::nullopt); }

 private:
  template <typename Args>
  void run(const Args& args, void (*operation)(cpu::Cpu&, const Args&)) {
    check(args);
    guarded(args, operation);
  }
  template <typename Args>
  void run_on_keys(const Args& args, void (*operation)(cpu::Cpu&, const Args&)) {
    require("attention or indexer", args.cache != nullptr, "the cache is missing");
    check(args, cpu::panels(args.cache).shape());
    guarded(args, operation);
  }
  /// Working memory is taken before tasks start, so running out of it arrives here.
  template <typename Args>
  void guarded(const Args& args, void (*operation)(cpu::Cpu&, const Args&)) {
    stop_.reset();
    cpu::Cpu context{pool_, kernels_, stop_, scratch_, choosing_share_};
    try {
      operation(context, args);
    } catch (const std::bad_alloc&) {
      if (!error_) error_ = out_of_memory("the work on one chunk of the prompt", 0);
    }
  }
  template <typename Args>
  void by_rows(const Args& args, std::int64_t n_rows, std::int64_t row_cost,
               void (*operation)(const Args&, std::int64_t, std::int64_t)) {
    check(args);
    over_rows(n_rows, row_cost, [&](std::int64_t first, std::int64_t last) { operation(args, first, last); });
  }
  template <typename Range>
  void over_rows(std::int64_t n_rows, std::int64_t row_cost, const Range& range) {
    const std::int64_t per_task =
        std::max<std::int64_t>(1, kValuesPerTask / std::max<std::int64_t>(1, row_cost));
    pool_.run((n_rows + per_task - 1) / per_task,
              [&](std::int64_t i, int) { range(i * per_task, std::min(n_rows, (i + 1) * per_task)); });
  }

  cpu::ThreadPool pool_;
  const cpu::TileKernels& kernels_;
  cpu::Format weights_ = cpu::Format::kF32;
  cpu::KeyFormats keys_;
  cpu::StopFlag stop_;
  cpu::Scratch scratch_;
  double choosing_share_ = 0;
  std::optional<DeviceError> error_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  return std::make_unique<CpuBackend>(options);
}

}  // namespace kernels
