#pragma once

#include <QStyledItemDelegate>

namespace ui {

/// Draws a place that was found: where it is, and below it the words around with what matches in bold.
class HitDelegate final : public QStyledItemDelegate {
  Q_OBJECT

 public:
  /// Of the items: Qt::DisplayRole is where; the snippet; pairs of begin and end in it that match.
  enum Role { kPartRole = Qt::UserRole, kSnippetRole, kMarksRole, kFirstLineRole, kLastLineRole };

  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

/// The snippet on one line, and the matches' places in it. Never shorter than what is marked first.
struct ShownSnippet {
  QString text;
  QList<int> marks;  // begin, end, begin, end, ...
};
ShownSnippet shown_snippet(const std::string& snippet, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& marks);

}  // namespace ui
