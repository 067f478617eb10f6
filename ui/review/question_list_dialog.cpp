#include "ui/review/question_list_dialog.h"

#include <QDialogButtonBox>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QVBoxLayout>

#include "app/question/prompt_templates.h"
#include "ui/theme/tokens.h"

namespace ui {

QuestionListDialog::QuestionListDialog(QWidget* parent) : QDialog(parent), text_(new QPlainTextEdit), count_(new QLabel), ask_(nullptr) {
  setWindowTitle(tr("A list of questions"));
  resize(560, 380);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPanelMargin, kPanelMargin, kPanelMargin, kPanelMargin);
  layout->setSpacing(kGroupGap);
  auto* about = new QLabel(tr("One question a line. They are asked one after the other over the chosen sources, which are read once. "
                              "Lines that begin with # are left out."));
  about->setWordWrap(true);
  layout->addWidget(about);
  text_->setAccessibleName(tr("Questions, one a line"));
  text_->setTabChangesFocus(true);
  layout->addWidget(text_, 1);
  count_->setFont(small_font());
  layout->addWidget(count_);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
  ask_ = buttons->addButton(tr("Ask them all"), QDialogButtonBox::AcceptRole);
  ask_->setProperty("primary", true);
  layout->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(text_, &QPlainTextEdit::textChanged, this, &QuestionListDialog::show_count);
  show_count();
}

void QuestionListDialog::set_text(const QString& text) { text_->setPlainText(text); }

QStringList QuestionListDialog::questions() const {
  QStringList result;
  for (const std::string& one : app::parse_questions(text_->toPlainText().toStdString())) result << QString::fromStdString(one);
  return result;
}

void QuestionListDialog::show_count() {
  const auto n = static_cast<int>(questions().size());
  count_->setText(n == 0 ? tr("No question yet") : tr("%n question(s)", nullptr, n));
  set_text_color(count_, tokens().ink_soft);
  ask_->setEnabled(n > 0);
}

}  // namespace ui
