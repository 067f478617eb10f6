#include "ui/sources/hit_delegate.h"

#include <QApplication>
#include <QPainter>
#include <QTextLayout>

#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kSnippetLine = 16;
constexpr int kSnippetLines = 2;
constexpr int kHeadLine = 18;

}  // namespace

ShownSnippet shown_snippet(const std::string& snippet, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& marks) {
  ShownSnippet shown;
  std::size_t at = 0;
  const auto add = [&](std::size_t end) {
    end = std::clamp<std::size_t>(end, at, snippet.size());
    shown.text += QString::fromUtf8(snippet.data() + at, static_cast<qsizetype>(end - at));
    at = end;
  };
  for (const auto& [begin, end] : marks) {
    add(begin);
    shown.marks << static_cast<int>(shown.text.size());
    add(end);
    shown.marks << static_cast<int>(shown.text.size());
  }
  add(snippet.size());
  // One character for one: the marks stay where they are.
  for (QChar& c : shown.text) {
    if (c.isSpace() || c.category() == QChar::Other_Control) c = QLatin1Char(' ');
  }
  return shown;
}

void HitDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  const Tokens& t = tokens();
  QStyleOptionViewItem row = option;
  initStyleOption(&row, index);
  const QStyle* style = row.widget != nullptr ? row.widget->style() : QApplication::style();
  style->drawPrimitive(QStyle::PE_PanelItemViewItem, &row, painter, row.widget);
  const QRect room = row.rect.adjusted(kGroupGap, kTight, -kGroupGap, -kTight);
  painter->save();
  painter->setFont(body_font());
  painter->setPen(t.ink);
  painter->drawText(QRect(room.left(), room.top(), room.width(), kHeadLine), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                    painter->fontMetrics().elidedText(index.data().toString(), Qt::ElideMiddle, room.width()));
  QTextLayout layout(index.data(kSnippetRole).toString(), small_font());
  QList<QTextLayout::FormatRange> formats;
  const QVariantList marks = index.data(kMarksRole).toList();
  for (qsizetype i = 0; i + 1 < marks.size(); i += 2) {
    QTextLayout::FormatRange range;
    range.start = marks[i].toInt();
    range.length = marks[i + 1].toInt() - range.start;
    range.format.setFontWeight(QFont::DemiBold);
    range.format.setForeground(t.ink);
    range.format.setBackground(t.mark);
    formats << range;
  }
  layout.setFormats(formats);
  layout.beginLayout();
  for (int n = 0; n < kSnippetLines; ++n) {
    QTextLine line = layout.createLine();
    if (!line.isValid()) break;
    line.setLineWidth(room.width());
    line.setPosition(QPointF(0, n * kSnippetLine));
  }
  layout.endLayout();
  painter->setPen(t.ink_soft);
  painter->setClipRect(room);
  layout.draw(painter, QPointF(room.left(), room.top() + kHeadLine));
  painter->restore();
}

QSize HitDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const {
  const int lines = index.data(kSnippetRole).toString().isEmpty() ? 0 : kSnippetLines;
  return {option.rect.width(), 2 * kTight + kHeadLine + lines * kSnippetLine + 2};
}

}  // namespace ui
