#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/base/result.h"
#include "engine/engine.h"
#include "engine/local/model_loader.h"
#include "engine/local/prefix_store.h"
#include "engine/local/selection_plan.h"
#include "engine/local/timeline.h"
#include "engine/sampling/find_constraint.h"
#include "engine/sampling/quote_constraint.h"
#include "engine/sampling/sampler.h"
#include "engine/tokenizer/generation_text.h"
#include "engine/trace/selection_recorder.h"
#include "engine/trace/trace_writer.h"

namespace engine {

/// One answer, from the prompt's tokens to text and trace: prefill of what is new, then token by token.
class GenerationRun {
 public:
  /// `store` may be null: then nothing is kept on disk.
  GenerationRun(LoadedModel& model, Timeline& timeline, const PrefixStore* store, std::int64_t context_length,
                GenerationObserver& observer, std::stop_token stop);
  ~GenerationRun();
  GenerationRun(const GenerationRun&) = delete;
  GenerationRun& operator=(const GenerationRun&) = delete;

  /// `earlier`: the trace of the run that left the timeline's keys behind; may be null.
  Result<Generation> run(const GenerationRequest& request, std::shared_ptr<const SelectionTrace> earlier);
  /// Leading tokens whose keys came from disk.
  std::int64_t n_restored() const { return n_restored_; }

 private:
  /// Takes keys from disk when they reach further than those in memory. `trace` is then what was selected
  /// while they were made, null where nobody kept it.
  void restore(std::span<const TokenId> prompt, const std::string& selection,
               std::shared_ptr<const SelectionTrace>& trace);
  /// The trace also goes to a file while the run goes on, when the request names one.
  void open_trace_file(const GenerationRequest& request, RecorderOptions& recording);
  void measure_recall(int n_wanted, std::int64_t n_cached, std::int64_t n_prompt);
  /// Reads the prompt; `logits_` holds its last row afterwards.
  Result<StepEnd> prefill(std::span<const TokenId> prompt, Generation& generation);
  void make_constraints(const GenerationRequest& request, std::optional<QuoteConstraint>& quotes, std::optional<FindConstraint>& finds) const;
  /// Whether the model alone would have taken another token.
  bool is_overruled(TokenId chosen) const;
  Result<void> decode(const GenerationRequest& request, Generation& generation);
  /// The token that follows: `forced`, or the sampler's choice among `allowed` where it is null.
  Result<Sampler::Choice> choose(Sampler& sampler, std::span<const TokenId> allowed, const TokenId* forced);
  void tell(std::vector<GenerationText::Piece> pieces);
  void finish(GenerationText& text, Generation& generation);
  bool is_end(TokenId id) const;

  LoadedModel& model_;
  Timeline& timeline_;
  const PrefixStore* store_;
  std::int64_t context_length_;
  std::int64_t n_restored_ = 0;
  GenerationObserver& observer_;
  std::stop_token stop_;
  StepOptions step_;
  std::vector<float> logits_;
  std::vector<std::int64_t> recall_positions_;
  std::unique_ptr<TraceWriter> trace_writer_;  // outlives the recorder
  std::unique_ptr<SelectionRecorder> recorder_;
};

}  // namespace engine
