#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "engine/trace/trace_chunk.h"
#include "engine/trace/trace_file.h"

namespace engine {

namespace {

constexpr std::int64_t kMaxLayers = 1024;
constexpr std::int64_t kMaxTokens = std::int64_t{1} << 24;

/// Puts a trace together from chunks that may be anything. Each function returns false when a number
/// does not fit what came before; nothing is allocated that the chunk itself does not fill.
class Assembler {
 public:
  explicit Assembler(std::int64_t max_bytes) : bytes_left_(max_bytes) {}

  bool add(Chunk& chunk) {
    if (done_) return false;
    if (chunk.kind == kHeadChunk) return add_head(chunk);
    if (!has_head_) return false;
    if (chunk.kind == kPrefillChunk) return add_prefill(chunk);
    if (chunk.kind == kDecodeChunk) return add_tokens(chunk);
    if (chunk.kind == kExactChunk) return add_exact(chunk);
    if (chunk.kind == kRecallChunk) return add_recall(chunk);
    if (chunk.kind == kTextsChunk) return add_token_texts(chunk);
    if (chunk.kind == kSaidChunk) return add_said(chunk);
    if (chunk.kind == kDoneChunk) return add_done(chunk);
    if (chunk.kind == kSourcesChunk) {
      file_.sources_json = std::move(chunk.raw);
      return true;
    }
    return true;  // a kind that a later program added beside these
  }

  bool has_head() const { return has_head_; }

  /// Rows and tokens that a cut-off file lacks are there and empty.
  bool finish(TraceFile& out) {
    SelectionTrace& trace = file_.trace;
    const auto n_layers = static_cast<std::size_t>(trace.n_layers);
    for (PrefillCounts& prefill : trace.prefill) {
      prefill.computed = !prefill.counts.empty();
      const std::size_t missing = prefill.n_counts() - prefill.counts.size();
      if (!reserve(static_cast<std::int64_t>(missing) * 2)) return false;
      prefill.counts.resize(prefill.n_counts());
    }
    if (!done_) {
      trace.complete = false;
      trace.n_generated = static_cast<std::int64_t>(trace.decode.size() / n_layers);
      trace.n_thinking = n_thinking_;
      trace.first_recorded = 0;
      trace.token_texts.resize(trace.token_texts.empty() ? 0 : static_cast<std::size_t>(trace.n_generated));
      // Without the last chunk nobody counted, but the sizes say the same.
      const bool sparse = trace.mode != SelectionMode::kDense && trace.top_k > 0 && trace.n_prompt_tokens > trace.top_k;
      trace.n_sparse_queries = sparse ? trace.n_prompt_tokens - trace.top_k : 0;
    }
    out = std::move(file_);
    return true;
  }

 private:
  bool reserve(std::int64_t bytes) {
    if (bytes > bytes_left_) return false;
    bytes_left_ -= bytes;
    return true;
  }

  bool add_head(const Chunk& chunk) {
    std::int64_t key_block = 0, level = 0, mode = 0, n_layers = 0, top_k = 0, n_prompt = 0, n_cached = 0, n_reused = 0;
    ChunkReader reader(chunk.raw);
    const bool whole = reader.take(key_block) && reader.take(level) && reader.take(mode) && reader.take(n_layers) &&
                       reader.take(top_k) && reader.take(n_prompt) && reader.take(n_cached) && reader.take(n_reused);
    if (has_head_ || !whole || key_block != kTraceBlock || level < 0 || level > 2 || mode < 0 || mode > 2 ||
        n_layers < 1 || n_layers > kMaxLayers || top_k < 0 || top_k > kMaxTokens || n_prompt < 0 ||
        n_prompt > kMaxTokens || n_cached < 0 || n_cached > n_prompt || n_reused < 0 || n_reused > n_cached) {
      return false;
    }
    SelectionTrace& trace = file_.trace;
    trace.level = static_cast<TraceLevel>(level);
    trace.mode = static_cast<SelectionMode>(mode);
    trace.n_layers = static_cast<std::int32_t>(n_layers);
    trace.top_k = static_cast<std::int32_t>(top_k);
    trace.n_prompt_tokens = n_prompt;
    trace.n_cached_tokens = n_cached;
    trace.n_reused_tokens = n_reused;
    has_head_ = true;
    return true;
  }

  bool add_prefill(const Chunk& chunk) {
    SelectionTrace& trace = file_.trace;
    ChunkReader reader(chunk.raw);
    std::int32_t query_block = 0, first_row = 0, n_rows = 0, unused = 0;
    if (!reader.take(query_block) || !reader.take(first_row) || !reader.take(n_rows) || !reader.take(unused)) return false;
    if (chunk.first < 0 || chunk.first >= trace.n_layers || query_block < kTraceBlock || query_block > (1 << 20) ||
        query_block % kTraceBlock != 0) {
      return false;
    }
    if (trace.prefill.empty()) {
      PrefillCounts shape;
      shape.query_block = query_block;
      shape.n_query_blocks = static_cast<std::int32_t>((trace.n_prompt_tokens + query_block - 1) / query_block);
      shape.n_key_blocks = static_cast<std::int32_t>(trace_blocks(trace.n_prompt_tokens));
      // All rows must fit, whether or not they come: only then may room be set aside for them.
      if (static_cast<std::int64_t>(shape.n_counts()) > bytes_left_ / 2 / trace.n_layers) return false;
      trace.prefill.assign(static_cast<std::size_t>(trace.n_layers), shape);
    }
    PrefillCounts& prefill = trace.prefill[static_cast<std::size_t>(chunk.first)];
    if (prefill.query_block != query_block || first_row < 0 || n_rows < 1 || first_row > prefill.n_query_blocks - n_rows ||
        prefill.row_offset(first_row) != prefill.counts.size()) {
      return false;  // rows come in order, so that each chunk pays for the memory it takes
    }
    const std::int64_t end_row = std::int64_t{first_row} + n_rows;
    const std::size_t end = end_row == prefill.n_query_blocks ? prefill.n_counts() : prefill.row_offset(end_row);
    const std::size_t begin = prefill.counts.size();
    if (reader.left() != (end - begin) * 2 || !reserve(static_cast<std::int64_t>(reader.left()))) return false;
    if (begin == 0) prefill.counts.reserve(prefill.n_counts());
    prefill.counts.resize(end);
    return reader.take_all(std::span(prefill.counts).subspan(begin));
  }

  bool add_tokens(const Chunk& chunk) {
    SelectionTrace& trace = file_.trace;
    const std::int64_t n_layers = trace.n_layers;
    const auto n_known = static_cast<std::int64_t>(trace.decode.size()) / n_layers;
    ChunkReader reader(chunk.raw);
    std::uint32_t n_words = 0, n_thinking = 0;
    if (!reader.take(n_words) || !reader.take(n_thinking)) return false;
    if (chunk.first != n_known || chunk.count < 1 || chunk.count > kMaxTokens || n_thinking > chunk.count ||
        n_words > kMaxTokens / kTraceBlock / 64) {
      return false;
    }
    const std::int64_t n_sets = chunk.count * n_layers;
    const std::int64_t n_bytes = n_sets * static_cast<std::int64_t>(n_words) * 8;
    if (n_bytes != static_cast<std::int64_t>(reader.left()) ||
        !reserve(n_bytes + n_sets * static_cast<std::int64_t>(sizeof(BlockSet)))) {
      return false;
    }
    for (std::int64_t i = 0; i < n_sets; ++i) {
      BlockSet& set = trace.decode.emplace_back();
      set.words.resize(n_words);
      reader.take_all(std::span(set.words));
    }
    n_thinking_ += n_thinking;
    return true;
  }

  bool add_exact(const Chunk& chunk) {
    SelectionTrace& trace = file_.trace;
    ChunkReader reader(chunk.raw);
    for (std::int64_t i = 0; i < chunk.count; ++i) {
      ExactSelection exact;
      std::int32_t n = 0;
      if (!reader.take(exact.token) || !reader.take(exact.layer) || !reader.take(n)) return false;
      if (exact.token < 0 || exact.token > kMaxTokens || exact.layer < 0 || exact.layer >= trace.n_layers || n < 0 ||
          static_cast<std::size_t>(n) > reader.left() / 4 ||
          !reserve(std::int64_t{n} * 4 + static_cast<std::int64_t>(sizeof(ExactSelection)))) {
        return false;
      }
      exact.positions.resize(static_cast<std::size_t>(n));
      reader.take_all(std::span(exact.positions));
      std::int64_t position = 0;
      for (std::int32_t& delta : exact.positions) {
        position += delta;
        if (delta < 0 || position > 2 * kMaxTokens) return false;
        delta = static_cast<std::int32_t>(position);
      }
      trace.exact.push_back(std::move(exact));
    }
    return reader.left() == 0;
  }

  bool add_recall(const Chunk& chunk) {
    SelectionTrace& trace = file_.trace;
    if (chunk.count != trace.n_layers || chunk.raw.size() != static_cast<std::size_t>(trace.n_layers) * 4) return false;
    trace.recall.resize(static_cast<std::size_t>(trace.n_layers));
    ChunkReader(chunk.raw).take_all(std::span(trace.recall));
    return std::all_of(trace.recall.begin(), trace.recall.end(), [](float share) { return std::isfinite(share); });
  }

  bool add_token_texts(const Chunk& chunk) {
    const std::size_t n = chunk.raw.size() / sizeof(TokenText);
    if (chunk.count != static_cast<std::int64_t>(n) || chunk.raw.size() != n * sizeof(TokenText) ||
        !file_.trace.token_texts.empty() || !reserve(static_cast<std::int64_t>(chunk.raw.size()))) {
      return false;
    }
    ChunkReader reader(chunk.raw);
    file_.trace.token_texts.resize(n);
    for (TokenText& text : file_.trace.token_texts) {
      if (!reader.take(text.begin) || !reader.take(text.end) || text.end < text.begin) return false;
    }
    return true;
  }

  bool add_said(const Chunk& chunk) {
    if (chunk.raw.empty() || chunk.raw.front() < 1 || chunk.raw.front() > 2 || !reserve(static_cast<std::int64_t>(chunk.raw.size()))) return false;
    (chunk.raw.front() == 1 ? file_.thinking : file_.answer).append(chunk.raw, 1);
    return true;
  }

  bool add_done(const Chunk& chunk) {
    SelectionTrace& trace = file_.trace;
    ChunkReader reader(chunk.raw);
    const bool whole = reader.take(trace.n_generated) && reader.take(trace.n_thinking) &&
                       reader.take(trace.first_recorded) && reader.take(trace.n_sparse_queries);
    const auto n_known = static_cast<std::int64_t>(trace.decode.size()) / trace.n_layers;
    if (!whole || trace.n_generated != n_known || trace.n_thinking < 0 || trace.n_thinking > trace.n_generated ||
        trace.first_recorded < 0 || trace.first_recorded > trace.n_generated || trace.n_sparse_queries < 0 ||
        (!trace.token_texts.empty() && static_cast<std::int64_t>(trace.token_texts.size()) != trace.n_generated)) {
      return false;
    }
    done_ = true;
    return true;
  }

  TraceFile file_;
  std::int64_t bytes_left_;
  std::int64_t n_thinking_ = 0;
  bool has_head_ = false;
  bool done_ = false;
};

}  // namespace

Result<TraceFile> trace_from_bytes(std::string_view bytes, std::int64_t max_bytes) {
  TRY(check_trace_start(bytes));
  Assembler assembler(max_bytes);
  std::size_t offset = kTraceStartBytes;
  bool truncated = false;
  while (true) {
    TRY_ASSIGN(std::optional<Chunk> chunk, decode_chunk(bytes, offset, static_cast<std::size_t>(max_bytes), truncated));
    if (!chunk) break;
    if (!assembler.add(*chunk)) {
      return Error{ErrorCode::kCorrupt, "The selection trace is damaged at byte " + std::to_string(chunk->offset) +
                                            ": its numbers do not fit together, or it needs more than " +
                                            std::to_string(max_bytes >> 20) +
                                            " MiB. The answer is not affected; ask again to get a new trace."};
    }
  }
  TraceFile file;
  if (!assembler.has_head() || !assembler.finish(file)) {
    return Error{ErrorCode::kCorrupt, "The selection trace ends before its first number. Ask again to get a new trace."};
  }
  return file;
}

}  // namespace engine
