#include "ui/sources/source_delegate.h"

#include <QApplication>
#include <QPainter>
#include <QStyle>

#include "ui/sources/source_model.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"
#include "ui/trace/heat_theme.h"

namespace ui {

void SourceDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  const Tokens& t = tokens();
  QStyleOptionViewItem row = option;
  initStyleOption(&row, index);
  const QStyle* style = row.widget != nullptr ? row.widget->style() : QApplication::style();
  if (index.column() == SourceModel::kTokens) {
    style->drawPrimitive(QStyle::PE_PanelItemViewItem, &row, painter, row.widget);
    QFont font = code_font();
    font.setPointSizeF(8.5);
    painter->setFont(font);
    painter->setPen(t.ink_soft);
    painter->drawText(row.rect.adjusted(0, 0, -kGrid, 0), Qt::AlignRight | Qt::AlignVCenter, index.data().toString());
    const double heat = index.data(SourceModel::kHeatRole).toDouble();
    if (heat > 0) {
      const double width = (row.rect.width() - 2 * kGrid) * heat;
      const QColor color = to_color(app::heat_color(0.25 + 0.75 * heat, app::HeatScale::kCividis, theme_of(row.palette)));
      painter->fillRect(QRectF(row.rect.right() - kGrid - width, row.rect.bottom() - 4, width, 3), color);
    }
    return;
  }
  style->drawPrimitive(QStyle::PE_PanelItemViewItem, &row, painter, row.widget);
  QStyleOptionViewItem check = row;
  check.rect = style->subElementRect(QStyle::SE_ItemViewItemCheckIndicator, &row, row.widget);
  check.state &= ~(QStyle::State_On | QStyle::State_Off | QStyle::State_NoChange | QStyle::State_HasFocus);
  const auto ticked = static_cast<Qt::CheckState>(index.data(Qt::CheckStateRole).toInt());
  check.state |= ticked == Qt::Checked ? QStyle::State_On : ticked == Qt::Unchecked ? QStyle::State_Off : QStyle::State_NoChange;
  style->drawPrimitive(QStyle::PE_IndicatorItemViewItemCheck, &check, painter, row.widget);
  int x = check.rect.right() + 6;
  const QString kind = index.data(SourceModel::kKindRole).toString();
  const int tint = index.data(SourceModel::kTintRole).toInt();
  const QColor color = tint >= 0 ? mix(t.source(static_cast<std::size_t>(tint)), t.ink, 0.75) : t.ink_soft;
  const QPixmap picture = icon_pixmap(kind, color, 16, painter->device()->devicePixelRatioF());
  painter->drawPixmap(x, row.rect.center().y() - 7, picture);
  x += 16 + kTight;
  painter->setFont(tint >= 0 ? strong(row.font) : row.font);
  painter->setPen(ticked == Qt::Unchecked ? t.ink_soft : t.ink);
  QRect text(x, row.rect.top(), row.rect.right() - x, row.rect.height());
  const int detail = index.data(SourceModel::kDetailRole).toInt();
  const bool in_passages = index.data(SourceModel::kPassagesRole).toBool();
  if (in_passages || detail == static_cast<int>(app::Detail::kOutline) || detail == static_cast<int>(app::Detail::kName)) {
    const QString tag = in_passages ? SourceModel::tr("passages") : detail == static_cast<int>(app::Detail::kOutline) ? SourceModel::tr("outline") : SourceModel::tr("name");
    painter->save();
    painter->setFont(small_font());
    painter->setPen(t.sky);
    const int wide = painter->fontMetrics().horizontalAdvance(tag) + kGrid;
    painter->drawText(text.adjusted(0, 0, -kTight, 0), Qt::AlignRight | Qt::AlignVCenter, tag);
    painter->restore();
    text.adjust(0, 0, -wide, 0);
  }
  const bool noted = !index.data(SourceModel::kNoteRole).toString().isEmpty();
  if (noted) {
    painter->drawPixmap(row.rect.right() - 18, row.rect.center().y() - 7, icon_pixmap(QStringLiteral("warning"), t.amber, 14, painter->device()->devicePixelRatioF()));
    text.adjust(0, 0, -20, 0);
  }
  painter->drawText(text, Qt::AlignVCenter | Qt::TextSingleLine, painter->fontMetrics().elidedText(index.data().toString(), Qt::ElideMiddle, text.width()));
  if (row.state & QStyle::State_HasFocus) {
    painter->setPen(QPen(t.pine, 1.5));
    painter->setBrush(Qt::NoBrush);
    painter->drawRoundedRect(QRectF(row.rect).adjusted(1, 1, -1, -1), kChipRadius, kChipRadius);
  }
}

QSize SourceDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
  QSize size = QStyledItemDelegate::sizeHint(option, index);
  size.setHeight(kRowHeight);
  return size;
}

}  // namespace ui
