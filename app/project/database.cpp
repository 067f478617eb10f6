#include "app/project/database.h"

#include <sqlite3.h>

#include <utility>

namespace app {
namespace {

constexpr int kBusyTimeoutMs = 10'000;
constexpr int kPagesPerCopyStep = 1024;

std::string sentence_for(int code, const std::string& file, const char* detail) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "The disk is full: " + file + " could not grow. What was saved before is safe; make room and try again.";
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return file + " cannot be written to. Check the rights of the file and its folder, or save a copy elsewhere.";
    case SQLITE_CANTOPEN:
      return file + " cannot be opened. Check that the folder exists and may be read and written.";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return file + " is in use by another program. Close it there and try again.";
    case SQLITE_NOTADB:
      return file + " is not a Longleaf project. Choose a .longleaf file, or make a new project under another name.";
    case SQLITE_CORRUPT:
      return file + " is damaged (" + detail + "). Nothing was changed in it; keep it and open your latest backup copy.";
    case SQLITE_NOMEM:
      return "There was not enough memory to work on " + file + ". Close other programs and try again.";
    case SQLITE_TOOBIG:
      return "A text or picture of the selection is too large for " + file + ".";
    case SQLITE_IOERR:
      return file + " could not be read or written (" + detail + "). Check the disk and its connection.";
    default:
      return file + ": " + detail + ".";
  }
}

ErrorCode code_for(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
      return ErrorCode::kCorrupt;
    case SQLITE_NOTADB:
    case SQLITE_TOOBIG:
      return ErrorCode::kInvalidInput;
    case SQLITE_NOMEM:
      return ErrorCode::kOutOfMemory;
    default:
      return ErrorCode::kIo;
  }
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_), statement_(std::exchange(other.statement_, nullptr)), next_(other.next_), fault_(other.fault_) {}

Statement::~Statement() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Statement::bind(std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, next_++, value);
  if (!fault_) fault_ = code;
}

void Statement::bind(double value) {
  const int code = sqlite3_bind_double(statement_, next_++, value);
  if (!fault_) fault_ = code;
}

void Statement::bind(std::string_view value) {
  // An empty view may have no address, and a null address would bind NULL.
  const int code = sqlite3_bind_text64(statement_, next_++, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (!fault_) fault_ = code;
}

Statement& Statement::blob(std::string_view bytes) {
  const int code = sqlite3_bind_blob64(statement_, next_++, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
  if (!fault_) fault_ = code;
  return *this;
}

Statement& Statement::null() {
  const int code = sqlite3_bind_null(statement_, next_++);
  if (!fault_) fault_ = code;
  return *this;
}

namespace {

Error error_of(sqlite3* connection, int code) {
  const char* name = sqlite3_db_filename(connection, "main");
  return {code_for(code), sentence_for(code, name && *name ? name : "The project", sqlite3_errmsg(connection))};
}

}  // namespace

Result<bool> Statement::step() {
  if (fault_) return error_of(connection_, fault_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return error_of(connection_, code);
}

Result<void> Statement::run() {
  TRY_ASSIGN([[maybe_unused]] const bool row, step());
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  next_ = 1;
  return {};
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }
std::string Statement::text(int column) const { return std::string(bytes(column)); }
bool Statement::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data ? std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size)) : std::string_view();
}

Database::Database(std::filesystem::path path, sqlite3* connection) : path_(std::move(path)), connection_(connection) {}

Database::~Database() {
  for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(connection_);
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path, Access access) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  std::string name = path.string();
  if (access == Access::kReadWrite) {
    flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  } else {
    flags |= SQLITE_OPEN_READONLY;
  }
  if (access == Access::kImmutable) {
    flags |= SQLITE_OPEN_URI;
    static constexpr char kHex[] = "0123456789abcdef";
    std::string uri = "file:";
    for (const unsigned char byte : std::filesystem::absolute(path).string()) {
      if (std::isalnum(byte) || byte == '/' || byte == '.' || byte == '-' || byte == '_') {
        uri += static_cast<char>(byte);
      } else {
        uri += {'%', kHex[byte >> 4], kHex[byte & 15]};
      }
    }
    name = uri + "?immutable=1";
  }
  sqlite3* connection = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &connection, flags, nullptr);
  std::unique_ptr<Database> database(new Database(path, connection));
  if (code != SQLITE_OK) return database->error(code);

  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  // Only the writing process may checkpoint, and it says when: SQLite before 3.51.3 can damage the
  // file when two connections write or checkpoint at the same moment.
  sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_wal_autocheckpoint(connection, 0);
  sqlite3_wal_hook(
      connection,
      [](void* self, sqlite3*, const char*, int n_pages) {
        static_cast<Database*>(self)->n_log_pages_ = n_pages;
        return SQLITE_OK;
      },
      database.get());
  sqlite3_limit(connection, SQLITE_LIMIT_SQL_LENGTH, 1 << 20);
  sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
  TRY(database->execute("PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL"));
  return database;
}

Error Database::error(int code) const {
  return {code_for(code), sentence_for(code, path_.string(), connection_ ? sqlite3_errmsg(connection_) : "no memory")};
}

Result<Statement> Database::prepare(const char* sql) const {
  sqlite3_stmt*& kept = statements_[sql];
  if (!kept) {
    const int code = sqlite3_prepare_v3(connection_, sql, -1, SQLITE_PREPARE_PERSISTENT, &kept, nullptr);
    if (code != SQLITE_OK) return error(code);
  }
  CHECK(!sqlite3_stmt_busy(kept));
  return Statement(connection_, kept);
}

Result<void> Database::execute(const std::string& sql) const {
  const int code = sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code);
  return {};
}

Result<std::int64_t> Database::integer(const std::string& sql) const {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(connection_, sql.c_str(), -1, &statement, nullptr);
  if (code != SQLITE_OK) return error(code);
  std::int64_t value = 0;
  code = sqlite3_step(statement);
  if (code == SQLITE_ROW) value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  if (code != SQLITE_ROW && code != SQLITE_DONE) return error(code);
  return value;
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(connection_); }
std::int64_t Database::n_changed() const { return sqlite3_changes64(connection_); }

Result<void> Database::transaction(const std::function<Result<void>()>& body) const {
  TRY(execute("BEGIN IMMEDIATE"));
  Result<void> result = body();
  if (result) result = execute("COMMIT");
  // A full disk rolls back by itself; otherwise the half transaction is still open.
  if (!result && !sqlite3_get_autocommit(connection_)) sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
  return result;
}

void Database::checkpoint(bool wait_for_readers) const {
  sqlite3_wal_checkpoint_v2(connection_, "main", wait_for_readers ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

void Database::fold_log_on_close() const { sqlite3_db_config(connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr); }

Result<void> Database::vacuum() const {
  // VACUUM attaches a database of its own, which nobody else may.
  sqlite3_limit(connection_, SQLITE_LIMIT_ATTACHED, 1);
  Result<void> done = execute("VACUUM");
  sqlite3_limit(connection_, SQLITE_LIMIT_ATTACHED, 0);
  return done;
}

Result<void> Database::copy_to(const std::filesystem::path& copy) const {
  sqlite3* target = nullptr;
  int code = sqlite3_open_v2(copy.string().c_str(), &target, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  sqlite3_backup* backup = code == SQLITE_OK ? sqlite3_backup_init(target, "main", connection_, "main") : nullptr;
  if (backup) {
    do {
      code = sqlite3_backup_step(backup, kPagesPerCopyStep);
    } while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED);
    code = sqlite3_backup_finish(backup);
  } else if (code == SQLITE_OK) {
    code = sqlite3_errcode(target);
  }
  // The copy is one file: no log beside it.
  if (code == SQLITE_OK) code = sqlite3_exec(target, "PRAGMA journal_mode=DELETE", nullptr, nullptr, nullptr);
  Result<void> result;
  if (code != SQLITE_OK) result = Error{code_for(code), sentence_for(code, copy.string(), target ? sqlite3_errmsg(target) : "no memory")};
  sqlite3_close_v2(target);
  return result;
}

}  // namespace app
