#pragma once

#include "app/project/database.h"

namespace app {

/// "LLf1" at byte 68 of the file: how `file` and we tell a project from other databases.
inline constexpr std::int64_t kApplicationId = 0x4C4C6631;

/// The version this program writes, in PRAGMA user_version. Older files are migrated step by step.
std::int64_t newest_version();

/// What the file is: checks that it is a project (or empty) of a version this program knows. Writes nothing.
Result<std::int64_t> project_version(const Database& database);

/// Makes the tables of an empty file, or brings an older project to the newest version: one transaction.
Result<void> bring_to_newest(const Database& database, std::int64_t version);

}  // namespace app
