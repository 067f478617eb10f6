#include "ui/settings/shortcuts_page.h"

#include <QAction>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeySequenceEdit>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include "ui/settings/settings.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

QKeySequence default_keys(const QAction& action) {
  return QKeySequence(action.property("default_keys").toString(), QKeySequence::PortableText);
}

}  // namespace

QString plain_text_of(const QAction& action) {
  QString text = action.text();
  text.remove(QLatin1Char('&'));
  if (text.endsWith(QChar(0x2026))) text.chop(1);
  return text;
}

void apply_shortcuts(const QList<QAction*>& commands, const Settings& settings) {
  for (QAction* action : commands) action->setShortcut(settings.shortcut(action->objectName()).value_or(default_keys(*action)));
}

ShortcutsPage::ShortcutsPage(const QList<QAction*>& commands, QWidget* parent)
    : QWidget(parent), commands_(commands), filter_(new QLineEdit), list_(new QTreeWidget), edit_(new QKeySequenceEdit),
      take_(new QPushButton(tr("Take them"))), reset_(new QPushButton(tr("Default"))), conflict_(new QLabel) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(kGrid);
  filter_->setPlaceholderText(tr("Find a command"));
  filter_->setAccessibleName(tr("Find a command"));
  filter_->setClearButtonEnabled(true);
  layout->addWidget(filter_);
  list_->setAccessibleName(tr("Commands and their keys"));
  list_->setHeaderLabels({tr("Command"), tr("Keys")});
  list_->setRootIsDecorated(false);
  list_->setUniformRowHeights(true);
  list_->setAllColumnsShowFocus(true);
  list_->header()->setStretchLastSection(false);
  list_->header()->setSectionResizeMode(0, QHeaderView::Stretch);
  list_->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
  layout->addWidget(list_, 1);
  auto* row = new QHBoxLayout;
  row->setSpacing(kGrid);
  edit_->setAccessibleName(tr("New keys"));
  for (QLineEdit* inner : edit_->findChildren<QLineEdit*>()) inner->setAccessibleName(tr("New keys"));
  row->addWidget(edit_, 1);
  row->addWidget(take_);
  row->addWidget(reset_);
  layout->addLayout(row);
  conflict_->setFont(small_font());
  conflict_->setWordWrap(true);
  conflict_->setMinimumHeight(2 * conflict_->fontMetrics().lineSpacing());
  conflict_->setAlignment(Qt::AlignTop);
  set_text_color(conflict_, tokens().amber);
  layout->addWidget(conflict_);
  for (const QAction* action : commands_) keys_.insert(action->objectName(), action->shortcut());
  fill();
  connect(filter_, &QLineEdit::textChanged, this, &ShortcutsPage::fill);
  connect(list_, &QTreeWidget::currentItemChanged, this, &ShortcutsPage::show_current);
  connect(edit_, &QKeySequenceEdit::editingFinished, this, [this] { set_keys(edit_->keySequence(), false); });
  connect(take_, &QPushButton::clicked, this, [this] { set_keys(edit_->keySequence(), true); });
  connect(reset_, &QPushButton::clicked, this, [this] {
    if (const QAction* action = action_of(current())) set_keys(default_keys(*action), false);
    show_current();
  });
  if (list_->topLevelItemCount() > 0) list_->setCurrentItem(list_->topLevelItem(0));
}

void ShortcutsPage::fill() {
  const QString kept = current();
  list_->clear();
  for (const QAction* action : commands_) {
    const QString text = plain_text_of(*action);
    if (!text.contains(filter_->text().trimmed(), Qt::CaseInsensitive)) continue;
    auto* item = new QTreeWidgetItem({text, keys_.value(action->objectName()).toString(QKeySequence::NativeText)});
    item->setData(0, Qt::UserRole, action->objectName());
    list_->addTopLevelItem(item);
    if (action->objectName() == kept) list_->setCurrentItem(item);
  }
}

void ShortcutsPage::choose(const QString& command) {
  for (int i = 0; i < list_->topLevelItemCount(); ++i) {
    if (list_->topLevelItem(i)->data(0, Qt::UserRole).toString() == command) list_->setCurrentItem(list_->topLevelItem(i));
  }
}

QString ShortcutsPage::current() const {
  const QTreeWidgetItem* item = list_->currentItem();
  return item == nullptr ? QString() : item->data(0, Qt::UserRole).toString();
}

QAction* ShortcutsPage::action_of(const QString& command) const {
  for (QAction* action : commands_) {
    if (action->objectName() == command) return action;
  }
  return nullptr;
}

QString ShortcutsPage::owner_of(const QKeySequence& keys, const QString& except) const {
  if (keys.isEmpty()) return {};
  for (const QAction* action : commands_) {
    const QString& id = action->objectName();
    if (id != except && keys_.value(id) == keys) return id;
  }
  return {};
}

bool ShortcutsPage::set_keys(const QKeySequence& keys, bool take) {
  const QString command = current();
  if (command.isEmpty()) return false;
  const QString owner = owner_of(keys, command);
  if (!owner.isEmpty() && !take) {
    edit_->setKeySequence(keys);
    conflict_->setText(tr("%1 belongs to \"%2\".").arg(keys.toString(QKeySequence::NativeText), plain_text_of(*action_of(owner))));
    take_->setEnabled(true);
    return false;
  }
  if (!owner.isEmpty()) keys_[owner] = QKeySequence();
  keys_[command] = keys;
  fill();
  show_current();
  return true;
}

void ShortcutsPage::show_current() {
  const QString command = current();
  edit_->setKeySequence(keys_.value(command));
  edit_->setEnabled(!command.isEmpty());
  reset_->setEnabled(!command.isEmpty());
  take_->setEnabled(false);
  conflict_->clear();
}

void ShortcutsPage::save(Settings& settings) const {
  for (const QAction* action : commands_) {
    const QKeySequence keys = keys_.value(action->objectName());
    settings.set_shortcut(action->objectName(), keys == default_keys(*action) ? std::nullopt : std::optional(keys));
  }
}

}  // namespace ui
