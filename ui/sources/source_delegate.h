#pragma once

#include <QStyledItemDelegate>

namespace ui {

/// Draws a row of the sources: icon, name, tokens in figures of one width, heat as a thin bar below.
class SourceDelegate final : public QStyledItemDelegate {
  Q_OBJECT

 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

}  // namespace ui
