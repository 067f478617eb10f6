#include "app/project/backups.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>

#include "app/project/sqlite_project.h"

namespace app {
namespace {

constexpr int kGenerations = 3;
constexpr std::int64_t kDaySeconds = 24 * 3600;
constexpr const char* kSince = "backups.since";
constexpr std::uintmax_t kLeastRoom = 1u << 30;  // that a backup leaves on the disk

std::filesystem::path generation(const std::filesystem::path& project, int number) { return project.string() + ".backup-" + std::to_string(number); }

/// 0: it is not there.
std::int64_t written_at(const std::filesystem::path& file) {
  struct stat facts {};
  return ::stat(file.c_str(), &facts) == 0 ? facts.st_mtime : 0;
}

bool sync(const std::filesystem::path& path, int flags) {
  const int file = ::open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  return synced;
}

}  // namespace

Result<void> copy_safely(const Database& database, const std::filesystem::path& copy) {
  std::error_code ignored;
  const std::filesystem::path half = copy.string() + ".tmp";
  std::filesystem::remove(half, ignored);
  Result<void> copied = database.copy_to(half);
  if (copied) {
    // The copy must be on the disk before it takes the name of an older one.
    const bool synced = sync(half, O_RDONLY);
    std::error_code failed;
    if (synced) std::filesystem::rename(half, copy, failed);
    if (!synced || failed) copied = Error{ErrorCode::kIo, copy.string() + " could not be written. Check the disk and choose another place."};
    sync(copy.has_parent_path() ? copy.parent_path() : ".", O_RDONLY | O_DIRECTORY);
  }
  if (!copied) std::filesystem::remove(half, ignored);
  return copied;
}

Result<void> rotate(const Database& database) {
  const std::filesystem::path fresh = database.path().string() + ".backup-new";
  TRY(copy_safely(database, fresh));
  std::error_code failed;
  for (int number = kGenerations; number > 1; --number) {
    if (std::filesystem::exists(generation(database.path(), number - 1), failed)) {
      std::filesystem::rename(generation(database.path(), number - 1), generation(database.path(), number), failed);
    }
  }
  std::filesystem::rename(fresh, generation(database.path(), 1), failed);
  if (failed) return Error{ErrorCode::kIo, generation(database.path(), 1).string() + " could not be written: " + failed.message() + ". Check the rights of its folder."};
  return {};
}

std::int64_t seconds_now() { return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()); }

bool backup_is_due(const std::filesystem::path& project, std::int64_t since) {
  const std::int64_t last = std::max<std::int64_t>(since, written_at(generation(project, 1)));
  if (std::abs(seconds_now() - last) < kDaySeconds) return false;
  std::error_code failed;
  const std::uintmax_t n_bytes = std::filesystem::file_size(project, failed);
  const std::filesystem::space_info room = std::filesystem::space(project, failed);
  return !failed && room.available > n_bytes && room.available - n_bytes > kLeastRoom;
}

Result<void> SqliteProject::back_up(const std::filesystem::path& copy) const {
  std::error_code ignored;
  if (std::filesystem::equivalent(copy, path(), ignored)) {
    return Error{ErrorCode::kInvalidInput, copy.string() + " is the project itself. Choose another name for the copy."};
  }
  return copy_safely(*database_, copy);
}

Result<void> SqliteProject::rotate_backups() {
  TRY(may_write());
  const std::lock_guard turn(lock_->turn());
  return rotate(*database_);
}

/// Never an error: what was saved is saved, whether or not there is a second copy of it.
void SqliteProject::back_up_when_due() {
  const auto since = setting(kSince);
  if (!since) return;
  std::int64_t seconds = 0;
  if (*since) std::from_chars((*since)->data(), (*since)->data() + (*since)->size(), seconds);
  if (seconds == 0) {
    (void)set_setting(kSince, std::to_string(seconds_now()));
  } else if (backup_is_due(path(), seconds)) {
    (void)rotate_backups();
  }
}

}  // namespace app
