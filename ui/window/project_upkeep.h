#pragma once

#include <QObject>

#include <filesystem>

#include "ui/background_task.h"

class QWidget;

namespace ui {

class Workspace;

/// What is done with a project as a file: a copy of it, giving room back, checking every checksum. Each
/// is a job on a thread and a connection of its own; `said` tells what came of it.
class ProjectUpkeep final : public QObject {
  Q_OBJECT

 public:
  /// Questions and results are shown over `window`.
  ProjectUpkeep(Workspace& workspace, QWidget* window);

  void choose_backup();
  void back_up(const std::filesystem::path& copy);
  /// Asks whether what was removed is to go for good as well.
  void choose_compact();
  enum class Removed { kKeep, kLetGo };
  void compact(Removed removed);
  void check();

 signals:
  void said(const QString& text);
  /// One sentence per damage; empty: all is well.
  void checked(const QStringList& damage);

 private:
  template <typename Result, typename Work, typename Deliver>
  void run(const QString& title, Work work, Deliver deliver);
  void show_damage(const QStringList& damage);

  Workspace& workspace_;
  QWidget* window_;
  Tickets tickets_;
  BackgroundThread thread_;
};

}  // namespace ui
