#pragma once

#include <QAbstractTableModel>
#include <QDialog>
#include <QFutureWatcher>
#include <QStringList>
#include <memory>
#include <vector>

#include "app/heatmap/trace_tables.h"

class QComboBox;
class QLabel;
class QTableView;

namespace ui {

/// A table read from CSV whose first line names the columns.
class CsvModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  using QAbstractTableModel::QAbstractTableModel;
  void set_csv(const QByteArray& csv);
  int rowCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : static_cast<int>(rows_.size()); }
  int columnCount(const QModelIndex& parent = {}) const override { return parent.isValid() ? 0 : static_cast<int>(names_.size()); }
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  QStringList names_;
  std::vector<QStringList> rows_;
};

/// The pictures of a run as tables: for readers that cannot see them, and for numbers. Sorts by any column,
/// copies, writes CSV.
class TableWindow : public QDialog {
  Q_OBJECT

 public:
  explicit TableWindow(QWidget* parent = nullptr);
  /// Shows `table` of this run; keeps following what is chosen there.
  void show_run(std::shared_ptr<const app::RunTrace> run, const app::TableOptions& options);
  void choose(app::TraceTable table);
  const CsvModel& model() const { return *model_; }
  /// What a table is called in menus.
  static QString name_of(app::TraceTable table);

 signals:
  void ready();

 private:
  void refresh();
  void take();
  void save();

  std::shared_ptr<const app::RunTrace> run_;
  app::TableOptions options_;
  QByteArray csv_;
  QFutureWatcher<QByteArray> watcher_;
  QComboBox* which_;
  QLabel* note_;
  CsvModel* model_;
  QTableView* view_;
};

}  // namespace ui
