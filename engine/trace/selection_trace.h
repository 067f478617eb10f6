#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/result.h"

/// What the indexer selected during one run: readable without a model.
namespace engine {

enum class TraceLevel { kOff, kBlocks, kExact };

/// Who chose the keys: the model's indexer, fixed blocks (window and anchors), or nobody (every key).
enum class SelectionMode { kIndexer, kBlocks, kDense };

/// What a query was doing when it selected.
enum class Phase { kPrefill, kThinking, kAnswer };

constexpr int kTraceBlock = 64;  // key positions per block

/// How many blocks hold positions 0..n_tokens-1.
constexpr std::int64_t trace_blocks(std::int64_t n_tokens) { return (n_tokens + kTraceBlock - 1) / kTraceBlock; }

/// A set of key blocks, one bit per block of 64 positions.
struct BlockSet {
  std::vector<std::uint64_t> words;
  bool contains(std::int64_t block) const {
    const auto word = static_cast<std::size_t>(block >> 6);
    return word < words.size() && ((words[word] >> (block & 63)) & 1u);
  }
  /// Calls visit(block) for each block of the set, ascending.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::size_t word = 0; word < words.size(); ++word) {
      for (std::uint64_t bits = words[word]; bits != 0; bits &= bits - 1) {
        visit(static_cast<std::int64_t>(word) * 64 + std::countr_zero(bits));
      }
    }
  }
};

/// Counts of one layer's prefill by query row and key block: how many selections the queries of the row
/// made among the keys of the block. A row holds `query_block` queries; since no query sees a later key,
/// row q has only row_length(q) blocks and the rows lie behind each other in `counts`.
struct PrefillCounts {
  std::int32_t query_block = kTraceBlock;  // queries per row; 64 times a power of two, larger for long prompts
  std::int32_t n_query_blocks = 0;
  std::int32_t n_key_blocks = 0;
  std::vector<std::uint16_t> counts;  // saturating
  /// False: the engine passed this layer over while it read the prompt (the last layer's results are
  /// needed for the last token alone), so the counts are all zero and say nothing.
  bool computed = true;

  /// All zero, for a prompt of `n_tokens`.
  static PrefillCounts sized(std::int64_t n_tokens, std::int32_t query_block);
  std::size_t row_offset(std::int64_t query) const {
    const std::int64_t blocks_per_row = query_block / kTraceBlock;
    return static_cast<std::size_t>(blocks_per_row * query * (query + 1) / 2);
  }
  std::int64_t row_length(std::int64_t query) const {
    return std::min<std::int64_t>(n_key_blocks, (query + 1) * (query_block / kTraceBlock));
  }
  /// How many numbers the rows need together.
  std::size_t n_counts() const {
    return n_query_blocks == 0
               ? 0
               : row_offset(n_query_blocks - 1) + static_cast<std::size_t>(row_length(n_query_blocks - 1));
  }
  std::span<const std::uint16_t> row(std::int64_t query) const {
    return std::span(counts).subspan(row_offset(query), static_cast<std::size_t>(row_length(query)));
  }
  std::uint16_t at(std::int64_t query, std::int64_t key) const {
    return key < row_length(query) ? counts[row_offset(query) + static_cast<std::size_t>(key)] : std::uint16_t{0};
  }
};

/// Exact positions that one generated token selected in one layer.
struct ExactSelection {
  std::int64_t token = 0;  // index among generated tokens
  std::int32_t layer = 0;
  std::vector<std::int32_t> positions;  // ascending
};

/// Where a generated token's text lies: bytes of the thinking or of the answer, by its phase.
struct TokenText {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// Generated token t belongs to the query that chose it: position n_prompt_tokens - 1 + t. Token 0 was
/// chosen by the last prompt position, which therefore counts in the prefill too.
struct SelectionTrace {
  TraceLevel level = TraceLevel::kBlocks;
  SelectionMode mode = SelectionMode::kIndexer;
  std::int32_t n_layers = 0;
  std::int32_t top_k = 0;               // 0: dense
  std::int64_t n_prompt_tokens = 0;
  std::int64_t n_cached_tokens = 0;     // prefix whose selections were made in an earlier run
  std::int64_t n_reused_tokens = 0;     // of these, the leading ones whose counts came from that run's trace
  std::int64_t n_generated = 0;
  std::int64_t n_thinking = 0;          // the first generated tokens; the rest is answer
  std::int64_t first_recorded = 0;      // generated tokens before this one fell out of the memory budget
  std::vector<PrefillCounts> prefill;   // per layer
  std::vector<BlockSet> decode;         // [n_generated][n_layers]
  std::vector<ExactSelection> exact;    // newest tokens, ascending by token, then layer
  std::int64_t n_sparse_queries = 0;    // queries that saw fewer keys than were visible
  std::vector<float> recall;            // per layer, sampled; empty when not measured
  std::vector<TokenText> token_texts;   // per generated token; empty when nobody said
  bool complete = true;                 // false: read from a file that ends early

  const BlockSet& selected(std::int64_t token, std::int32_t layer) const {
    return decode[static_cast<std::size_t>(token * n_layers + layer)];
  }
  Phase phase(std::int64_t token) const { return token < n_thinking ? Phase::kThinking : Phase::kAnswer; }
  bool computed(std::int32_t layer) const { return prefill.empty() || prefill[static_cast<std::size_t>(layer)].computed; }
  /// What the counts, sets and positions take in memory.
  std::int64_t bytes() const {
    std::size_t n = 0;
    for (const PrefillCounts& layer : prefill) n += layer.counts.size() * sizeof(std::uint16_t);
    for (const BlockSet& set : decode) n += set.words.size() * sizeof(std::uint64_t);
    for (const ExactSelection& one : exact) n += one.positions.size() * sizeof(std::int32_t);
    return static_cast<std::int64_t>(n);
  }
  /// False when every query saw every visible key: there is nothing that was not consulted.
  bool sparse() const { return n_sparse_queries > 0; }
};

}  // namespace engine
