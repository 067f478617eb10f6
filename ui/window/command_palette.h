#pragma once

#include <QFrame>
#include <QStringList>

#include <functional>
#include <vector>

#include "ui/background_task.h"

class QLineEdit;
class QListWidget;

namespace ui {

class MainWindow;

/// Finds and runs anything by typing: commands, pages and files, earlier questions. What was used
/// last stands first.
class CommandPalette final : public QFrame {
  Q_OBJECT

 public:
  struct Entry {
    QString text;
    QString detail;     // shortcut, or where it lies
    QString icon;
    QString id;         // remembered when it is used; empty: not
    std::function<void()> run;
  };

  explicit CommandPalette(MainWindow& window);
  void open();
  /// The rows for these words, best first.
  std::vector<const Entry*> matches(const QString& words) const;
  void set_entries(std::vector<Entry> entries) { entries_ = std::move(entries); }

 protected:
  bool eventFilter(QObject* object, QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;

 private:
  void collect();
  /// The saved runs of the project, when they are there.
  void collect_runs();
  void show_matches();
  void run_current();

  MainWindow& window_;
  QLineEdit* edit_;
  QListWidget* list_;
  std::vector<Entry> entries_;
  std::vector<const Entry*> shown_;
  QStringList used_;
  Tickets runs_;
};

/// How well `words` (letters in order, words at starts first) fit a text; 0: not at all.
int fit_of(const QString& words, const QString& text);

}  // namespace ui
