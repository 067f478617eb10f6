#include "engine/trace/selection_trace.h"

namespace engine {

PrefillCounts PrefillCounts::sized(std::int64_t n_tokens, std::int32_t query_block) {
  PrefillCounts counts;
  counts.query_block = query_block;
  counts.n_query_blocks = static_cast<std::int32_t>((n_tokens + query_block - 1) / query_block);
  counts.n_key_blocks = static_cast<std::int32_t>(trace_blocks(n_tokens));
  counts.counts.assign(counts.n_counts(), 0);
  return counts;
}

}  // namespace engine
