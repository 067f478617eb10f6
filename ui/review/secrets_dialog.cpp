#include "ui/review/secrets_dialog.h"

#include <QCheckBox>
#include <QDialogButtonBox>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>

#include "ui/sources/source_model.h"
#include "ui/theme/tokens.h"

namespace ui {

SecretsDialog::SecretsDialog(ProjectSession& session, SourceModel& sources, SecretWatch& watch, bool mask, QWidget* parent)
    : QDialog(parent), session_(session), sources_(sources), watch_(watch), list_(new QTreeWidget), out_(nullptr), allow_(nullptr) {
  setWindowTitle(tr("Possible secrets"));
  resize(640, 400);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPanelMargin, kPanelMargin, kPanelMargin, kPanelMargin);
  layout->setSpacing(kGroupGap);
  auto* about = new QLabel(tr("These chosen texts hold what looks like keys or passwords. Nothing leaves this machine when you ask; "
                              "answers and exports may repeat them."));
  about->setWordWrap(true);
  layout->addWidget(about);
  list_->setAccessibleName(tr("Possible secrets"));
  list_->setHeaderLabels({tr("Place"), tr("What it looks like"), tr("Begins with")});
  list_->setRootIsDecorated(false);
  list_->setUniformRowHeights(true);
  list_->setAllColumnsShowFocus(true);
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->header()->setSectionResizeMode(0, QHeaderView::Stretch);
  list_->header()->setStretchLastSection(false);
  for (const int column : {1, 2}) list_->header()->setSectionResizeMode(column, QHeaderView::ResizeToContents);
  layout->addWidget(list_, 1);
  auto* stars = new QCheckBox(tr("The model reads stars in their place; the files stay as they are"));
  stars->setChecked(mask);
  connect(stars, &QCheckBox::toggled, this, &SecretsDialog::masked);
  layout->addWidget(stars);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
  out_ = buttons->addButton(tr("Leave these files out"), QDialogButtonBox::ActionRole);
  allow_ = buttons->addButton(tr("They may stay"), QDialogButtonBox::ActionRole);
  layout->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(list_, &QTreeWidget::itemActivated, this, [this](const QTreeWidgetItem* item) {
    emit place_activated(item->data(0, Qt::UserRole).toLongLong(), item->data(1, Qt::UserRole).toUInt(), item->data(2, Qt::UserRole).toUInt());
  });
  connect(list_, &QTreeWidget::itemSelectionChanged, this, [this] {
    out_->setEnabled(!list_->selectedItems().isEmpty());
    allow_->setEnabled(!list_->selectedItems().isEmpty());
  });
  connect(out_, &QPushButton::clicked, this, [this] {
    emit leave_out(selected());
    fill();
  });
  connect(allow_, &QPushButton::clicked, this, [this] {
    for (const app::PartId part : selected()) watch_.allow(part);
    fill();
  });
  fill();
}

std::vector<app::PartId> SecretsDialog::selected() const {
  std::vector<app::PartId> parts;
  for (const QTreeWidgetItem* item : list_->selectedItems()) {
    const app::PartId part = item->data(0, Qt::UserRole).toLongLong();
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
  }
  return parts;
}

void SecretsDialog::fill() {
  list_->clear();
  for (const SecretWatch::Found& found : watch_.among(sources_.ticked())) {
    for (const app::Secret& secret : found.secrets) {
      auto* item = new QTreeWidgetItem({tr("%1, line %2").arg(session_.part_title(found.part)).arg(secret.line), QString::fromStdString(secret.kind), QString::fromStdString(secret.preview)});
      item->setData(0, Qt::UserRole, static_cast<qint64>(found.part));
      item->setData(1, Qt::UserRole, secret.begin);
      item->setData(2, Qt::UserRole, secret.end);
      item->setFont(2, code_font());
      list_->addTopLevelItem(item);
    }
  }
  list_->selectAll();
  if (list_->topLevelItemCount() == 0) reject();
}

}  // namespace ui
