#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/result.h"

/// What the indexer selected during one run: readable without a model.
namespace engine {

enum class TraceLevel { kOff, kBlocks, kExact };

constexpr int kTraceBlock = 64;  // key positions per block

/// A set of key blocks, one bit per block of 64 positions.
struct BlockSet {
  std::vector<std::uint64_t> words;
  bool contains(std::int64_t block) const {
    const auto word = static_cast<std::size_t>(block >> 6);
    return word < words.size() && ((words[word] >> (block & 63)) & 1u);
  }
};

/// Counts of one layer's prefill, [n_query_blocks][n_key_blocks]: how many selections queries of the
/// block made among the keys of the block. Lower triangle only is non-zero.
struct PrefillCounts {
  std::int32_t query_block = kTraceBlock;  // queries per row; a multiple of 64, larger for long prompts
  std::int32_t n_query_blocks = 0;
  std::int32_t n_key_blocks = 0;
  std::vector<std::uint16_t> counts;       // saturating
  std::uint16_t at(std::int32_t query, std::int32_t key) const {
    return counts[static_cast<std::size_t>(query) * static_cast<std::size_t>(n_key_blocks) + static_cast<std::size_t>(key)];
  }
};

/// Exact positions that one generated token selected in one layer.
struct ExactSelection {
  std::int64_t token = 0;  // index among generated tokens
  std::int32_t layer = 0;
  std::vector<std::int32_t> positions;  // ascending
};

struct SelectionTrace {
  TraceLevel level = TraceLevel::kBlocks;
  std::int32_t n_layers = 0;
  std::int32_t top_k = 0;               // 0: dense
  std::int64_t n_prompt_tokens = 0;
  std::int64_t n_cached_tokens = 0;     // prefix whose selections were made in an earlier run
  std::int64_t n_generated = 0;
  std::vector<PrefillCounts> prefill;   // per layer
  std::vector<BlockSet> decode;         // [n_generated][n_layers]
  std::vector<ExactSelection> exact;    // newest tokens
  std::int64_t n_sparse_queries = 0;    // queries that saw fewer keys than were visible
  std::vector<float> recall;            // per layer, sampled; empty when not measured

  const BlockSet& selected(std::int64_t token, std::int32_t layer) const {
    return decode[static_cast<std::size_t>(token * n_layers + layer)];
  }
};

}  // namespace engine
