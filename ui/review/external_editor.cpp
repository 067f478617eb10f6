#include "ui/review/external_editor.h"

#include <QCoreApplication>
#include <QProcess>
#include <QStandardPaths>

#include <algorithm>
#include <system_error>

namespace ui {
namespace {

// How well-known editors are told the line.
constexpr const char* kKnownEditors[] = {
    "code --goto {file}:{line}", "codium --goto {file}:{line}", "kate --line {line} {file}", "kwrite --line {line} {file}",
    "gnome-text-editor {file}",  "gedit +{line} {file}",        "mousepad --line={line} {file}", "geany --line {line} {file}",
};

}  // namespace

std::optional<std::filesystem::path> file_of_part(const app::Document& document, const app::Part& part) {
  if (document.kind == app::DocumentKind::kPdf) return std::nullopt;
  std::error_code fault;
  const std::filesystem::path root = std::filesystem::canonical(document.path, fault);
  if (fault) return std::nullopt;
  if (document.kind == app::DocumentKind::kTextFile) return root;
  const std::filesystem::path file = std::filesystem::canonical(root / part.name, fault);
  if (fault || !std::filesystem::is_regular_file(file, fault)) return std::nullopt;
  const bool inside = std::mismatch(root.begin(), root.end(), file.begin(), file.end()).first == root.end();
  return inside ? std::optional(file) : std::nullopt;
}

std::optional<QStringList> editor_command_line(const QString& command, const std::filesystem::path& file, int line) {
  QString chosen = command.trimmed();
  for (const char* known : kKnownEditors) {
    if (!chosen.isEmpty()) break;
    const QString text = QString::fromLatin1(known);
    if (!QStandardPaths::findExecutable(text.section(QLatin1Char(' '), 0, 0)).isEmpty()) chosen = text;
  }
  if (chosen.isEmpty()) return std::nullopt;
  const QString path = QString::fromStdString(file.string());
  QStringList parts = QProcess::splitCommand(chosen);
  bool names_file = false;
  for (QString& part : parts) {
    names_file |= part.contains(QLatin1String("{file}"));
    part.replace(QLatin1String("{line}"), QString::number(std::max(1, line)));
    part.replace(QLatin1String("{file}"), path);
  }
  if (!names_file) parts << path;
  return parts;
}

QString open_in_editor(const QString& command, const std::filesystem::path& file, int line) {
  const auto parts = editor_command_line(command, file, line);
  if (!parts) return QCoreApplication::translate("ui::FindingsPanel", "No editor was found; name one in the settings, under Appearance.");
  if (QProcess::startDetached(parts->front(), parts->mid(1))) return {};
  return QCoreApplication::translate("ui::FindingsPanel", "%1 could not be started; name another editor in the settings, under Appearance.").arg(parts->front());
}

}  // namespace ui
