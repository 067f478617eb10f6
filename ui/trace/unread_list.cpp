#include "ui/trace/unread_list.h"

#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QVBoxLayout>
#include <algorithm>

#include "ui/trace/background_future.h"

namespace ui {

UnreadList::UnreadList(QWidget* parent)
    : QWidget(parent), note_(new QLabel(this)), list_(new QListWidget(this)), again_(new QPushButton(tr("Ask again about these"), this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 4, 8, 4);
  layout->setSpacing(4);
  note_->setTextFormat(Qt::PlainText);
  note_->setWordWrap(true);
  list_->setFrameShape(QFrame::NoFrame);
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->setAccessibleName(tr("Not consulted pages and files"));
  layout->addWidget(note_);
  layout->addWidget(list_, 1);
  layout->addWidget(again_, 0, Qt::AlignLeft);
  connect(&watcher_, &QFutureWatcherBase::finished, this, [this] {
    if (watcher_.future().resultCount() == 0) return;
    report_ = watcher_.result();
    show_report();
    emit ready();
  });
  connect(again_, &QPushButton::clicked, this, [this] {
    QList<qint64> parts;
    const auto rows = list_->selectedItems();
    for (int row = 0; row < list_->count(); ++row) {
      // Nothing marked: all of them.
      if (rows.isEmpty() || list_->item(row)->isSelected()) parts.push_back(list_->item(row)->data(Qt::UserRole).toLongLong());
    }
    emit ask_again(parts);
  });
  connect(list_, &QListWidget::itemActivated, this, [this](QListWidgetItem* item) {
    emit source_activated(item->data(Qt::UserRole).toLongLong(), 0, 0);
  });
  set_run(nullptr);
}

void UnreadList::set_run(std::shared_ptr<const app::RunTrace> run) {
  run_ = std::move(run);
  report_ = {};
  show_report();
  if (run_ == nullptr) return;
  watcher_.setFuture(run_in_pool([run = run_] { return app::unread_report(*run->trace, run->map); }));
}

void UnreadList::show_report() {
  list_->clear();
  again_->setEnabled(!report_.not_by_answer.empty());
  if (run_ == nullptr) {
    note_->clear();
    return;
  }
  if (!report_.sparse) {
    note_->setText(tr("Nothing was sparse in this run: every token of the answer saw the whole prompt."));
    return;
  }
  note_->setText(tr("%1 of %2 pages and files were not selected by any token of the answer; %3 of these by no token of the question either. "
                    "%4 of %5 tokens lie in spans that were not selected.")
                     .arg(report_.not_by_answer.size())
                     .arg(report_.n_parts)
                     .arg(report_.never.size())
                     .arg(report_.n_unread_tokens)
                     .arg(report_.n_tokens));
  for (const app::PartHeat& part : report_.not_by_answer) {
    const bool never = std::ranges::any_of(report_.never, [&part](const app::PartHeat& other) { return other.part == part.part; });
    QString text = QString::fromStdString(run_->label(part.part, part.document)) + QStringLiteral("  \u00b7  ") + tr("%1 tokens").arg(part.n_tokens);
    if (never) text += QStringLiteral("  \u00b7  ") + tr("nor by the question");
    auto* item = new QListWidgetItem(text, list_);
    item->setData(Qt::UserRole, QVariant::fromValue<qlonglong>(part.part));
  }
}

}  // namespace ui
