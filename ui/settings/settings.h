#pragma once

#include <QKeySequence>
#include <QSettings>
#include <QString>
#include <QStringList>

#include <filesystem>
#include <optional>

#include "app/question/ask.h"
#include "app/question/engine_thread.h"
#include "ui/theme/tokens.h"

namespace ui {

/// What the program remembers between starts, in one file of the configuration folder.
class Settings {
 public:
  /// Empty: nothing is kept (for pictures and tests).
  explicit Settings(const std::filesystem::path& file);

  Theme theme() const;
  void set_theme(Theme theme);
  /// Empty: the bundled model.
  std::filesystem::path model() const;
  void set_model(const std::filesystem::path& model);
  engine::LocalEngineOptions engine_options() const;
  void set_engine_options(const engine::LocalEngineOptions& options);
  /// Sampling, selection and what is recorded, for the questions to come. Out-of-range values are clamped.
  app::Question question() const;
  void set_question(const app::Question& question);
  /// Folders to look for models in, besides the known ones.
  QStringList model_folders() const;
  void set_model_folders(const QStringList& folders);
  /// A program and its arguments, with {file} and {line} in it; empty: the system's choice for the file.
  QString editor_command() const;
  void set_editor_command(const QString& command);
  /// Keys of a command that the user chose; nothing where the default holds.
  std::optional<QKeySequence> shortcut(const QString& command) const;
  /// Nothing: back to the default.
  void set_shortcut(const QString& command, const std::optional<QKeySequence>& keys);
  QStringList recent_projects() const;
  void add_recent_project(const QString& path);
  bool reduced_motion() const;
  void set_reduced_motion(bool reduced);

  QVariant value(const QString& key, const QVariant& fallback = {}) const { return store_.value(key, fallback); }
  void set_value(const QString& key, const QVariant& value) { store_.setValue(key, value); }
  void remove(const QString& key) { store_.remove(key); }

 private:
  mutable QSettings store_;
};

}  // namespace ui
