#pragma once

#include <QDialog>

#include <functional>
#include <vector>

#include "ui/runs/run_list.h"

class QLabel;
class QLineEdit;
class QPushButton;
class QTableView;
class QTableWidget;
class QVBoxLayout;

namespace ui {

/// All runs of the project in one table that can be searched and sorted, and beside it everything that is known
/// of one of them: how it was asked, with what, what it took, what it consulted.
class RunHistoryDialog final : public QDialog {
  Q_OBJECT

 public:
  /// Loads what a run consulted, off the window's thread, and delivers it here; an error where nothing was recorded.
  using CoverageSource = std::function<void(app::RunId, std::function<void(app::Result<app::RunCoverage>)>)>;

  RunHistoryDialog(std::vector<app::Run> runs, CoverageSource coverage, QWidget* parent = nullptr);

  QLineEdit* words() const { return words_; }
  const std::vector<app::Run>& runs() const { return list_.all(); }
  QTableView* table() const { return table_; }
  /// Name and value of every row, one a line.
  QString sheet_text() const;

 signals:
  void run_activated(app::RunId run);
  void compare_requested(app::RunId left, app::RunId right);
  void message(const QString& text);

 private:
  QWidget* make_table();
  QWidget* make_sheet();
  void make_buttons(QVBoxLayout* layout);
  void show_count();
  void on_chosen();
  void show_sheet(const app::Run& run);
  void show_coverage(const app::Result<app::RunCoverage>& coverage);
  void add_row(const QString& name, const QString& value);
  void save_table();
  std::vector<app::RunId> chosen() const;

  RunList list_;
  RunListFilter filter_;
  CoverageSource coverage_;
  QLineEdit* words_;
  QLabel* count_;
  QTableView* table_;
  QTableWidget* sheet_;
  QPushButton* open_ = nullptr;
  QPushButton* compare_ = nullptr;
  app::RunId shown_ = 0;
};

}  // namespace ui
