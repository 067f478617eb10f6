#pragma once

#include <QFutureWatcher>
#include <QList>
#include <QWidget>
#include <memory>

#include "app/heatmap/source_heat.h"
#include "app/heatmap/run_trace.h"

class QLabel;
class QListWidget;
class QPushButton;

namespace ui {

/// Pages and files of the prompt that no generated token selected, and a way to ask about them.
class UnreadList : public QWidget {
  Q_OBJECT

 public:
  explicit UnreadList(QWidget* parent = nullptr);
  void set_run(std::shared_ptr<const app::RunTrace> run);
  const app::UnreadReport& report() const { return report_; }

 signals:
  void ask_again(const QList<qint64>& parts);
  void source_activated(qint64 part, quint32 begin, quint32 end);
  void ready();

 private:
  void show_report();

  std::shared_ptr<const app::RunTrace> run_;
  app::UnreadReport report_;
  QFutureWatcher<app::UnreadReport> watcher_;
  QLabel* note_;
  QListWidget* list_;
  QPushButton* again_;
};

}  // namespace ui
