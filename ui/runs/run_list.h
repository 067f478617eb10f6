#pragma once

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>

#include <vector>

#include "app/question/run_facts.h"

namespace ui {

/// The runs of a project as a table: when, what, with which model and selection, what it took, how many citations hold.
class RunList final : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kNumber, kAsked, kQuestion, kSelection, kPrompt, kFirstToken, kReading, kWriting, kCitations, kColumns };
  enum Role { kSortRole = Qt::UserRole };

  explicit RunList(std::vector<app::Run> runs, QObject* parent = nullptr);

  const app::Run& at(int row) const { return rows_[static_cast<std::size_t>(row)].run; }
  const std::vector<app::Run>& all() const { return runs_; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  struct Row {
    const app::Run& run;
    QString selection;
    int n_citations = 0;
    int n_verified = 0;
  };
  QVariant sort_key(const Row& row, int column) const;

  std::vector<app::Run> runs_;
  std::vector<Row> rows_;  // one per run, in the same order
};

/// Only the runs whose texts hold all words that were typed.
class RunListFilter final : public QSortFilterProxyModel {
  Q_OBJECT

 public:
  explicit RunListFilter(RunList& list, QObject* parent = nullptr);
  void set_words(const QString& words);

 protected:
  bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  RunList& list_;
  app::RunFilter filter_{""};
};

/// "2026-11-24 14:05" in this machine's time zone; as it is where it is no time.
QString asked_text(const app::Run& run);
/// "ended", "reserve used up", "stopped", "interrupted".
QString end_text(const app::Run& run);

}  // namespace ui
