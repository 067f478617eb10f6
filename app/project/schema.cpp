#include "app/project/schema.h"

#include <array>

namespace app {
namespace {

// Never edit a step that was released: add one.
constexpr const char* kVersion1 = R"(
CREATE TABLE documents(
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  title TEXT NOT NULL,
  path TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  n_expected_parts INTEGER NOT NULL,
  finished INTEGER NOT NULL DEFAULT 0,
  removed INTEGER NOT NULL DEFAULT 0,
  note TEXT NOT NULL
) STRICT;
CREATE TABLE parts(
  id INTEGER PRIMARY KEY,
  document INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL,
  name TEXT NOT NULL,
  language TEXT NOT NULL,
  n_bytes INTEGER NOT NULL,
  confidence REAL NOT NULL,
  note TEXT NOT NULL,
  content_hash TEXT NOT NULL,
  gone INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX parts_of_document ON parts(document, ordinal);
CREATE TABLE part_texts(
  part INTEGER PRIMARY KEY REFERENCES parts(id) ON DELETE CASCADE,
  text TEXT NOT NULL,
  margins TEXT NOT NULL,
  width_pt REAL NOT NULL,
  height_pt REAL NOT NULL,
  spans BLOB NOT NULL,
  words BLOB NOT NULL,
  checksum BLOB NOT NULL
) STRICT;
CREATE VIRTUAL TABLE search USING fts5(text, content='part_texts', content_rowid='part', tokenize="unicode61 remove_diacritics 2");
CREATE TABLE left_out(
  document INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  path TEXT NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX left_out_of_document ON left_out(document);
CREATE TABLE runs(
  id INTEGER PRIMARY KEY,
  asked_at TEXT NOT NULL,
  question TEXT NOT NULL,
  thinking TEXT NOT NULL,
  answer TEXT NOT NULL,
  end TEXT NOT NULL,
  model TEXT NOT NULL,
  settings_json TEXT NOT NULL,
  prompt_map_json TEXT NOT NULL,
  citations_json TEXT NOT NULL,
  n_prompt_tokens INTEGER NOT NULL,
  n_cached_tokens INTEGER NOT NULL,
  n_generated_tokens INTEGER NOT NULL,
  prefill_seconds REAL NOT NULL,
  decode_seconds REAL NOT NULL
) STRICT;
CREATE TABLE run_traces(
  run INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
  piece INTEGER NOT NULL,
  bytes BLOB NOT NULL,
  checksum BLOB NOT NULL,
  PRIMARY KEY(run, piece)
) STRICT;
CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
)";

// What cannot be seen on a page, what the code of a file defines, and the revisions of code.
constexpr const char* kVersion2 = R"(
ALTER TABLE part_texts ADD COLUMN hidden TEXT NOT NULL DEFAULT '';
ALTER TABLE parts ADD COLUMN last_change TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN revision TEXT NOT NULL DEFAULT '';
CREATE TABLE symbols(
  part INTEGER NOT NULL REFERENCES parts(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  scope TEXT NOT NULL,
  first_line INTEGER NOT NULL,
  last_line INTEGER NOT NULL
) STRICT;
CREATE INDEX symbols_of_part ON symbols(part, first_line);
CREATE INDEX symbols_by_name ON symbols(name COLLATE NOCASE);
)";

// In which files definitions were looked for, also when there are none.
constexpr const char* kVersion3 = R"(
ALTER TABLE parts ADD COLUMN has_symbols INTEGER NOT NULL DEFAULT 0;
)";

constexpr std::array kSteps = {kVersion1, kVersion2, kVersion3};

}  // namespace

std::int64_t newest_version() { return static_cast<std::int64_t>(kSteps.size()); }

Result<std::int64_t> project_version(const Database& database) {
  TRY_ASSIGN(const std::int64_t application, database.integer("PRAGMA application_id"));
  TRY_ASSIGN(const std::int64_t version, database.integer("PRAGMA user_version"));
  const std::string name = database.path().string();
  if (application != kApplicationId) {
    TRY_ASSIGN(const std::int64_t n_tables, database.integer("SELECT count(*) FROM sqlite_schema"));
    if (application == 0 && version == 0 && n_tables == 0) return 0;
    return Error{ErrorCode::kInvalidInput,
                 name + " is a database of another program, not a Longleaf project. Choose a .longleaf file."};
  }
  if (version > newest_version()) {
    return Error{ErrorCode::kUnsupported, name + " was made by a newer Longleaf (project version " + std::to_string(version) +
                                              "; this program knows versions up to " + std::to_string(newest_version()) +
                                              "). Update Longleaf to open it."};
  }
  if (version < 1) return Error{ErrorCode::kCorrupt, name + " has no valid project version. Open a backup copy of it."};
  return version;
}

Result<void> bring_to_newest(const Database& database, std::int64_t version) {
  return database.transaction([&]() -> Result<void> {
    // Another process may have done it between our look and our lock.
    TRY_ASSIGN(std::int64_t at, database.integer("PRAGMA user_version"));
    if (at < version) at = version;
    for (; at < newest_version(); ++at) TRY(database.execute(kSteps[static_cast<std::size_t>(at)]));
    TRY(database.execute("PRAGMA application_id=" + std::to_string(kApplicationId)));
    return database.execute("PRAGMA user_version=" + std::to_string(newest_version()));
  });
}

}  // namespace app
