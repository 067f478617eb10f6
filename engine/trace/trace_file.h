#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trace/selection_trace.h"

/// The trace of one run as bytes: saved with the run, readable without a model. The format is written
/// down in docs/trace-format.md.
namespace engine {

/// What a trace file holds. `sources_json` says where the prompt's tokens come from; the engine passes
/// it through untouched.
struct TraceFile {
  SelectionTrace trace;
  std::string sources_json;
  /// The text as it came, from files that were written while the model ran; empty in saved ones.
  std::string thinking = {};
  std::string answer = {};
};

constexpr std::int64_t kMaxTraceBytes = std::int64_t{2} << 30;  // in memory

/// `token_texts` stands in for trace.token_texts when it is not empty.
std::string trace_to_bytes(const SelectionTrace& trace, std::string_view sources_json = {},
                           std::span<const TokenText> token_texts = {});

/// Every length, offset and count is checked before it is used, and the result never takes more than
/// about `max_bytes` of memory. A file that ends early gives what its whole chunks hold, with
/// trace.complete == false. kCorrupt: damaged or no trace at all; kUnsupported: of a newer version.
Result<TraceFile> trace_from_bytes(std::string_view bytes, std::int64_t max_bytes = kMaxTraceBytes);

/// The parts of a file, for writers that write while the model runs. Rows and tokens are half-open ranges.
std::string encode_head(const SelectionTrace& trace);
std::string encode_prefill_rows(const PrefillCounts& prefill, std::int32_t layer, std::int64_t first_row,
                                std::int64_t end_row);
/// The same from counts that stand alone: those of rows [first_row, end_row) and nothing else.
std::string encode_counts(std::span<const std::uint16_t> counts, std::int32_t layer, std::int32_t query_block,
                          std::int64_t first_row, std::int64_t end_row);
/// `sets`: [n_tokens][n_layers]; the first `n_thinking` of these tokens are thinking.
std::string encode_tokens(std::span<const BlockSet> sets, std::int32_t n_layers, std::int64_t first_token,
                          std::int64_t n_thinking);
std::string encode_exact(std::span<const ExactSelection> exact);
std::string encode_token_texts(std::span<const TokenText> texts);
std::string encode_said(Phase phase, std::string_view text, std::int64_t first_token);
std::string encode_recall(std::span<const float> recall);
std::string encode_done(const SelectionTrace& trace);

}  // namespace engine
