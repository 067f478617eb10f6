#include "engine/trace/selection_recorder.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace engine {

namespace {

constexpr int kMaxLayers = 1024;
constexpr std::int64_t kMaxTokens = std::int64_t{1} << 24;
constexpr std::int32_t kMaxQueryBlock = 1 << 20;
constexpr std::int64_t kRowsPerChunk = 16;    // a chunk of a long prefill: about 1 000 queries
constexpr std::int64_t kTokensPerChunk = 16;  // a crash loses the last second or so
constexpr std::uint16_t kMaxCount = std::numeric_limits<std::uint16_t>::max();

std::int64_t prefill_bytes(std::int64_t n_tokens, int n_layers, std::int32_t query_block) {
  PrefillCounts shape;
  shape.query_block = query_block;
  shape.n_query_blocks = static_cast<std::int32_t>((n_tokens + query_block - 1) / query_block);
  shape.n_key_blocks = static_cast<std::int32_t>(trace_blocks(n_tokens));
  return static_cast<std::int64_t>(shape.n_counts()) * n_layers * static_cast<std::int64_t>(sizeof(std::uint16_t));
}

void add_saturating(std::uint16_t& count, std::int64_t amount) {
  count = static_cast<std::uint16_t>(std::min<std::int64_t>(kMaxCount, count + amount));
}

/// The used slots of one query: ascending positions it can see, -1 slots cut off at either end.
std::span<const std::int32_t> used_slots(const std::int32_t* indices, std::int64_t k, std::int64_t query) {
  std::int64_t begin = 0;
  while (begin < k && indices[begin] < 0) ++begin;
  std::int64_t end = k;
  while (end > begin && (indices[end - 1] < 0 || indices[end - 1] > query)) --end;
  return {indices + begin, static_cast<std::size_t>(end - begin)};
}

}  // namespace

Result<std::unique_ptr<SelectionRecorder>> SelectionRecorder::create(const RecorderOptions& options) {
  if (options.n_layers <= 0 || options.n_layers > kMaxLayers || options.n_prompt_tokens <= 0 ||
      options.n_prompt_tokens > kMaxTokens || options.n_cached_tokens < 0 ||
      options.n_cached_tokens > options.n_prompt_tokens || options.top_k < 0) {
    return Error{ErrorCode::kInvalidInput, "The selection trace cannot be made: " + std::to_string(options.n_layers) +
                                               " layers and a prompt of " + std::to_string(options.n_prompt_tokens) +
                                               " tokens are not possible."};
  }
  auto recorder = std::unique_ptr<SelectionRecorder>(new SelectionRecorder(options));
  if (options.level == TraceLevel::kOff) return recorder;

  std::int32_t query_block = kTraceBlock;
  const std::int64_t budget = options.budget_bytes / 2;
  while (prefill_bytes(options.n_prompt_tokens, options.n_layers, query_block) > budget) {
    if (query_block >= kMaxQueryBlock) {
      return Error{ErrorCode::kOutOfMemory, "The selection trace does not fit in the " +
                                                std::to_string(options.budget_bytes >> 20) +
                                                " MiB kept for it; turn the trace off or ask about fewer sources."};
    }
    query_block *= 2;
  }
  recorder->prefill_.assign(static_cast<std::size_t>(options.n_layers),
                            PrefillCounts::sized(options.n_prompt_tokens, query_block));
  recorder->prefill_bytes_ = prefill_bytes(options.n_prompt_tokens, options.n_layers, query_block);
  recorder->reuse_earlier();
  if (options.writer != nullptr) options.writer->begin(recorder->head(), options.sources_json);
  return recorder;
}

SelectionRecorder::SelectionRecorder(const RecorderOptions& options)
    : options_(options),
      n_sparse_(static_cast<std::size_t>(options.n_layers), 0),
      n_seen_(static_cast<std::size_t>(options.n_layers), 0),
      recall_sum_(static_cast<std::size_t>(options.n_layers), 0.0),
      n_recall_(static_cast<std::size_t>(options.n_layers), 0),
      n_rows_written_(static_cast<std::size_t>(options.n_layers), 0),
      first_answer_(options.starts_in_thinking ? -1 : 0) {
  // Exact positions cost 4 * top_k bytes per token and layer against one bit per block: the default
  // level keeps them only while they are a small part of the whole.
  exact_budget_ = options.budget_bytes / (options.level == TraceLevel::kExact ? 4 : 16);
  decode_budget_ = options.budget_bytes / 2 - exact_budget_;
}

void SelectionRecorder::reuse_earlier() {
  const SelectionTrace* earlier = options_.earlier.get();
  if (earlier == nullptr || earlier->n_layers != options_.n_layers || earlier->top_k != options_.top_k ||
      earlier->mode != options_.mode || earlier->prefill.size() != prefill_.size()) {
    return;
  }
  // What the earlier run itself took over without having counts for it stays unknown.
  if (earlier->n_cached_tokens > earlier->n_reused_tokens) return;
  const std::int32_t query_block = prefill_.front().query_block;
  if (earlier->prefill.front().query_block != query_block) return;
  // Only whole rows: the row at the border also counts queries that this run makes anew.
  const std::int64_t n_rows = std::min(options_.n_cached_tokens, earlier->n_prompt_tokens) / query_block;
  for (std::size_t layer = 0; layer < prefill_.size(); ++layer) {
    const std::size_t n = prefill_[layer].row_offset(n_rows);
    std::copy_n(earlier->prefill[layer].counts.begin(), n, prefill_[layer].counts.begin());
    prefill_[layer].computed = earlier->prefill[layer].computed;
  }
  n_reused_ = n_rows * query_block;
}

void SelectionRecorder::on_selection(int layer, std::int64_t first_query, std::int64_t n_queries, std::int64_t k,
                                     const std::int32_t* indices) {
  if (options_.level == TraceLevel::kOff) return;
  CHECK(layer >= 0 && layer < options_.n_layers && first_query >= 0);
  for (std::int64_t i = 0; i < n_queries; ++i) {
    const std::int64_t query = first_query + i;
    const bool is_prompt = query < options_.n_prompt_tokens;
    const bool is_decode = query >= options_.n_prompt_tokens - 1;
    if (is_prompt) ++n_seen_[static_cast<std::size_t>(layer)];
    if (indices == nullptr) {
      if (is_prompt) count_dense_prefill(layer, query);
      if (is_decode) mark_dense_decode(layer, query);
      continue;
    }
    const auto selected = used_slots(indices + i * k, k, query);
    if (static_cast<std::int64_t>(selected.size()) < query + 1) ++n_sparse_[static_cast<std::size_t>(layer)];
    if (is_prompt) count_prefill(layer, query, selected);
    if (is_decode) mark_decode(layer, query, selected);
  }
  if (options_.writer == nullptr) return;
  write_finished_rows(layer, first_query + n_queries);
  // A token is final when the first layer begins with the next one.
  const std::int64_t token = first_query - (options_.n_prompt_tokens - 1);
  if (layer == 0 && token - n_tokens_written_ >= kTokensPerChunk) write_finished_tokens(token);
}

/// The last query of the prompt is asked in every layer. A layer that saw no other one, where others did,
/// was passed over; so was one whose reused rows were.
bool SelectionRecorder::is_computed(std::size_t layer) const {
  const std::int64_t most = *std::max_element(n_seen_.begin(), n_seen_.end());
  return prefill_[layer].computed && (n_seen_[layer] > 1 || most <= 1);
}

void SelectionRecorder::write_finished_rows(int layer, std::int64_t next_query) {
  if (!is_computed(static_cast<std::size_t>(layer))) return;
  PrefillCounts& prefill = prefill_[static_cast<std::size_t>(layer)];
  std::int64_t& n_written = n_rows_written_[static_cast<std::size_t>(layer)];
  const bool all = next_query >= options_.n_prompt_tokens;
  const std::int64_t n_final = all ? prefill.n_query_blocks : next_query / prefill.query_block;
  if (n_final == n_written || (!all && n_final - n_written < kRowsPerChunk)) return;
  options_.writer->add_prefill_rows(layer, prefill, n_written, n_final);
  n_written = n_final;
}

void SelectionRecorder::write_finished_tokens(std::int64_t end_token) {
  const auto n_layers = static_cast<std::size_t>(options_.n_layers);
  // Thinking and answer never share a chunk: its phase is then known without the last chunk.
  const std::int64_t border = first_answer_ > n_tokens_written_ && first_answer_ < end_token ? first_answer_ : end_token;
  for (const std::int64_t end : {border, end_token}) {
    if (end <= n_tokens_written_) continue;
    const auto sets = std::span(decode_).subspan(static_cast<std::size_t>(n_tokens_written_) * n_layers,
                                                 static_cast<std::size_t>(end - n_tokens_written_) * n_layers);
    const bool is_answer = first_answer_ >= 0 && n_tokens_written_ >= first_answer_;
    options_.writer->add_tokens(sets, options_.n_layers, n_tokens_written_, is_answer ? Phase::kAnswer : Phase::kThinking);
    n_tokens_written_ = end;
  }
}

SelectionTrace SelectionRecorder::head() const {
  SelectionTrace trace;
  trace.level = options_.level;
  trace.mode = options_.mode;
  trace.n_layers = options_.n_layers;
  trace.top_k = options_.top_k;
  trace.n_prompt_tokens = options_.n_prompt_tokens;
  trace.n_cached_tokens = options_.n_cached_tokens;
  trace.n_reused_tokens = n_reused_;
  return trace;
}

void SelectionRecorder::count_prefill(int layer, std::int64_t query, std::span<const std::int32_t> selected) {
  if (query < n_reused_) return;
  PrefillCounts& prefill = prefill_[static_cast<std::size_t>(layer)];
  std::uint16_t* row = prefill.counts.data() + prefill.row_offset(query / prefill.query_block);
  for (const std::int32_t position : selected) {
    if (position < 0) continue;
    std::uint16_t& count = row[position / kTraceBlock];
    count = static_cast<std::uint16_t>(count + (count != kMaxCount ? 1 : 0));
  }
}

void SelectionRecorder::count_dense_prefill(int layer, std::int64_t query) {
  if (query < n_reused_) return;
  PrefillCounts& prefill = prefill_[static_cast<std::size_t>(layer)];
  std::uint16_t* row = prefill.counts.data() + prefill.row_offset(query / prefill.query_block);
  const std::int64_t last = query / kTraceBlock;
  for (std::int64_t block = 0; block < last; ++block) add_saturating(row[block], kTraceBlock);
  add_saturating(row[last], query % kTraceBlock + 1);
}

BlockSet& SelectionRecorder::token_set(int layer, std::int64_t query) {
  const std::int64_t token = query - (options_.n_prompt_tokens - 1);
  const auto n_layers = static_cast<std::size_t>(options_.n_layers);
  const auto needed = (static_cast<std::size_t>(token) + 1) * n_layers;
  if (decode_.size() < needed) decode_.resize(needed);
  BlockSet& set = decode_[static_cast<std::size_t>(token) * n_layers + static_cast<std::size_t>(layer)];
  const auto n_words = static_cast<std::size_t>((trace_blocks(query + 1) + 63) / 64);
  if (set.words.empty()) decode_bytes_ += static_cast<std::int64_t>(n_words * 8 + sizeof(BlockSet));
  set.words.assign(n_words, 0);
  return set;
}

void SelectionRecorder::mark_decode(int layer, std::int64_t query, std::span<const std::int32_t> selected) {
  BlockSet& set = token_set(layer, query);
  for (const std::int32_t position : selected) {
    if (position < 0) continue;
    const auto block = static_cast<std::size_t>(position / kTraceBlock);
    set.words[block >> 6] |= std::uint64_t{1} << (block & 63);
  }
  keep_exact(layer, query - (options_.n_prompt_tokens - 1), selected);
  drop_oldest();
}

void SelectionRecorder::mark_dense_decode(int layer, std::int64_t query) {
  BlockSet& set = token_set(layer, query);
  const std::int64_t n_blocks = trace_blocks(query + 1);
  for (std::size_t word = 0; word < set.words.size(); ++word) {
    const std::int64_t left = n_blocks - static_cast<std::int64_t>(word) * 64;
    set.words[word] = left >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
  }
  drop_oldest();
}

void SelectionRecorder::keep_exact(int layer, std::int64_t token, std::span<const std::int32_t> selected) {
  exact_.push_back({token, layer, {selected.begin(), selected.end()}});
  exact_bytes_ += static_cast<std::int64_t>(sizeof(ExactSelection) + selected.size_bytes());
  while (exact_bytes_ > exact_budget_ && !exact_.empty()) {
    exact_bytes_ -= static_cast<std::int64_t>(sizeof(ExactSelection) + exact_.front().positions.size() * sizeof(std::int32_t));
    exact_.pop_front();
  }
}

void SelectionRecorder::drop_oldest() {
  const auto n_layers = static_cast<std::size_t>(options_.n_layers);
  const auto n_tokens = static_cast<std::int64_t>(decode_.size() / n_layers);
  // The newest token is still being filled and stays, whatever the budget.
  while (decode_bytes_ > decode_budget_ && first_recorded_ + 1 < n_tokens) {
    // What falls out of memory is still whole in the file.
    if (options_.writer != nullptr && first_recorded_ >= n_tokens_written_) write_finished_tokens(first_recorded_ + 1);
    for (std::size_t layer = 0; layer < n_layers; ++layer) {
      BlockSet& set = decode_[static_cast<std::size_t>(first_recorded_) * n_layers + layer];
      if (!set.words.empty()) decode_bytes_ -= static_cast<std::int64_t>(set.words.size() * 8 + sizeof(BlockSet));
      set = BlockSet{};
    }
    ++first_recorded_;
  }
}

std::span<const BlockSet> SelectionRecorder::token_selection(std::int64_t token) const {
  const auto n_layers = static_cast<std::size_t>(options_.n_layers);
  if (token < first_recorded_ || (static_cast<std::size_t>(token) + 1) * n_layers > decode_.size()) return {};
  return std::span(decode_).subspan(static_cast<std::size_t>(token) * n_layers, n_layers);
}

void SelectionRecorder::add_recall(int layer, float share) {
  CHECK(layer >= 0 && layer < options_.n_layers);
  recall_sum_[static_cast<std::size_t>(layer)] += share;
  ++n_recall_[static_cast<std::size_t>(layer)];
}

SelectionTrace SelectionRecorder::take(std::int64_t n_generated, std::int64_t n_thinking) {
  SelectionTrace trace = head();
  trace.n_generated = std::max<std::int64_t>(n_generated, 0);
  trace.n_thinking = std::clamp<std::int64_t>(n_thinking, 0, trace.n_generated);
  trace.first_recorded = std::min(first_recorded_, trace.n_generated);
  if (options_.writer != nullptr && options_.level != TraceLevel::kOff) {
    decode_.resize(static_cast<std::size_t>(trace.n_generated) * static_cast<std::size_t>(options_.n_layers));
    first_answer_ = trace.n_thinking;
    write_finished_tokens(trace.n_generated);
  }
  for (std::size_t layer = 0; layer < prefill_.size(); ++layer) {
    if (is_computed(layer)) continue;
    prefill_[layer].computed = false;
    std::ranges::fill(prefill_[layer].counts, std::uint16_t{0});
  }
  trace.prefill = std::move(prefill_);
  // A cancelled run may have begun a token that never came out: it is cut off.
  decode_.resize(static_cast<std::size_t>(trace.n_generated) * static_cast<std::size_t>(options_.n_layers));
  trace.decode = std::move(decode_);
  std::erase_if(exact_, [&](const ExactSelection& exact) { return exact.token >= trace.n_generated; });
  trace.exact.assign(std::make_move_iterator(exact_.begin()), std::make_move_iterator(exact_.end()));
  trace.n_sparse_queries = *std::max_element(n_sparse_.begin(), n_sparse_.end());
  const bool measured = std::any_of(n_recall_.begin(), n_recall_.end(), [](std::int64_t n) { return n > 0; });
  for (std::size_t layer = 0; measured && layer < n_recall_.size(); ++layer) {
    trace.recall.push_back(n_recall_[layer] > 0 ? static_cast<float>(recall_sum_[layer] / static_cast<double>(n_recall_[layer]))
                                                : -1.0f);
  }
  if (options_.writer != nullptr) options_.writer->finish(trace);
  prefill_.clear();
  decode_.clear();
  exact_.clear();
  prefill_bytes_ = decode_bytes_ = exact_bytes_ = 0;
  return trace;
}

}  // namespace engine
