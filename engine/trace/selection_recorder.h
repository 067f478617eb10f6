#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/trace/selection_sink.h"
#include "engine/trace/selection_trace.h"
#include "engine/trace/trace_writer.h"

namespace engine {

struct RecorderOptions {
  TraceLevel level = TraceLevel::kBlocks;
  SelectionMode mode = SelectionMode::kIndexer;
  int n_layers = 0;
  int top_k = 0;                        // 0: dense
  std::int64_t n_prompt_tokens = 0;
  std::int64_t n_cached_tokens = 0;     // leading prompt tokens that are not computed in this run
  /// The trace of the run that left the cached prefix behind, same model and selection; may be null.
  /// Its counts are taken over for the prefix, so that a second question has a whole map.
  std::shared_ptr<const SelectionTrace> earlier;
  std::int64_t budget_bytes = std::int64_t{256} << 20;
  TraceWriter* writer = nullptr;        // gets everything as soon as it is final; outlives the recorder
  std::string sources_json = {};        // for the writer
  bool starts_in_thinking = false;      // for the writer, until begin_answer
};

/// Turns the selections of one run into a SelectionTrace of bounded size.
///
/// Memory stays within budget_bytes: half of it for the prefill counts (rows are made of 128, 256, ...
/// queries when 64 would not fit), the rest for the generated tokens. When an answer outgrows that, the
/// bitmaps of its oldest tokens are dropped first and SelectionTrace::first_recorded says so.
/// One recorder per run; engine thread only.
class SelectionRecorder final : public SelectionSink {
 public:
  /// Fails with kInvalidInput for impossible sizes and with kOutOfMemory when even the coarsest rows
  /// do not fit.
  static Result<std::unique_ptr<SelectionRecorder>> create(const RecorderOptions& options);

  void on_selection(int layer, std::int64_t first_query, std::int64_t n_queries, std::int64_t k,
                    const std::int32_t* indices) override;

  /// The blocks that generated token `token` selected, per layer; valid until the next call of
  /// on_selection. Empty when nothing was recorded for it (level off, or no such token yet).
  std::span<const BlockSet> token_selection(std::int64_t token) const;

  /// From `token` on the answer is written. For the file alone: `take` gets the number again.
  /// Calls after the first change nothing.
  void begin_answer(std::int64_t token) { first_answer_ = first_answer_ < 0 ? token : first_answer_; }

  /// One sampled query kept this share (0..1) of its dense attention mass in `layer`.
  void add_recall(int layer, float share);

  std::int64_t bytes() const { return prefill_bytes_ + decode_bytes_ + exact_bytes_; }

  /// Ends the recording: `n_generated` tokens came out, the first `n_thinking` of them as thinking.
  SelectionTrace take(std::int64_t n_generated, std::int64_t n_thinking);

 private:
  explicit SelectionRecorder(const RecorderOptions& options);
  void reuse_earlier();
  void count_prefill(int layer, std::int64_t query, std::span<const std::int32_t> selected);
  void count_dense_prefill(int layer, std::int64_t query);
  void mark_decode(int layer, std::int64_t query, std::span<const std::int32_t> selected);
  void mark_dense_decode(int layer, std::int64_t query);
  BlockSet& token_set(int layer, std::int64_t query);
  void keep_exact(int layer, std::int64_t token, std::span<const std::int32_t> selected);
  void drop_oldest();
  bool is_computed(std::size_t layer) const;
  void write_finished_rows(int layer, std::int64_t next_query);
  void write_finished_tokens(std::int64_t end_token);
  SelectionTrace head() const;

  RecorderOptions options_;
  std::vector<PrefillCounts> prefill_;
  std::vector<BlockSet> decode_;
  std::deque<ExactSelection> exact_;
  std::vector<std::int64_t> n_sparse_;  // per layer
  std::vector<std::int64_t> n_seen_;    // per layer: queries of the prompt
  std::vector<double> recall_sum_;
  std::vector<std::int64_t> n_recall_;
  std::vector<std::int64_t> n_rows_written_;  // per layer
  std::int64_t n_tokens_written_ = 0;
  std::int64_t first_answer_ = 0;  // -1: still thinking
  std::int64_t n_reused_ = 0;
  std::int64_t first_recorded_ = 0;
  std::int64_t prefill_bytes_ = 0;
  std::int64_t decode_bytes_ = 0;
  std::int64_t exact_bytes_ = 0;
  std::int64_t decode_budget_ = 0;
  std::int64_t exact_budget_ = 0;
};

}  // namespace engine
