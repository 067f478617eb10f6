#include "engine/trace/trace_writer.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "engine/trace/trace_chunk.h"
#include "engine/trace/trace_file.h"

namespace engine {

namespace {

constexpr std::size_t kExactPerChunk = 1024;

}  // namespace

Result<std::unique_ptr<TraceWriter>> TraceWriter::create(const std::filesystem::path& path) {
  auto writer = std::unique_ptr<TraceWriter>(new TraceWriter(path));
  if (!writer->file_) {
    return Error{ErrorCode::kIo, "The selection trace cannot be written to " + path.string() + ": is there room, and may you write there?"};
  }
  return writer;
}

TraceWriter::TraceWriter(std::filesystem::path path) : path_(std::move(path)), file_(path_, std::ios::binary | std::ios::trunc) {
  thread_ = std::thread([this] { run(); });
}

TraceWriter::~TraceWriter() {
  {
    const std::lock_guard lock(mutex_);
    is_closing_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void TraceWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_closing_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    const auto encode = std::move(jobs_.front());
    jobs_.pop_front();
    is_writing_ = true;
    lock.unlock();
    if (file_) {
      const std::string bytes = encode();
      file_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      file_.flush();  // a whole chunk is safe from a crash of this program
    }
    lock.lock();
    has_failed_ = has_failed_ || !file_;
    is_writing_ = false;
    changed_.notify_all();
  }
}

void TraceWriter::post(std::function<std::string()> encode) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(encode));
  }
  changed_.notify_all();
}

void TraceWriter::begin(const SelectionTrace& head, std::string sources_json) {
  std::string start = trace_start() + encode_head(head);
  post([start = std::move(start), sources = std::move(sources_json)] {
    return sources.empty() ? start : start + encode_chunk(kSourcesChunk, 0, 1, sources);
  });
}

void TraceWriter::add_prefill_rows(int layer, const PrefillCounts& prefill, std::int64_t first_row, std::int64_t end_row) {
  const std::size_t begin = prefill.row_offset(first_row);
  const std::size_t end = end_row == prefill.n_query_blocks ? prefill.n_counts() : prefill.row_offset(end_row);
  std::vector<std::uint16_t> counts(prefill.counts.begin() + static_cast<std::ptrdiff_t>(begin),
                                    prefill.counts.begin() + static_cast<std::ptrdiff_t>(end));
  post([layer, first_row, end_row, query_block = prefill.query_block, counts = std::move(counts)] {
    return encode_counts(counts, layer, query_block, first_row, end_row);
  });
}

void TraceWriter::add_tokens(std::span<const BlockSet> sets, int n_layers, std::int64_t first_token, Phase phase) {
  std::vector<BlockSet> copy(sets.begin(), sets.end());
  post([copy = std::move(copy), n_layers, first_token, phase] {
    const auto n_tokens = static_cast<std::int64_t>(copy.size()) / n_layers;
    return encode_tokens(copy, n_layers, first_token, phase == Phase::kThinking ? n_tokens : 0);
  });
}

void TraceWriter::add_text(Phase phase, std::string_view text, std::int64_t first_token) {
  post([phase, text = std::string(text), first_token] { return encode_said(phase, text, first_token); });
}

void TraceWriter::finish(const SelectionTrace& trace) {
  std::string rest;
  for (std::size_t i = 0; i < trace.exact.size(); i += kExactPerChunk) {
    rest += encode_exact(std::span(trace.exact).subspan(i, std::min(kExactPerChunk, trace.exact.size() - i)));
  }
  if (!trace.recall.empty()) rest += encode_recall(trace.recall);
  if (!trace.token_texts.empty()) rest += encode_token_texts(trace.token_texts);
  SelectionTrace totals;
  totals.n_generated = trace.n_generated;
  totals.n_thinking = trace.n_thinking;
  totals.n_sparse_queries = trace.n_sparse_queries;
  totals.first_recorded = 0;  // what fell out of memory is in the file
  rest += encode_done(totals);
  post([rest = std::move(rest)] { return rest; });
}

Result<void> TraceWriter::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return jobs_.empty() && !is_writing_; });
  if (!has_failed_) return {};
  return Error{ErrorCode::kIo, "The selection trace could not be written to " + path_.string() + ": is the disk full? The answer itself is not affected."};
}

Result<std::string> read_trace_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) return Error{ErrorCode::kIo, "The selection trace " + path.string() + " cannot be read."};
  return bytes;
}

}  // namespace engine
