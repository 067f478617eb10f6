#include "ui/window/jobs_panel.h"

#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QStyledItemDelegate>

#include "ui/project/jobs.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kRow = 52;

QRect cancel_rect(const QRect& row) { return {row.right() - 32, row.top() + 8, 20, 20}; }

bool runs(const QModelIndex& index) { return index.data(Jobs::kStateRole).toInt() == static_cast<int>(Jobs::State::kRunning); }

class JobDelegate final : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex&) const override { return {option.rect.width(), kRow}; }
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    const Tokens& t = tokens();
    if (option.state & QStyle::State_Selected) painter->fillRect(option.rect, t.pine_wash);
    const QRect room = option.rect.adjusted(kGroupGap, 6, -44, -6);
    painter->setFont(body_font());
    painter->setPen(t.ink);
    painter->drawText(QRect(room.left(), room.top(), room.width(), 18), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                      painter->fontMetrics().elidedText(index.data().toString(), Qt::ElideMiddle, room.width()));
    const bool failed = index.data(Jobs::kStateRole).toInt() == static_cast<int>(Jobs::State::kFailed);
    painter->setFont(small_font());
    painter->setPen(failed ? t.brick : t.ink_soft);
    QString what = index.data(Jobs::kWhatRole).toString();
    if (const QString left = index.data(Jobs::kTimeLeftRole).toString(); !left.isEmpty()) what += QStringLiteral(" · ") + left;
    painter->drawText(QRect(room.left(), room.top() + 18, room.width(), 16), Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                      painter->fontMetrics().elidedText(what, Qt::ElideRight, room.width()));
    if (!runs(index)) return;
    const QRectF bar(room.left(), option.rect.bottom() - 7, room.width(), 3);
    painter->fillRect(bar, t.line);
    painter->fillRect(QRectF(bar.left(), bar.top(), bar.width() * index.data(Jobs::kFractionRole).toDouble(), bar.height()), t.pine);
    painter->drawPixmap(cancel_rect(option.rect).topLeft(), icon_pixmap(QStringLiteral("close"), t.ink_soft, 18, painter->device()->devicePixelRatioF()));
  }
};

}  // namespace

JobsPanel::JobsPanel(Jobs& jobs, QWidget* parent) : QListView(parent), jobs_(jobs) {
  setModel(&jobs_);
  setItemDelegate(new JobDelegate(this));
  setFrameShape(QFrame::NoFrame);
  setAccessibleName(tr("Jobs"));
  setAccessibleDescription(tr("Delete cancels the chosen job"));
}

void JobsPanel::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Delete && currentIndex().isValid()) {
    jobs_.cancel(currentIndex().data(Jobs::kIdRole).toInt());
    return;
  }
  QListView::keyPressEvent(event);
}

void JobsPanel::mouseReleaseEvent(QMouseEvent* event) {
  QListView::mouseReleaseEvent(event);
  const QModelIndex index = indexAt(event->pos());
  if (index.isValid() && runs(index) && cancel_rect(visualRect(index)).contains(event->pos())) jobs_.cancel(index.data(Jobs::kIdRole).toInt());
}

void JobsPanel::paintEvent(QPaintEvent* event) {
  QListView::paintEvent(event);
  if (jobs_.rowCount() > 0) return;
  QPainter painter(viewport());
  painter.setPen(tokens().ink_soft);
  painter.drawText(viewport()->rect(), Qt::AlignCenter, tr("Nothing goes on in the background."));
}

}  // namespace ui
