#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "kernels/api/operations.h"
#include "kernels/api/tensor.h"

namespace kernels {

/// Why a device could not do what was asked, in words a user can act on.
struct DeviceError {
  bool out_of_memory = false;
  std::string message;
};

template <typename T>
using DeviceResult = std::variant<T, DeviceError>;

/// Weights that came to a device because they were needed.
struct StreamCounts {
  std::int64_t n_bytes = 0;   // over the bus
  std::int64_t n_hits = 0;    // experts that were there already
  std::int64_t n_misses = 0;
};

/// Device operations, one function each. Wrong shapes are programmer errors and abort with both
/// shapes. One thread at a time calls a backend. Operations may run behind the call until
/// `synchronize`; the first error since the last call is reported there.
///
/// Cancel: `set_stop` gives a function that long operations poll at least every 50 ms; once it
/// returns true they return early and their outputs are undefined.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual std::string name() const = 0;  // "CPU, 2 threads, AVX-512 BF16 VNNI"
  virtual std::size_t memory_free_bytes() const = 0;
  /// Rows of a prompt's chunk that keep the device busy and still let a stop be seen within 0.2 s.
  virtual std::int64_t chunk_rows() const { return 256; }
  /// Whether some weights are not on the device and come when they are needed.
  virtual bool streams_weights() const { return false; }
  virtual StreamCounts stream_counts() const { return {}; }

  virtual DeviceResult<std::unique_ptr<Buffer>> allocate(std::size_t n_bytes) = 0;
  virtual DeviceResult<std::unique_ptr<Matrix>> load_matrix(const MatrixSource& source) = 0;
  virtual DeviceResult<std::unique_ptr<KeyCache>> make_key_cache(const KeyCacheShape& shape) = 0;

  virtual void copy_to_device(const void* host, TensorView device) = 0;
  virtual void copy_to_host(TensorView device, void* host) = 0;

  /// Rows [first, first + n) of both caches, as f32 [n, latent+rope] and [n, index_dim]: to save a
  /// prefix and to load it again. Exact: save then load gives bit-identical attention.
  virtual std::size_t key_row_bytes(const KeyCache& cache) const = 0;
  virtual void save_keys(const KeyCache& cache, std::int64_t first, std::int64_t n, std::byte* host) = 0;
  virtual void load_keys(KeyCache& cache, std::int64_t first, std::int64_t n, const std::byte* host) = 0;

  virtual void embed(const EmbedArgs& args) = 0;
  virtual void matmul(const MatmulArgs& args) = 0;
  virtual void matmul_heads(const MatmulHeadsArgs& args) = 0;
  virtual void rms_norm(const RmsNormArgs& args) = 0;
  virtual void layer_norm(const LayerNormArgs& args) = 0;
  virtual void rotate(const RotateArgs& args) = 0;
  virtual void hadamard(const HadamardArgs& args) = 0;
  virtual void store_keys(const StoreKeysArgs& args) = 0;
  virtual void select_keys(const SelectKeysArgs& args) = 0;
  virtual void score_keys(const ScoreKeysArgs& args) = 0;
  virtual void attention(const AttentionArgs& args) = 0;
  virtual void attention_mass(const AttentionMassArgs& args) = 0;
  virtual void route_experts(const RouteExpertsArgs& args) = 0;
  virtual void feed_forward(const FeedForwardArgs& args) = 0;
  virtual void run_experts(const RunExpertsArgs& args) = 0;
  virtual void add(const AddArgs& args) = 0;

  /// Whether select_keys honours SelectKeysArgs::mute_ranges.
  virtual bool can_mute() const { return false; }

  /// Of the last `select_keys`: the share of its time (0..1) that went to choosing among the scores that passed
  /// the threshold. 0 where nobody looks.
  virtual double choosing_share() const { return 0; }

  virtual void set_stop(std::function<bool()> stop) = 0;
  virtual std::optional<DeviceError> synchronize() = 0;
};

/// Plain f32 loops, one thread, no packing: what every other backend is held against.
std::unique_ptr<Backend> make_reference_backend();

/// Arithmetic of the matrix products. kFastest: kBF16 where the processor multiplies bf16, else kF32.
enum class Compute : std::uint8_t { kF32, kBF16, kInt8, kFastest };

struct CpuOptions {
  int n_threads = 0;  // 0: one per physical core
  /// kF32: f32 throughout. kBF16: weights, activations of the products and cached latents in bf16, indexer
  /// keys in int8 where the processor has the instructions; sums, norms, softmax and the router in f32.
  /// kInt8: weights and activations of the products in int8 with one scale per 64 values, which takes 9/16 of
  /// the memory of bf16; keys as with kFastest.
  Compute compute = Compute::kF32;
  bool exact_selection = false;  // indexer keys stay f32 whatever `compute` says
};
std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options = {});

struct CudaOptions {
  int device = 0;
  /// kF32: f32 throughout, without tensor cores. The others: weights, activations of the products and cached latents in
  /// bf16, indexer keys in int8 (of 128 values on Hopper in FP8, as the model family has them); sums, norms, softmax and
  /// the router in f32.
  Compute compute = Compute::kFastest;
  bool exact_selection = false;  // indexer keys stay f32 whatever `compute` says
  /// What all weights will take on the card, 0: not known. When that is too much, experts that have an owner
  /// (MatrixSource::owner) stay in the computer's memory and come when they are needed.
  std::size_t weight_bytes = 0;
  /// The card's memory for weights that stay there, and for those that come; 0: chosen from `weight_bytes`.
  std::size_t resident_bytes = 0;
  std::size_t stream_bytes = 0;
};
/// The GPU, or why there is none (no driver, no GPU, or a build without CUDA).
DeviceResult<std::unique_ptr<Backend>> make_cuda_backend(const CudaOptions& options = {});

}  // namespace kernels
