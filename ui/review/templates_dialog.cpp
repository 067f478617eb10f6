#include "ui/review/templates_dialog.h"

#include <QDialogButtonBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSet>
#include <QVBoxLayout>

#include "ui/theme/tokens.h"

namespace ui {

TemplatesDialog::TemplatesDialog(std::vector<app::PromptTemplate> templates, QWidget* parent)
    : QDialog(parent), templates_(std::move(templates)), list_(new QListWidget), name_(new QLineEdit), group_(new QLineEdit),
      text_(new QPlainTextEdit), remark_(new QLabel), remove_(new QPushButton(tr("Remove"))), save_(nullptr) {
  setWindowTitle(tr("Prompt templates"));
  resize(760, 480);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPanelMargin, kPanelMargin, kPanelMargin, kPanelMargin);
  layout->setSpacing(kGroupGap);
  auto* middle = new QHBoxLayout;
  middle->setSpacing(kPanelMargin);
  auto* left = new QVBoxLayout;
  list_->setAccessibleName(tr("Templates"));
  list_->setFixedWidth(220);
  left->addWidget(list_, 1);
  auto* row = new QHBoxLayout;
  auto* add = new QPushButton(tr("Add"));
  row->addWidget(add);
  row->addWidget(remove_);
  left->addLayout(row);
  middle->addLayout(left);
  auto* form = new QFormLayout;
  form->setHorizontalSpacing(kGroupGap);
  name_->setAccessibleName(tr("Name of the template"));
  group_->setAccessibleName(tr("Group of the template"));
  text_->setAccessibleName(tr("Text of the template"));
  text_->setTabChangesFocus(true);
  form->addRow(tr("Name"), name_);
  form->addRow(tr("Group"), group_);
  form->addRow(tr("Text"), text_);
  remark_->setFont(small_font());
  remark_->setWordWrap(true);
  remark_->setMinimumHeight(2 * remark_->fontMetrics().lineSpacing());
  form->addRow(QString(), remark_);
  middle->addLayout(form, 1);
  layout->addLayout(middle, 1);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
  save_ = buttons->addButton(tr("Save in the project"), QDialogButtonBox::AcceptRole);
  save_->setProperty("primary", true);
  auto* shipped = buttons->addButton(tr("Shipped set"), QDialogButtonBox::ResetRole);
  for (QPushButton* button : {add, remove_, shipped}) button->setAutoDefault(false);
  layout->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(shipped, &QPushButton::clicked, this, [this] {
    templates_ = app::shipped_templates();
    fill(0);
  });
  connect(add, &QPushButton::clicked, this, [this] {
    const std::string group = templates_.empty() ? std::string() : templates_[static_cast<std::size_t>(std::max(0, current()))].group;
    templates_.push_back({tr("New template").toStdString(), group, {}});
    fill(static_cast<int>(templates_.size()) - 1);
    name_->setFocus();
    name_->selectAll();
  });
  connect(remove_, &QPushButton::clicked, this, [this] {
    const int at = current();
    if (at < 0) return;
    templates_.erase(templates_.begin() + at);
    fill(std::min(at, static_cast<int>(templates_.size()) - 1));
  });
  connect(list_, &QListWidget::currentRowChanged, this, &TemplatesDialog::show_current);
  connect(name_, &QLineEdit::textEdited, this, &TemplatesDialog::keep_current);
  connect(group_, &QLineEdit::textEdited, this, &TemplatesDialog::keep_current);
  connect(text_, &QPlainTextEdit::textChanged, this, &TemplatesDialog::keep_current);
  fill(0);
}

int TemplatesDialog::current() const { return list_->currentRow() < static_cast<int>(templates_.size()) ? list_->currentRow() : -1; }

void TemplatesDialog::fill(int row) {
  filling_ = true;
  list_->clear();
  for (const app::PromptTemplate& one : templates_) {
    auto* item = new QListWidgetItem(QString::fromStdString(one.name));
    item->setToolTip(QString::fromStdString(one.group));
    list_->addItem(item);
  }
  filling_ = false;
  list_->setCurrentRow(row);
  show_current();
}

void TemplatesDialog::show_current() {
  const int at = current();
  filling_ = true;
  const app::PromptTemplate one = at < 0 ? app::PromptTemplate() : templates_[static_cast<std::size_t>(at)];
  name_->setText(QString::fromStdString(one.name));
  group_->setText(QString::fromStdString(one.group));
  text_->setPlainText(QString::fromStdString(one.text));
  filling_ = false;
  for (QWidget* widget : {static_cast<QWidget*>(name_), static_cast<QWidget*>(group_), static_cast<QWidget*>(text_), static_cast<QWidget*>(remove_)}) widget->setEnabled(at >= 0);
  check();
}

void TemplatesDialog::keep_current() {
  const int at = current();
  if (filling_ || at < 0) return;
  app::PromptTemplate& one = templates_[static_cast<std::size_t>(at)];
  one = {name_->text().trimmed().toStdString(), group_->text().trimmed().toStdString(), text_->toPlainText().toStdString()};
  list_->item(at)->setText(name_->text().trimmed());
  check();
}

void TemplatesDialog::check() {
  QSet<QString> names;
  QString fault;
  for (const app::PromptTemplate& one : templates_) {
    const QString name = QString::fromStdString(one.name);
    if (name.isEmpty() || QString::fromStdString(one.text).trimmed().isEmpty()) fault = tr("A template needs a name and a text.");
    else if (names.contains(name)) fault = tr("Two templates are called \"%1\".").arg(name);
    names.insert(name);
  }
  QString remark = fault;
  if (const int at = current(); fault.isEmpty() && at >= 0) {
    QStringList variables;
    for (const std::string& name : app::variables_of(templates_[static_cast<std::size_t>(at)])) variables << QLatin1Char('{') + QString::fromStdString(name) + QLatin1Char('}');
    remark = variables.isEmpty() ? tr("Words in braces, like {subject}, are filled in when the template is used.") : tr("To be filled in: %1").arg(variables.join(QStringLiteral(", ")));
  }
  remark_->setText(remark);
  set_text_color(remark_, fault.isEmpty() ? tokens().ink_soft : tokens().amber);
  save_->setEnabled(fault.isEmpty());
}

}  // namespace ui
