#include "ui/window/jobs_panel.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QToolTip>

#include "ui/project/ingest_text.h"
#include "ui/project/jobs.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kRow = 52;

/// Where a job is cancelled, or begun anew.
QRect button_rect(const QRect& row) { return {row.right() - 32, row.top() + 8, 20, 20}; }

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
    const auto button = [&](const char* name) {
      painter->drawPixmap(button_rect(option.rect).topLeft(), icon_pixmap(QString::fromLatin1(name), t.ink_soft, 18, painter->device()->devicePixelRatioF()));
    };
    if (index.data(Jobs::kAgainRole).toBool()) button("refresh");
    if (!runs(index)) return;
    const QRectF bar(room.left(), option.rect.bottom() - 7, room.width(), 3);
    painter->fillRect(bar, t.line);
    painter->fillRect(QRectF(bar.left(), bar.top(), bar.width() * index.data(Jobs::kFractionRole).toDouble(), bar.height()), t.pine);
    button("close");
  }
};

}  // namespace

JobsPanel::JobsPanel(Jobs& jobs, QWidget* parent) : QListView(parent), jobs_(jobs) {
  setModel(&jobs_);
  setItemDelegate(new JobDelegate(this));
  setFrameShape(QFrame::NoFrame);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  connect(&jobs_, &QAbstractItemModel::rowsInserted, this, &QListView::scrollToBottom, Qt::QueuedConnection);
  setAccessibleName(tr("Jobs"));
  setAccessibleDescription(tr("Delete cancels the chosen job, Return goes on with one that was cancelled or failed"));
}

void JobsPanel::keyPressEvent(QKeyEvent* event) {
  if (event->key() == Qt::Key_Delete && currentIndex().isValid()) {
    jobs_.cancel(currentIndex().data(Jobs::kIdRole).toInt());
    return;
  }
  if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && currentIndex().data(Jobs::kAgainRole).toBool()) {
    jobs_.run_again(currentIndex().data(Jobs::kIdRole).toInt());
    return;
  }
  QListView::keyPressEvent(event);
}

void JobsPanel::mouseReleaseEvent(QMouseEvent* event) {
  QListView::mouseReleaseEvent(event);
  const QModelIndex index = indexAt(event->pos());
  if (!index.isValid() || !button_rect(visualRect(index)).contains(event->pos())) return;
  const int job = index.data(Jobs::kIdRole).toInt();
  runs(index) ? jobs_.cancel(job) : jobs_.run_again(job);
}

bool JobsPanel::viewportEvent(QEvent* event) {
  if (event->type() != QEvent::ToolTip) return QListView::viewportEvent(event);
  const auto* help = static_cast<QHelpEvent*>(event);
  const QModelIndex index = indexAt(help->pos());
  if (!index.isValid()) {
    QToolTip::hideText();
    return true;
  }
  const bool on_button = button_rect(visualRect(index)).contains(help->pos());
  const QString tip = on_button && runs(index) ? tr("Cancel") : on_button && index.data(Jobs::kAgainRole).toBool() ? tr("Go on with it") : index.data(Jobs::kWhatRole).toString();
  QToolTip::showText(help->globalPos(), plain_tip(tip), this);
  return true;
}

void JobsPanel::paintEvent(QPaintEvent* event) {
  QListView::paintEvent(event);
  if (jobs_.rowCount() > 0) return;
  QPainter painter(viewport());
  painter.setPen(tokens().ink_soft);
  painter.drawText(viewport()->rect(), Qt::AlignCenter, tr("Nothing goes on in the background."));
}

}  // namespace ui
