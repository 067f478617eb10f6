#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/forward/block_selector.h"
#include "engine/forward/key_store.h"
#include "engine/forward/workspace.h"
#include "engine/model/config.h"
#include "engine/model/weights.h"
#include "engine/trace/selection_sink.h"
#include "kernels/api/backend.h"

namespace engine {

/// How one step runs.
struct StepOptions {
  int top_k = 0;                                 // keys per query; 0: every visible key
  int keep_window = 0;                           // newest keys that are always selected
  std::span<const std::int64_t> keep_ranges;     // pairs of positions that are always selected
  /// Pairs of positions that are never selected, not even while every key would fit; a query keeps its own.
  std::span<const std::int64_t> mute_ranges = {};
  BlockSelector* blocks = nullptr;               // chooses in every layer instead of the indexer
  /// Positions, ascending, whose dense attention is computed to hear what share of it (0..1) the
  /// selected keys hold.
  std::span<const std::int64_t> recall_positions;
  std::function<void(int layer, float share)> on_recall;
  SelectionSink* sink = nullptr;
  std::function<bool()> stop;                    // polled between layers; true ends the step
  /// Residual stream after the embedding (layer -1) and after each layer, [n, n_hidden].
  std::function<void(int layer, std::span<const float> hidden)> inspect;
  /// What came out behind each weight, in the order of the computation; `tensor` is the weight's name in a
  /// checkpoint, without its layer. For finding where numbers break down.
  std::function<void(int layer, const char* tensor, std::span<const float> values)> watch;
};

enum class StepEnd { kDone, kStopped };

/// The forward pass of the whole family: latent attention in its absorbed form, lightning indexer,
/// dense and expert feed-forward. The only place that knows the architecture.
/// Sources: DeepSeek-V2 report (latent attention), DeepSeek-V3 report (router), DeepSeek-V3.2-Exp
/// report (indexer). Engine thread only.
class Transformer {
 public:
  /// Steps run up to `chunk` tokens. `config`, `weights` and `backend` must outlive the object.
  static Result<std::unique_ptr<Transformer>> create(kernels::Backend& backend, const ModelConfig& config,
                                                     const Weights& weights, std::int64_t chunk);

  /// Runs `tokens` at positions first, first + 1, ... against the keys before them, and stores their
  /// keys. `logits` receives the last logits.size() / n_vocab rows; it may be empty. After a stop or
  /// an error the rows of `tokens` in `keys` are undefined, those before are untouched.
  Result<StepEnd> step(std::span<const std::int32_t> tokens, std::int64_t first, KeyStore& keys,
                       const StepOptions& options, std::span<float> logits);

  /// The same for any number of tokens, all of them through one layer before the next one begins: every weight is needed
  /// once, and only the residual stream of all tokens is kept. For weights that have to come from elsewhere. After a
  /// stop the rows of all `tokens` are undefined. `on_layer` hears the share that is done, 0..1.
  Result<StepEnd> step_by_layer(std::span<const std::int32_t> tokens, std::int64_t first, KeyStore& keys, const StepOptions& options,
                                std::span<float> logits, const std::function<void(double)>& on_layer = {});

  bool streams_weights() const { return backend_.streams_weights(); }
  std::int64_t chunk() const { return space_.n_tokens; }
  const ModelConfig& config() const { return config_; }

 private:
  /// What a step hands from layer to layer.
  struct Step {
    std::int64_t n = 0;         // tokens that are still computed: the last ones of the chunk
    std::int64_t first = 0;     // position of the first of them
    std::int64_t skipped = 0;   // tokens of the chunk before them
    std::int64_t n_wanted = 0;  // tokens whose output anybody looks at
    KeyStore* keys = nullptr;
    const StepOptions* options = nullptr;
    bool is_selected = false;  // `indices` hold a selection, else every visible key is read
    const Activation* residual = nullptr;  // residual stream and selection of the chunk's tokens begin at
    const Activation* indices = nullptr;   // row `first_row` of these
    std::int64_t first_row = 0;
  };

  Transformer(kernels::Backend& backend, const ModelConfig& config, const Weights& weights, Workspace space);

  static bool is_stopped(const Step& step) { return step.options->stop && step.options->stop(); }
  /// The rows of an activation that belong to the tokens still computed.
  static kernels::TensorView rows(const Activation& activation, const Step& step, std::int64_t d1, std::int64_t d2 = 1,
                                  kernels::DType dtype = kernels::DType::kF32);
  kernels::TensorView hidden_rows(const Step& step) const;
  static kernels::TensorView index_rows(const Step& step, std::int64_t k);
  Step step_of(std::size_t n, std::int64_t first, KeyStore& keys, const StepOptions& options, std::span<const float> logits) const;
  Result<StepEnd> finish(const Step& step);
  /// After the last layer's keys are stored only the tokens whose logits
  /// are wanted matter: the others leave, and the result of the rest stays the same to the bit.
  static void keep_last_rows(Step& step);
  Result<void> attention(int index, Step& step);
  void project_queries(int index, const LayerWeights& layer, const Step& step);
  void store_keys(int index, const LayerWeights& layer, const Step& step);
  Result<void> select(int index, const LayerWeights& layer, Step& step);
  Result<void> select_blocks(int index, Step& step);
  void report_selection(int index, const Step& step);
  Result<void> measure_recall(int index, const Step& step);
  void feed_forward(int index, const LayerWeights& layer, const Step& step);
  void head(const Step& step, std::span<float> logits);
  void norm(const kernels::TensorView& in, const DeviceVector& weight, const kernels::TensorView& out);
  void rotate(const kernels::TensorView& values, std::int64_t first, bool is_interleaved);
  void inspect(int layer, const Step& step);
  void watch(int layer, const char* tensor, const kernels::TensorView& values, const Step& step);

  kernels::Backend& backend_;
  const ModelConfig& config_;
  const Weights& weights_;
  Workspace space_;
  std::vector<std::int32_t> host_indices_;
  std::vector<float> host_hidden_;
  std::vector<float> host_mass_;
  Activation all_hidden_;   // [tokens, n_hidden] of step_by_layer
  Activation all_indices_;  // [tokens, top_k]
  Activation mass_;  // [1, visible keys], while recall is measured
};

}  // namespace engine
