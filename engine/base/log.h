#pragma once

#include <string_view>

/// The one door to the log (spdlog, standard error). Document text is never logged.
namespace engine {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Thread safe. Format the message with std::string or fmt before the call.
void log(LogLevel level, std::string_view message);

/// What is below `level` is dropped. The default is kWarning; LONGLEAF_LOG=debug|info|warning|error overrides it.
void set_log_level(LogLevel level);

}  // namespace engine
