#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "engine/base/result.h"
#include "engine/trace/selection_trace.h"

namespace engine {

/// Writes a trace to disk while the run goes on, chunk by chunk, so that a crash loses only what came
/// after the last whole chunk. Compressing and writing happen on a thread of its own: the engine's thread
/// only copies what it hands over. A full disk ends the writing, never the run.
class TraceWriter {
 public:
  /// Replaces the file at `path`. kIo when it cannot be made.
  static Result<std::unique_ptr<TraceWriter>> create(const std::filesystem::path& path);
  /// Waits until all that was handed over is on disk; without `finish` the file stays incomplete.
  ~TraceWriter();
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  /// First of all, once: the sizes of `head` (its counts may be empty) and where the prompt comes from.
  void begin(const SelectionTrace& head, std::string sources_json);
  /// Rows [first_row, end_row) of a layer are final. Rows of one layer come in order.
  void add_prefill_rows(int layer, const PrefillCounts& prefill, std::int64_t first_row, std::int64_t end_row);
  /// `sets`: [n][n_layers] from `first_token` on, all thinking or all answer.
  void add_tokens(std::span<const BlockSet> sets, int n_layers, std::int64_t first_token, Phase phase);
  /// Complete UTF-8 of the thinking or the answer, in order.
  void add_text(Phase phase, std::string_view text, std::int64_t first_token);
  /// The rest of `trace`: exact positions, recall, totals.
  void finish(const SelectionTrace& trace);

  /// The first thing that went wrong so far; waits for what was handed over.
  Result<void> flush();

 private:
  explicit TraceWriter(std::filesystem::path path);
  void post(std::function<std::string()> encode);
  void run();

  std::filesystem::path path_;
  std::ofstream file_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<std::string()>> jobs_;
  bool is_writing_ = false;
  bool is_closing_ = false;
  bool has_failed_ = false;
  std::thread thread_;
};

/// What a run that ended badly left at `path`: see trace_from_bytes.
Result<std::string> read_trace_file(const std::filesystem::path& path);

}  // namespace engine
