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
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(4);
  note_->setTextFormat(Qt::PlainText);
  note_->setWordWrap(true);
  note_->setContentsMargins(8, 4, 8, 0);
  list_->setFrameShape(QFrame::NoFrame);
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
    for (const app::PartHeat& part : report_.not_by_answer) parts.push_back(part.part);
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
    app::PromptBlock block;
    block.part = part.part;
    block.document = part.document;
    auto* item = new QListWidgetItem(QString::fromStdString(run_->label(block)), list_);
    item->setData(Qt::UserRole, QVariant::fromValue<qlonglong>(part.part));
  }
}

}  // namespace ui
