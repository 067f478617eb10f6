#include "app/project/sqlite_project.h"

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <set>

#include "app/document/part_codec.h"
#include "app/project/backups.h"
#include "app/project/schema.h"

namespace app {
namespace {

constexpr std::int64_t kPagesBeforeCheckpoint = 2000;
constexpr std::int64_t kPagesBeforeWaiting = 16'000;  // 64 MiB of log

/// Write-ahead logging needs shared memory, which network file systems do not give.
bool is_on_network(const std::filesystem::path& path) {
  static const std::set<long> kNetworks = {0x6969, 0x517B, static_cast<long>(0xFF534D42), static_cast<long>(0xFE534D42), 0x01021997};
  struct statfs there {};
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  return ::statfs(folder.c_str(), &there) == 0 && kNetworks.contains(there.f_type);
}

Result<void> check_pages(const Database& database) {
  TRY_ASSIGN(auto check, database.prepare("PRAGMA quick_check(1)"));
  TRY_ASSIGN(const bool row, check.step());
  if (row && check.text(0) == "ok") return {};
  return Error{ErrorCode::kCorrupt, database.path().string() + " is damaged (" + check.text(0) +
                                        "). Keep the file and open your latest backup copy of it."};
}

Result<std::unique_ptr<Project>> open_to_read(const std::filesystem::path& path, const std::string& reason) {
  auto opened = Database::open(path, Database::Access::kReadOnly);
  Result<std::int64_t> version = opened ? project_version(**opened) : Result<std::int64_t>(opened.error());
  std::error_code ignored;
  if (!version && version.error().code == ErrorCode::kIo && !std::filesystem::exists(path.string() + "-wal", ignored)) {
    // In a folder that nobody here can write, SQLite cannot make its shared memory; with no log the file is all.
    opened = Database::open(path, Database::Access::kImmutable);
    version = opened ? project_version(**opened) : Result<std::int64_t>(opened.error());
  }
  TRY(version);
  if (*version == 0) return Error{ErrorCode::kInvalidInput, path.string() + " is empty: it is no Longleaf project yet."};
  if (*version != newest_version()) {
    return Error{ErrorCode::kUnsupported, path.string() + " is a project of an older version and has to be brought up to date first. "
                                          "Open it once where it can be written to."};
  }
  return std::unique_ptr<Project>(std::make_unique<SqliteProject>(std::move(opened).value(), nullptr, reason));
}

Result<void> prepare_to_write(const Database& database, bool ended_uncleanly) {
  TRY_ASSIGN(const std::int64_t version, project_version(database));
  TRY(database.execute(is_on_network(database.path()) ? "PRAGMA journal_mode=TRUNCATE" : "PRAGMA journal_mode=WAL"));
  if (ended_uncleanly) TRY(check_pages(database));
  if (version == newest_version()) return {};
  if (version > 0) {
    TRY(copy_safely(database, database.path().string() + ".version-" + std::to_string(version)));
  }
  return bring_to_newest(database, version);
}

}  // namespace

Result<std::unique_ptr<Project>> Project::open(const std::filesystem::path& path, OpenMode mode) {
  std::error_code ignored;
  const bool exists = std::filesystem::exists(path, ignored);
  if (exists && !std::filesystem::is_regular_file(path, ignored)) {
    return Error{ErrorCode::kInvalidInput, path.string() + " is not a file. Choose a .longleaf file."};
  }
  if (mode == OpenMode::kReadOnly) {
    if (!exists) return Error{ErrorCode::kNotFound, path.string() + " does not exist. Choose a .longleaf file."};
    return open_to_read(path, "The project was opened for reading only.");
  }
  TRY_ASSIGN(WriteLock::Outcome outcome, WriteLock::acquire(path));
  if (!outcome.lock) {
    if (!exists) return Error{ErrorCode::kIo, path.string() + " cannot be made here: the folder cannot be written to. Choose another folder."};
    return open_to_read(path, outcome.why_not);
  }
  if (exists && ::access(path.c_str(), W_OK) != 0) {
    WriteLock::release(std::move(outcome.lock), [](bool) {});
    return open_to_read(path, path.string() + " cannot be written to, so the project is open for reading only.");
  }
  const auto log_bytes = std::filesystem::file_size(path.string() + "-wal", ignored);
  const bool ended_uncleanly = outcome.first && !ignored && log_bytes > 0;
  Result<std::unique_ptr<Database>> database = Error{};
  Result<void> ready;
  {
    const std::lock_guard turn(outcome.lock->turn());
    database = Database::open(path, Database::Access::kReadWrite);
    ready = database ? prepare_to_write(**database, ended_uncleanly) : Result<void>(database.error());
  }
  if (!ready) {
    WriteLock::release(std::move(outcome.lock), [&](bool) { database = Error{}; });
    return ready.error();
  }
  return std::unique_ptr<Project>(std::make_unique<SqliteProject>(std::move(database).value(), std::move(outcome.lock), ""));
}

SqliteProject::SqliteProject(std::unique_ptr<Database> database, std::shared_ptr<WriteLock> lock, std::string read_only_reason)
    : database_(std::move(database)), lock_(std::move(lock)), read_only_reason_(std::move(read_only_reason)) {}

SqliteProject::~SqliteProject() {
  if (!lock_) return;
  WriteLock::release(std::move(lock_), [&](bool last) {
    if (last) database_->fold_log_on_close();
    database_.reset();
  });
}

Result<void> SqliteProject::may_write() const {
  if (lock_) return {};
  return Error{ErrorCode::kIo, read_only_reason_ + " Nothing was saved."};
}

Result<void> SqliteProject::write(const std::function<Result<void>()>& body) {
  TRY(may_write());
  const std::lock_guard turn(lock_->turn());
  TRY(database_->transaction(body));
  if (database_->n_log_pages() > kPagesBeforeCheckpoint) database_->checkpoint(database_->n_log_pages() > kPagesBeforeWaiting);
  return {};
}

Result<void> SqliteProject::compact() {
  TRY(may_write());
  const std::lock_guard turn(lock_->turn());
  TRY(database_->execute("INSERT INTO search(search) VALUES('optimize')"));
  TRY(database_->vacuum());
  database_->checkpoint(/*wait_for_readers=*/true);
  return {};
}

Result<std::vector<std::string>> SqliteProject::verify() const {
  std::vector<std::string> damage;
  {
    TRY_ASSIGN(auto check, database_->prepare("PRAGMA integrity_check(20)"));
    for (;;) {
      const auto row = check.step();
      if (!row) {
        damage.push_back(row.error().message);
        break;
      }
      if (!*row) break;
      if (check.text(0) != "ok") damage.push_back("The file's structure: " + check.text(0));
    }
  }
  std::vector<std::pair<PartId, std::string>> parts;
  {
    TRY_ASSIGN(auto list, database_->prepare("SELECT parts.id, documents.title || ', ' || parts.name FROM parts "
                                             "JOIN documents ON documents.id=parts.document ORDER BY parts.id"));
    for (auto row = list.step(); row && *row; row = list.step()) parts.emplace_back(list.integer(0), list.text(1));
  }
  for (const auto& [part, name] : parts) {
    if (const auto text = part_text(part); !text) damage.push_back(name + ": " + text.error().message);
  }
  TRY_ASSIGN(const std::vector<Run> all_runs, runs());
  for (const Run& run : all_runs) {
    if (const auto trace = run_trace(run.id); !trace) damage.push_back("Question of " + run.asked_at + ": " + trace.error().message);
  }
  return damage;
}

}  // namespace app
