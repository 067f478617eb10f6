#include "engine/local/bench.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>

#include "engine/forward/block_selector.h"
#include "engine/local/model_loader.h"
#include "engine/local/selection_plan.h"

namespace engine {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Resident pages of this process, in bytes; 0 where the system does not say.
std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  file >> total >> resident;
  return file ? resident * 4096 : 0;
}

class Bench {
 public:
  Bench(LoadedModel& model, const BenchOptions& options, std::stop_token stop)
      : model_(model), options_(options), stop_(std::move(stop)), backend_(*model.backend), keys_(backend_, model.config), blocks_(backend_, model.config) {
    for (std::int64_t i = 0; i <= options.contexts.back() + options.decode_tokens; ++i)
      tokens_.push_back(static_cast<std::int32_t>((i * 7919 + i / 13 * 104729) % model.config.n_vocab));
    logits_.resize(static_cast<std::size_t>(model.config.n_vocab));
  }

  Result<void> prepare() {
    TRY_ASSIGN(transformer_, Transformer::create(backend_, model_.config, model_.weights, model_.transformer->chunk()));
    return keys_.reserve(static_cast<std::int64_t>(tokens_.size()), 0);
  }

  /// Reads the prompt from `n_read_` to `context` in the first mode. Gives tokens per second.
  Result<double> walk(std::int64_t context) {
    const auto start = std::chrono::steady_clock::now();
    const std::int64_t n = context - n_read_;
    TRY(read(options_.modes.front(), n_read_, n, {}));
    n_read_ = context;
    return static_cast<double>(n) / seconds_since(start);
  }

  Result<BenchRow> measure(SelectionMode mode, std::int64_t context) {
    BenchRow row;
    row.mode = mode;
    row.context = context;
    const std::int64_t n = std::min(options_.probe, context);
    // Summaries of blocks are made once per prompt, not per token.
    if (mode == SelectionMode::kBlocks) TRY(read(mode, context - 1, 1, {}));
    backend_.reset();
    const double cpu_start = process_cpu_seconds();
    const auto start = std::chrono::steady_clock::now();
    TRY(read(mode, context - n, n, logits_));
    row.prefill_tokens_per_second = static_cast<double>(n) / seconds_since(start);
    fill_parts(row, process_cpu_seconds() - cpu_start, n);
    const auto decode_start = std::chrono::steady_clock::now();
    for (int i = 0; i < options_.decode_tokens; ++i) TRY(read(mode, context + i, 1, logits_));
    row.decode_tokens_per_second = options_.decode_tokens / seconds_since(decode_start);
    row.decode_gb_per_second = row.decode_tokens_per_second * decode_bytes(mode, context) * 1e-9;
    row.key_bytes = key_bytes(context);
    row.resident_bytes = resident_bytes();
    row.expanded_core_ms_per_token = expanded_.per_token * 1e3;
    row.expanded_core_seconds = expanded_.seconds;
    add_to_prompt(row);
    return row;
  }

  /// Dense attention with keys written out, of as many queries as a probe has; one head stands for all.
  void measure_expanded(std::int64_t context) {
    const ModelConfig& config = model_.config;
    const std::int64_t n = std::min(options_.probe, context);
    const double seconds = kernels::expanded_attention_seconds(config.nope_dim + config.rope_dim, config.value_dim, context, n, false);
    expanded_.add(context, seconds * static_cast<double>(config.n_heads) * static_cast<double>(config.n_layers) / static_cast<double>(n));
  }

 private:
  Result<void> read(SelectionMode mode, std::int64_t first, std::int64_t n, std::span<float> logits) {
    GenerationRequest request;
    request.selection.mode = mode;
    request.selection.top_k = options_.top_k;
    TRY_ASSIGN(const SelectionPlan plan, plan_selection(request, model_.config));
    StepOptions step;
    step.top_k = plan.top_k;
    step.keep_window = plan.keep_window;
    step.keep_ranges = plan.keep_ranges;
    step.stop = [this] { return stop_.stop_requested(); };
    if (plan.mode == SelectionMode::kBlocks) step.blocks = &blocks_;
    for (std::int64_t done = 0; done < n;) {
      const std::int64_t part = std::min(transformer_->chunk(), n - done);
      const auto tokens = std::span(tokens_).subspan(static_cast<std::size_t>(first + done), static_cast<std::size_t>(part));
      TRY_ASSIGN(const StepEnd end, transformer_->step(tokens, first + done, keys_, step, done + part == n ? logits : std::span<float>{}));
      if (end == StepEnd::kStopped) return Error{ErrorCode::kCancelled, "The measurement was cancelled."};
      done += part;
    }
    return {};
  }

  void fill_parts(BenchRow& row, double core_seconds, std::int64_t n) {
    double counted = 0;
    for (int i = 0; i < kWorkParts; ++i) {
      const WorkMeter& meter = backend_.meter(static_cast<WorkPart>(i));
      const auto at = static_cast<std::size_t>(i);
      row.share[at] = meter.core_seconds / core_seconds;
      row.giga_per_second[at] = meter.core_seconds > 0 ? meter.operations / meter.core_seconds * 1e-9 : 0;
      counted += meter.core_seconds;
    }
    row.share[static_cast<std::size_t>(WorkPart::kOther)] += std::max(0.0, core_seconds - counted) / core_seconds;
    row.core_ms_per_token = core_seconds / static_cast<double>(n) * 1e3;
    double attention = 0;
    for (const WorkPart part : {WorkPart::kIndexer, WorkPart::kTopK, WorkPart::kAttention}) attention += backend_.meter(part).core_seconds;
    // Blocks are chosen outside of the backend.
    if (row.mode == SelectionMode::kBlocks) attention += std::max(0.0, core_seconds - counted);
    row.attention_core_ms_per_token = attention / static_cast<double>(n) * 1e3;
  }

  struct Prompt {
    std::int64_t context = 0;
    double per_token = 0;
    double seconds = 0;

    /// Trapezoids between contexts: the cost of a token is linear in the tokens before it.
    void add(std::int64_t at, double here) {
      seconds += static_cast<double>(at - context) * (per_token + here) / 2;
      context = at;
      per_token = here;
    }
  };

  void add_to_prompt(BenchRow& row) {
    Prompt& prompt = prompts_[row.mode];
    prompt.add(row.context, row.attention_core_ms_per_token * 1e-3);
    row.attention_core_seconds = prompt.seconds;
  }

  /// What one written token has to read: the weights it uses, the keys it scores and those it attends to.
  double decode_bytes(SelectionMode mode, std::int64_t context) {
    const ModelConfig& config = model_.config;
    double n = static_cast<double>(model_.weights.size_bytes);
    if (model_.weights.head) n -= static_cast<double>(model_.weights.embedding->size_bytes());
    for (const LayerWeights& layer : model_.weights.layers) {
      double experts = 0;
      for (const FeedForward& expert : layer.experts)
        experts += static_cast<double>(expert.gate->size_bytes() + expert.up->size_bytes() + expert.down->size_bytes());
      if (!layer.experts.empty()) n -= experts * (1.0 - static_cast<double>(config.experts.n_used) / config.experts.n_experts);
    }
    const double row = 2.0 * static_cast<double>(config.kv_rank + config.rope_dim);  // bf16
    const double index_row = config.has_indexer() ? static_cast<double>(config.indexer.head_dim) : 0;
    const bool is_dense = mode == SelectionMode::kDense;
    const auto n_read = static_cast<double>(is_dense ? context : std::min<std::int64_t>(context, config.indexer.top_k));
    return n + config.n_layers * (n_read * row + (is_dense ? 0 : static_cast<double>(context) * index_row));
  }

  std::int64_t key_bytes(std::int64_t context) {
    std::int64_t n = 0;
    for (int i = 0; i < keys_.n_layers(); ++i) n += static_cast<std::int64_t>(keys_.layer(i).size_bytes());
    return static_cast<std::int64_t>(static_cast<double>(n) / static_cast<double>(keys_.capacity()) * static_cast<double>(context));
  }

  LoadedModel& model_;
  const BenchOptions& options_;
  std::stop_token stop_;
  TimedBackend backend_;
  KeyStore keys_;
  BlockSelector blocks_;
  std::unique_ptr<Transformer> transformer_;
  std::vector<std::int32_t> tokens_;
  std::vector<float> logits_;
  std::int64_t n_read_ = 0;
  std::map<SelectionMode, Prompt> prompts_;
  Prompt expanded_;
};

}  // namespace

Result<BenchReport> run_bench(const std::filesystem::path& path, const LocalEngineOptions& options, const BenchOptions& bench,
                              const std::function<void(const BenchReport&, const BenchRow&)>& on_row, std::stop_token stop) {
  if (bench.contexts.empty() || bench.modes.empty() || bench.contexts.front() < 1 || bench.probe < 1 || bench.decode_tokens < 1 ||
      !std::is_sorted(bench.contexts.begin(), bench.contexts.end())) {
    return Error{ErrorCode::kInvalidInput, "The contexts to measure must be ascending numbers of tokens, and there must be a mode."};
  }
  TRY_ASSIGN(const std::unique_ptr<LoadedModel> model, load_model(path, options, {}, stop));
  if (bench.contexts.back() + bench.decode_tokens > model->config.context_length) {
    return Error{ErrorCode::kInvalidInput, "The model's context is " + std::to_string(model->config.context_length) +
                                               " tokens, prompt and answer together; measure shorter prompts."};
  }
  BenchReport report;
  report.model = path.filename().string();
  report.device = model->backend->name();
  report.ceilings = kernels::measure_cpu_ceilings();
  report.weight_bytes = model->weights.size_bytes;
  model->backend->set_stop([stop] { return stop.stop_requested(); });
  Bench run(*model, bench, stop);
  TRY(run.prepare());
  for (const std::int64_t context : bench.contexts) {
    TRY_ASSIGN(const double interval, run.walk(context));
    run.measure_expanded(context);
    for (const SelectionMode mode : bench.modes) {
      TRY_ASSIGN(BenchRow row, run.measure(mode, context));
      if (mode == bench.modes.front()) row.interval_tokens_per_second = interval;
      report.rows.push_back(row);
      if (on_row) on_row(report, row);
    }
  }
  return report;
}

}  // namespace engine
