#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace app {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

/// A prepared statement, bound and stepped. Goes back to its Database, reset, when it dies.
class Statement {
 public:
  Statement(sqlite3* connection, sqlite3_stmt* statement) : connection_(connection), statement_(statement) {}
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Binds from left to right; text and blobs must live until the statement is stepped.
  template <typename... Values>
  Statement& with(const Values&... values) {
    (bind(values), ...);
    return *this;
  }
  Statement& blob(std::string_view bytes);
  Statement& null();

  /// True: a row is there.
  Result<bool> step();
  /// For statements without rows.
  Result<void> run();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  std::string_view bytes(int column) const;  // valid until the next step
  bool is_null(int column) const;

 private:
  void bind(std::int64_t value);
  void bind(std::int32_t value) { bind(static_cast<std::int64_t>(value)); }
  void bind(bool value) { bind(static_cast<std::int64_t>(value)); }
  void bind(double value);
  void bind(std::string_view value);
  void bind(const std::string& value) { bind(std::string_view(value)); }

  sqlite3* connection_;
  sqlite3_stmt* statement_;
  int next_ = 1;
  int fault_ = 0;  // first error of a bind, told by step()
};

/// One connection to one project file. Not for two threads at once.
class Database {
 public:
  enum class Access { kReadWrite, kReadOnly, kImmutable };

  /// kImmutable: nobody can write the file, not even its lock; for read-only places.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& path, Access access);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// `sql` must be a literal: statements are kept by its address.
  Result<Statement> prepare(const char* sql) const;
  /// Statements without parameters, one after the other.
  Result<void> execute(const std::string& sql) const;
  Result<std::int64_t> integer(const std::string& sql) const;
  std::int64_t last_id() const;
  std::int64_t n_changed() const;

  /// BEGIN IMMEDIATE, `body`, COMMIT; all of it or nothing.
  Result<void> transaction(const std::function<Result<void>()>& body) const;

  /// Moves the log into the file. Only the writing process may call it, one thread at a time.
  void checkpoint(bool wait_for_readers) const;
  std::int64_t n_log_pages() const { return n_log_pages_; }
  /// The last writer folds the log into the file and removes it when it closes.
  void fold_log_on_close() const;

  Result<void> vacuum() const;
  /// Copies all pages into a new file.
  Result<void> copy_to(const std::filesystem::path& copy) const;

  /// The error for an SQLite code, as a sentence with the file's name.
  Error error(int code) const;

 private:
  Database(std::filesystem::path path, sqlite3* connection);

  std::filesystem::path path_;
  sqlite3* connection_;
  mutable std::map<const char*, sqlite3_stmt*> statements_;
  std::int64_t n_log_pages_ = 0;
};

}  // namespace app
