#pragma once

#include <QString>
#include <QStringList>

#include <filesystem>
#include <optional>

#include "app/project/project.h"

namespace ui {

/// The file on disk that a part was read from; nothing for pages, for files that are gone, and for
/// names that lead out of their folder.
std::optional<std::filesystem::path> file_of_part(const app::Document& document, const app::Part& part);

/// Program and arguments that open a file at a line: `command` holds {file} and {line}; the parts are
/// never seen by a shell. With an empty command the first well-known editor that is installed.
/// Nothing when there is none.
std::optional<QStringList> editor_command_line(const QString& command, const std::filesystem::path& file, int line);

/// Starts the editor and returns at once. Empty, or why it did not start.
QString open_in_editor(const QString& command, const std::filesystem::path& file, int line);

}  // namespace ui
