#pragma once

#include <filesystem>

#include "app/project/database.h"

namespace app {

/// A whole copy of the project under another name. It replaces `copy` only when it is on the disk.
Result<void> copy_safely(const Database& database, const std::filesystem::path& copy);

/// NAME.backup-2 becomes 3, 1 becomes 2, and a new copy 1. When the copying fails, all stay as they were.
Result<void> rotate(const Database& database);

/// Whether `since` (seconds of the epoch) and the newest of these copies are older than a day, and the
/// disk has room for another.
bool backup_is_due(const std::filesystem::path& project, std::int64_t since);
std::int64_t seconds_now();

}  // namespace app
