#pragma once

#include <QDialog>

#include <map>
#include <set>
#include <vector>

#include "app/project/project.h"
#include "ui/background_task.h"

class QLabel;
class QPlainTextEdit;
class QPushButton;
class QTreeWidget;
class QTreeWidgetItem;

namespace ui {

class ProjectSession;

/// How the sources were read: pages that are doubtful, pictures, or hold text that nobody can see, and
/// files that were left out, with the reason and a tick to read them all the same.
class ReadingReport final : public QDialog {
  Q_OBJECT

 public:
  ReadingReport(ProjectSession& session, QWidget* parent = nullptr);

  /// Unfolds this document and goes to it.
  void show_document(app::DocumentId document);
  QTreeWidget* list() const { return list_; }
  QPlainTextEdit* hidden_text() const { return hidden_; }
  QPushButton* include_button() const { return include_; }

 signals:
  void part_activated(app::PartId part);
  void recognition_requested();

 private:
  void ask_for_left_out();
  void fill();
  void add_pages(QTreeWidgetItem* above, const app::Document& document);
  void add_left_out(QTreeWidgetItem* above, const app::Document& document);
  /// Left-out files that are ticked, by document and path.
  std::set<std::pair<app::DocumentId, QByteArray>> ticked() const;
  void show_hidden_text();
  void include_ticked();
  void show_buttons();

  ProjectSession& session_;
  std::map<app::DocumentId, std::vector<app::LeftOut>> left_out_;
  QTreeWidget* list_;
  QLabel* hidden_title_;
  QPlainTextEdit* hidden_;
  QPushButton* include_;
  QPushButton* recognise_;
  std::set<std::pair<app::DocumentId, QByteArray>> ticked_;  // while the list is filled anew
  app::DocumentId wanted_ = 0;
  Tickets texts_;
};

}  // namespace ui
