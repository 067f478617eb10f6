#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/document/page.h"
#include "engine/base/result.h"

namespace app {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

enum class DocumentKind : std::uint8_t { kPdf, kCodeTree, kTextFile };

using DocumentId = std::int64_t;
using PartId = std::int64_t;
using RunId = std::int64_t;

struct Document {
  DocumentId id = 0;
  DocumentKind kind = DocumentKind::kPdf;
  std::string title;        // file name, or folder name
  std::string path;         // where it was read from
  std::string content_hash; // of the file; empty for trees
  std::int64_t n_parts = 0;
  std::int64_t n_expected_parts = 0;  // larger than n_parts while it is still being read
  std::string note;         // what could not be read, for the user
  bool finished = false;    // every part that can be had is there
  std::string revision;     // trees under git: "main 1a2b3c4 2026-11-20 Subject", else empty
};

/// One page of a PDF or one file of a tree.
struct Part {
  PartId id = 0;
  DocumentId document = 0;
  std::int32_t ordinal = 0;   // pages: 1-based page number; files: order of the tree
  std::string name;           // pages: page label ("iv", "14"); files: path inside the tree
  std::string language;       // files: "C++", "Python", ...; empty on pages
  std::int64_t n_bytes = 0;   // of the text
  double confidence = 1.0;
  std::string note;
  std::string content_hash;   // files: of the bytes as they were read; empty on pages
  std::string last_change;    // files under git: "1a2b3c4 2026-11-20 Author: Subject", else empty
};

/// A file that the tree has and the project has not, and why.
struct LeftOut {
  DocumentId document = 0;
  std::string path;
  std::string reason;
};

/// One question and what came of it.
struct Run {
  RunId id = 0;
  std::string asked_at;         // UTC, ISO 8601
  std::string question;
  std::string thinking;
  std::string answer;
  std::string end;              // "end", "length", "cancelled", "interrupted" (the program ended first)
  std::string model;            // name and hash
  std::string settings_json;    // sampling, selection, versions: enough to run it again
  std::string prompt_map_json;  // anchors and token ranges -> spans (prompt_map.h)
  std::string citations_json;
  std::int64_t n_prompt_tokens = 0;
  std::int64_t n_cached_tokens = 0;
  std::int64_t n_generated_tokens = 0;
  double prefill_seconds = 0;
  double decode_seconds = 0;
};

/// A place that full-text search found.
struct SearchHit {
  PartId part = 0;
  DocumentId document = 0;
  std::int32_t ordinal = 0;
  std::string part_name;        // page label or path
  std::string document_title;
  std::string snippet;          // a few words around the first match
  std::vector<std::pair<std::uint32_t, std::uint32_t>> marks;  // bytes of `snippet` that match
};

/// A definition that was searched for by its name.
struct SymbolHit {
  PartId part = 0;
  DocumentId document = 0;
  std::string part_name;
  Symbol symbol;
};

/// What a second reading of a document found. Parts that are gone stay readable by their id, so that
/// old answers keep their sources, until purge_removed().
struct DocumentChange {
  std::vector<std::pair<Part, PartText>> added;
  std::vector<Part> moved;            // id, and the new name and ordinal
  std::vector<PartId> gone;
  std::vector<LeftOut> left_out;      // the whole new list
  std::string content_hash;
  std::string path;
  std::string title;
  std::int64_t n_expected_parts = 0;
  std::string revision = "";          // empty: as it was
};

enum class OpenMode { kReadWrite, kReadOnly };

/// A project is one SQLite file (.longleaf). Values in, values out; nobody else sees SQL.
/// One Project per thread (each opens its own connection). One process at a time may write: within it
/// the writing calls of all threads take turns; a second process gets the project read-only.
class Project {
 public:
  /// Makes the file when it does not exist. Refuses a file of a newer version (its message names the
  /// version needed) and a file that is no project; a damaged one is reported, never overwritten.
  static Result<std::unique_ptr<Project>> open(const std::filesystem::path& path, OpenMode mode = OpenMode::kReadWrite);
  virtual ~Project() = default;

  virtual std::filesystem::path path() const = 0;
  /// Also true after kReadWrite, when another process writes or the place cannot be written to.
  virtual bool read_only() const = 0;
  virtual std::string read_only_reason() const = 0;  // a sentence for the user; empty when writable

  virtual Result<std::vector<Document>> documents() const = 0;
  virtual Result<std::vector<Part>> parts(DocumentId document) const = 0;
  virtual Result<PartText> part_text(PartId part) const = 0;
  /// What the code of a file defines, by line.
  virtual Result<std::vector<Symbol>> symbols(PartId part) const = 0;
  /// Files in which nobody has looked for definitions yet; set_symbols() says what was found (maybe
  /// nothing), in one transaction.
  virtual Result<std::vector<Part>> parts_without_symbols(DocumentId document) const = 0;
  virtual Result<void> set_symbols(const std::vector<std::pair<PartId, std::vector<Symbol>>>& symbols) = 0;
  /// Definitions whose names begin with `name` (any case), whole names first.
  virtual Result<std::vector<SymbolHit>> find_symbols(std::string_view name, int max_hits) const = 0;
  virtual Result<std::vector<LeftOut>> left_out(DocumentId document) const = 0;

  /// A document grows by batches of parts; each call is one transaction.
  virtual Result<DocumentId> add_document(const Document& document) = 0;
  virtual Result<PartId> add_part(DocumentId document, const Part& part, const PartText& text) = 0;
  virtual Result<void> add_parts(DocumentId document, const std::vector<std::pair<Part, PartText>>& parts) = 0;
  virtual Result<void> add_left_out(const std::vector<LeftOut>& files) = 0;
  virtual Result<void> finish_document(DocumentId document, std::string_view note) = 0;
  virtual Result<void> change_document(DocumentId document, const DocumentChange& change) = 0;  // one transaction

  /// Takes the document out of documents() and search(); restore_document() undoes it. Its parts stay
  /// readable by id until purge_removed().
  virtual Result<void> remove_document(DocumentId document) = 0;
  virtual Result<void> restore_document(DocumentId document) = 0;
  virtual Result<std::vector<Document>> removed_documents() const = 0;
  virtual Result<void> purge_removed() = 0;

  /// Pages and files with all of these words ("a phrase" in quotes), best first. The last word may be unfinished.
  virtual Result<std::vector<SearchHit>> search(std::string_view words, int max_hits) const = 0;

  /// `trace` is the trace file's bytes (engine/trace/trace_file.h), may be empty.
  virtual Result<RunId> save_run(const Run& run, std::string_view trace) = 0;
  virtual Result<std::vector<Run>> runs() const = 0;  // newest first
  virtual Result<Run> run(RunId id) const = 0;
  virtual Result<std::string> run_trace(RunId id) const = 0;

  /// Small things a window or a job wants to find again (chosen sources, half-typed question).
  virtual Result<std::optional<std::string>> setting(std::string_view key) const = 0;
  virtual Result<void> set_setting(std::string_view key, std::string_view value) = 0;

  /// A whole copy under another name, also while the project is in use. Replaces `copy` only when done.
  virtual Result<void> back_up(const std::filesystem::path& copy) const = 0;
  /// The same beside the project as NAME.backup-1; the two before it become 2 and 3. Done by itself
  /// once a day when something is saved and the disk has room.
  virtual Result<void> rotate_backups() = 0;
  /// Gives the room of purged documents back to the disk.
  virtual Result<void> compact() = 0;
  /// Reads everything and compares it with its checksums. One sentence per damage; empty: all is well.
  virtual Result<std::vector<std::string>> verify() const = 0;
};

}  // namespace app
