#pragma once

#include <filesystem>
#include <string_view>

/// The one door to the log (spdlog, standard error, and a file where one is named). Document text is never logged.
namespace engine {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Thread safe. Format the message with std::string or fmt before the call.
void log(LogLevel level, std::string_view message);

/// What is below `level` is dropped. The default is kWarning; LONGLEAF_LOG=debug|info|warning|error overrides it.
void set_log_level(LogLevel level);

/// From now on every message from kInfo on goes to the end of `file` too. Does nothing where it cannot be written.
void log_to_file(const std::filesystem::path& file);

}  // namespace engine
