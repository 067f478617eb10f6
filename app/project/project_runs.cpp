#include <algorithm>

#include "app/document/part_codec.h"
#include "app/project/sqlite_project.h"

namespace app {
namespace {

// Large traces go into several rows: no row comes near SQLite's limit.
constexpr std::size_t kPieceBytes = 16u << 20;

#define RUN_COLUMNS                                                                                                       \
  "id, asked_at, question, thinking, answer, end, model, settings_json, prompt_map_json, citations_json, "               \
  "n_prompt_tokens, n_cached_tokens, n_generated_tokens, prefill_seconds, decode_seconds"

Run run_of(const Statement& row) {
  Run run;
  run.id = row.integer(0);
  run.asked_at = row.text(1);
  run.question = row.text(2);
  run.thinking = row.text(3);
  run.answer = row.text(4);
  run.end = row.text(5);
  run.model = row.text(6);
  run.settings_json = row.text(7);
  run.prompt_map_json = row.text(8);
  run.citations_json = row.text(9);
  run.n_prompt_tokens = row.integer(10);
  run.n_cached_tokens = row.integer(11);
  run.n_generated_tokens = row.integer(12);
  run.prefill_seconds = row.real(13);
  run.decode_seconds = row.real(14);
  return run;
}

Error no_such_run(RunId id) { return {ErrorCode::kNotFound, "The project has no question number " + std::to_string(id) + "."}; }

}  // namespace

Result<RunId> SqliteProject::save_run(const Run& run, std::string_view trace) {
  RunId id = 0;
  TRY(write([&]() -> Result<void> {
    TRY_ASSIGN(auto insert, database_->prepare(
        "INSERT INTO runs(asked_at, question, thinking, answer, end, model, settings_json, prompt_map_json, citations_json, "
        "n_prompt_tokens, n_cached_tokens, n_generated_tokens, prefill_seconds, decode_seconds) "
        "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"));
    TRY(insert.with(run.asked_at, run.question, run.thinking, run.answer, run.end, run.model, run.settings_json, run.prompt_map_json,
                    run.citations_json, run.n_prompt_tokens, run.n_cached_tokens, run.n_generated_tokens, run.prefill_seconds,
                    run.decode_seconds).run());
    id = database_->last_id();
    std::int64_t n_pieces = 0;
    for (std::string_view left = trace; !left.empty(); ++n_pieces) {
      const std::string_view piece = left.substr(0, kPieceBytes);
      const std::string checksum = checksum_of({piece});
      TRY_ASSIGN(auto insert_piece, database_->prepare("INSERT INTO run_traces(run, piece, bytes, checksum) VALUES(?1, ?2, ?3, ?4)"));
      TRY(insert_piece.with(id, n_pieces).blob(piece).blob(checksum).run());
      left.remove_prefix(piece.size());
    }
    return {};
  }));
  back_up_when_due();
  return id;
}

Result<std::vector<Run>> SqliteProject::runs() const {
  TRY_ASSIGN(auto rows, database_->prepare("SELECT " RUN_COLUMNS " FROM runs ORDER BY id DESC"));
  std::vector<Run> runs;
  for (;;) {
    TRY_ASSIGN(const bool row, rows.step());
    if (!row) return runs;
    runs.push_back(run_of(rows));
  }
}

Result<Run> SqliteProject::run(RunId id) const {
  TRY_ASSIGN(auto rows, database_->prepare("SELECT " RUN_COLUMNS " FROM runs WHERE id=?1"));
  TRY_ASSIGN(const bool row, rows.with(id).step());
  if (!row) return no_such_run(id);
  return run_of(rows);
}

Result<std::string> SqliteProject::run_trace(RunId id) const {
  TRY(run(id));
  TRY_ASSIGN(auto rows, database_->prepare("SELECT bytes, checksum FROM run_traces WHERE run=?1 ORDER BY piece"));
  rows.with(id);
  std::string trace;
  for (;;) {
    TRY_ASSIGN(const bool row, rows.step());
    if (!row) return trace;
    if (checksum_of({rows.bytes(0)}) != rows.bytes(1)) {
      return Error{ErrorCode::kCorrupt, "The picture of what the model read is damaged for this answer (its checksum differs). Ask again to record it anew."};
    }
    trace += rows.bytes(0);
  }
}

Result<std::optional<std::string>> SqliteProject::setting(std::string_view key) const {
  TRY_ASSIGN(auto rows, database_->prepare("SELECT value FROM settings WHERE key=?1"));
  TRY_ASSIGN(const bool row, rows.with(key).step());
  if (!row) return std::optional<std::string>();
  return std::optional<std::string>(rows.text(0));
}

Result<void> SqliteProject::set_setting(std::string_view key, std::string_view value) {
  return write([&]() -> Result<void> {
    TRY_ASSIGN(auto insert, database_->prepare("INSERT INTO settings(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=excluded.value"));
    return insert.with(key, value).run();
  });
}

}  // namespace app
