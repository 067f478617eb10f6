#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>

#include "app/heatmap/run_trace.h"
#include "engine/trace/selection_trace.h"

/// Traces as a large model leaves them, made without one: a sink at the start, much of the newest, a few
/// places that many queries return to, and a background that differs by layer. The same every time.
namespace synthetic {

struct TraceSize {
  std::int64_t n_prompt_tokens = 131072;
  int n_layers = 61;
  int top_k = 2048;
  std::int64_t n_generated = 256;
  std::int64_t n_thinking = 96;
  std::int32_t query_block = engine::kTraceBlock;
};

class Random {  // xorshift64*: the standard engines are slower and their distributions not portable
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  std::uint32_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return static_cast<std::uint32_t>((state_ * 0x2545F4914F6CDD1Du) >> 32);
  }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>((std::uint64_t{next()} * n) >> 32); }

 private:
  std::uint64_t state_;
};

/// Blocks that queries of every part return to.
inline bool is_landmark(std::int64_t block) { return block % 97 == 11 || block % 131 == 60; }

inline engine::SelectionTrace make_trace(const TraceSize& size) {
  engine::SelectionTrace trace;
  trace.n_layers = size.n_layers;
  trace.top_k = size.top_k;
  trace.n_prompt_tokens = size.n_prompt_tokens;
  trace.n_generated = size.n_generated;
  trace.n_thinking = size.n_thinking;
  trace.n_sparse_queries = std::max<std::int64_t>(0, size.n_prompt_tokens - size.top_k) + size.n_generated;
  for (int layer = 0; layer < size.n_layers; ++layer) {
    Random random(static_cast<std::uint64_t>(layer) + 1);
    auto prefill = engine::PrefillCounts::sized(size.n_prompt_tokens, size.query_block);
    for (std::int64_t row = 0; row < prefill.n_query_blocks; ++row) {
      std::uint16_t* counts = prefill.counts.data() + prefill.row_offset(row);
      const std::int64_t n = prefill.row_length(row);
      const std::int64_t blocks_per_row = size.query_block / engine::kTraceBlock;
      for (std::int64_t block = 0; block < n; ++block) {
        const std::int64_t distance = n - 1 - block;
        std::uint32_t count = 0;
        if (block == 0) count = 3000 + random.below(800);
        else if (distance < 4 + layer % 5) count = 2200 / static_cast<std::uint32_t>(distance + 1) + random.below(300);
        else if (is_landmark(block + layer % 3)) count = 200 + random.below(900);
        else if ((block / 24 + row / 40 + layer) % 7 == 0 && random.below(3) == 0) count = random.below(120);
        counts[block] = static_cast<std::uint16_t>(std::min<std::int64_t>(count * blocks_per_row, 0xFFFF));
      }
    }
    trace.prefill.push_back(std::move(prefill));
  }
  for (std::int64_t token = 0; token < size.n_generated; ++token) {
    const std::int64_t n_blocks = engine::trace_blocks(size.n_prompt_tokens + token);
    for (int layer = 0; layer < size.n_layers; ++layer) {
      Random random(static_cast<std::uint64_t>(token * 131 + layer));
      engine::BlockSet set;
      set.words.assign(static_cast<std::size_t>((n_blocks + 63) / 64), 0);
      const auto add = [&](std::int64_t block) {
        if (block >= 0 && block < n_blocks) set.words[static_cast<std::size_t>(block >> 6)] |= std::uint64_t{1} << (block & 63);
      };
      add(0);
      for (std::int64_t back = 1; back <= 3; ++back) add(n_blocks - back);
      // The answer moves through the sources, a few blocks at a time.
      const std::int64_t focus = (token / 16 * 37 + 5) % std::max<std::int64_t>(1, n_blocks);
      for (std::int64_t i = 0; i < 4; ++i) add(focus + i);
      for (int i = 0; i < 12; ++i) {
        const std::int64_t block = random.below(static_cast<std::uint32_t>(n_blocks));
        if (is_landmark(block) || random.below(8) == 0) add(block);
      }
      trace.decode.push_back(std::move(set));
    }
  }
  return trace;
}

/// A run over `n_documents` reports of equally long pages; the last 64 tokens are the question.
inline std::shared_ptr<const app::RunTrace> make_run(const TraceSize& size, int n_documents, int pages_per_document) {
  auto run = std::make_shared<app::RunTrace>();
  run->trace = std::make_shared<engine::SelectionTrace>(make_trace(size));
  const std::int64_t sources = size.n_prompt_tokens - 64;
  const std::int64_t n_pages = std::int64_t{n_documents} * pages_per_document;
  const std::int64_t span = 32;  // tokens per block of the prompt
  std::int32_t anchor = 0;
  for (std::int64_t page = 0; page < n_pages; ++page) {
    const app::DocumentId document = page / pages_per_document + 1;
    run->document_titles[document] = "report " + std::to_string(document) + ".pdf";
    run->part_labels[page + 1] = "p. " + std::to_string(page % pages_per_document + 1);
    const std::int64_t end = sources * (page + 1) / n_pages;
    std::uint32_t byte = 0;
    for (std::int64_t at = sources * page / n_pages; at < end; at += span) {
      const std::int64_t last = std::min(at + span, end);
      run->map.blocks.push_back({++anchor, page + 1, document, byte, byte + 120, at, last});
      run->block_texts.push_back("Sentence " + std::to_string(anchor) + " of the synthetic report says what a sentence says.");
      byte += 120;
    }
  }
  run->map.question = {sources, size.n_prompt_tokens};
  run->map.n_tokens = size.n_prompt_tokens;
  for (std::int64_t token = 0; token < size.n_generated; ++token) {
    run->token_texts.push_back(token % 9 == 8 ? "." : " word" + std::to_string(token));
  }
  return run;
}

}  // namespace synthetic
