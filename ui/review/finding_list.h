#pragma once

#include <QAbstractListModel>
#include <QStyledItemDelegate>

#include <vector>

#include "app/question/findings.h"

namespace ui {

/// The findings of an answer, worst first, less the severities that are switched off.
class FindingList final : public QAbstractListModel {
  Q_OBJECT

 public:
  enum Role { kSeverityRole = Qt::UserRole, kPlaceRole, kCheckedRole, kPlaceExistsRole };

  using QAbstractListModel::QAbstractListModel;

  void set_findings(std::vector<app::Finding> findings);
  void set_shown(app::Severity severity, bool shown);
  /// All of them, in the order of the answer.
  const std::vector<app::Finding>& all() const { return findings_; }
  const app::Finding* at(const QModelIndex& index) const;
  int count(app::Severity severity) const;

  int rowCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;

 private:
  void sort();

  std::vector<app::Finding> findings_;
  std::vector<std::size_t> rows_;  // into findings_
  bool shown_[3] = {true, true, true};
};

/// A finding in two lines: severity and place with its mark, then what is wrong.
class FindingDelegate final : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

/// "error", "warning", "note".
QString severity_text(app::Severity severity);
/// "src/wal.cc:120-124".
QString place_text(const app::Finding& finding);
/// What was found out about place and quote, as a sentence.
QString check_text(const app::Finding& finding);

}  // namespace ui
