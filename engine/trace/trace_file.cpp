#include "engine/trace/trace_file.h"

#include <algorithm>
#include <utility>

#include "engine/trace/trace_chunk.h"

namespace engine {

namespace {

constexpr std::int64_t kTokensPerChunk = 64;
constexpr std::int64_t kRowsPerChunk = 256;
constexpr std::size_t kExactPerChunk = 1024;

}  // namespace

std::string encode_head(const SelectionTrace& trace) {
  std::string raw;
  put(raw, static_cast<std::int64_t>(kTraceBlock));
  put(raw, static_cast<std::int64_t>(trace.level));
  put(raw, static_cast<std::int64_t>(trace.mode));
  put(raw, static_cast<std::int64_t>(trace.n_layers));
  put(raw, static_cast<std::int64_t>(trace.top_k));
  put(raw, trace.n_prompt_tokens);
  put(raw, trace.n_cached_tokens);
  put(raw, trace.n_reused_tokens);
  return encode_chunk(kHeadChunk, 0, 1, raw);
}

std::string encode_prefill_rows(const PrefillCounts& prefill, std::int32_t layer, std::int64_t first_row,
                                std::int64_t end_row) {
  const std::size_t begin = prefill.row_offset(first_row);
  const std::size_t end = end_row == prefill.n_query_blocks ? prefill.n_counts() : prefill.row_offset(end_row);
  return encode_counts(std::span(prefill.counts).subspan(begin, end - begin), layer, prefill.query_block, first_row, end_row);
}

std::string encode_counts(std::span<const std::uint16_t> counts, std::int32_t layer, std::int32_t query_block,
                          std::int64_t first_row, std::int64_t end_row) {
  std::string raw;
  raw.reserve(16 + counts.size_bytes());
  put(raw, query_block);
  put(raw, static_cast<std::int32_t>(first_row));
  put(raw, static_cast<std::int32_t>(end_row - first_row));
  put(raw, std::int32_t{0});
  put_all(raw, counts);
  return encode_chunk(kPrefillChunk, layer, static_cast<std::int64_t>(counts.size()), raw);
}

std::string encode_tokens(std::span<const BlockSet> sets, std::int32_t n_layers, std::int64_t first_token,
                          std::int64_t n_thinking) {
  std::size_t n_words = 0;
  for (const BlockSet& set : sets) n_words = std::max(n_words, set.words.size());
  std::string raw;
  raw.reserve(8 + sets.size() * n_words * 8);
  put(raw, static_cast<std::uint32_t>(n_words));
  put(raw, static_cast<std::uint32_t>(n_thinking));
  for (const BlockSet& set : sets) {
    put_all(raw, std::span(set.words));
    raw.append((n_words - set.words.size()) * 8, '\0');
  }
  return encode_chunk(kDecodeChunk, first_token, static_cast<std::int64_t>(sets.size()) / n_layers, raw);
}

std::string encode_exact(std::span<const ExactSelection> exact) {
  std::string raw;
  for (const ExactSelection& selection : exact) {
    put(raw, selection.token);
    put(raw, selection.layer);
    put(raw, static_cast<std::int32_t>(selection.positions.size()));
    std::int32_t previous = 0;
    for (const std::int32_t position : selection.positions) {
      put(raw, position - previous);
      previous = position;
    }
  }
  return encode_chunk(kExactChunk, exact.empty() ? 0 : exact.front().token, static_cast<std::int64_t>(exact.size()), raw);
}

std::string encode_token_texts(std::span<const TokenText> texts) {
  std::string raw;
  for (const TokenText& text : texts) {
    put(raw, text.begin);
    put(raw, text.end);
  }
  return encode_chunk(kTextsChunk, 0, static_cast<std::int64_t>(texts.size()), raw);
}

std::string encode_said(Phase phase, std::string_view text, std::int64_t first_token) {
  std::string raw;
  put(raw, static_cast<std::uint8_t>(phase == Phase::kThinking ? 1 : 2));
  raw += text;
  return encode_chunk(kSaidChunk, first_token, static_cast<std::int64_t>(text.size()), raw);
}

std::string encode_recall(std::span<const float> recall) {
  std::string raw;
  put_all(raw, recall);
  return encode_chunk(kRecallChunk, 0, static_cast<std::int64_t>(recall.size()), raw);
}

std::string encode_done(const SelectionTrace& trace) {
  std::string raw;
  put(raw, trace.n_generated);
  put(raw, trace.n_thinking);
  put(raw, trace.first_recorded);
  put(raw, trace.n_sparse_queries);
  return encode_chunk(kDoneChunk, 0, 1, raw);
}

std::string trace_to_bytes(const SelectionTrace& trace, std::string_view sources_json,
                           std::span<const TokenText> token_texts) {
  std::string out = trace_start() + encode_head(trace);
  if (!sources_json.empty()) out += encode_chunk(kSourcesChunk, 0, 1, sources_json);
  for (std::size_t layer = 0; layer < trace.prefill.size(); ++layer) {
    const PrefillCounts& prefill = trace.prefill[layer];
    if (!prefill.computed) continue;
    for (std::int64_t row = 0; row < prefill.n_query_blocks; row += kRowsPerChunk) {
      const std::int64_t end = std::min<std::int64_t>(row + kRowsPerChunk, prefill.n_query_blocks);
      out += encode_prefill_rows(prefill, static_cast<std::int32_t>(layer), row, end);
    }
  }
  const auto n_layers = static_cast<std::size_t>(trace.n_layers);
  const std::int64_t n_tokens = n_layers == 0 ? 0 : static_cast<std::int64_t>(trace.decode.size() / n_layers);
  for (std::int64_t token = 0; token < n_tokens; token += kTokensPerChunk) {
    const std::int64_t n = std::min(kTokensPerChunk, n_tokens - token);
    const auto sets = std::span(trace.decode)
                          .subspan(static_cast<std::size_t>(token) * n_layers, static_cast<std::size_t>(n) * n_layers);
    out += encode_tokens(sets, trace.n_layers, token, std::clamp<std::int64_t>(trace.n_thinking - token, 0, n));
  }
  for (std::size_t i = 0; i < trace.exact.size(); i += kExactPerChunk) {
    out += encode_exact(std::span(trace.exact).subspan(i, std::min(kExactPerChunk, trace.exact.size() - i)));
  }
  if (!trace.recall.empty()) out += encode_recall(trace.recall);
  const std::span<const TokenText> texts = token_texts.empty() ? std::span(trace.token_texts) : token_texts;
  if (!texts.empty()) out += encode_token_texts(texts);
  return out + encode_done(trace);
}

}  // namespace engine
