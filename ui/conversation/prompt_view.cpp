#include "ui/conversation/prompt_view.h"

#include <QLabel>
#include <QPlainTextEdit>
#include <QRegularExpression>
#include <QSyntaxHighlighter>
#include <QVBoxLayout>

#include "ui/sources/source_model.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

class PromptHighlighter final : public QSyntaxHighlighter {
 public:
  using QSyntaxHighlighter::QSyntaxHighlighter;

 protected:
  void highlightBlock(const QString& text) override {
    // Names of control tokens as the model families write them, and anchors like [p12].
    static const QRegularExpression controls(QStringLiteral("<[|\\x{ff5c}][^>]{1,60}>|</?think>"));
    static const QRegularExpression anchors(QStringLiteral("\\[[a-z]?\\d{1,6}\\]"));
    QTextCharFormat control;
    control.setForeground(tokens().sky);
    control.setFontWeight(QFont::DemiBold);
    QTextCharFormat anchor;
    anchor.setForeground(tokens().pine);
    for (auto it = controls.globalMatch(text); it.hasNext();) {
      const auto match = it.next();
      setFormat(static_cast<int>(match.capturedStart()), static_cast<int>(match.capturedLength()), control);
    }
    for (auto it = anchors.globalMatch(text); it.hasNext();) {
      const auto match = it.next();
      setFormat(static_cast<int>(match.capturedStart()), static_cast<int>(match.capturedLength()), anchor);
    }
  }
};

}  // namespace

PromptView::PromptView(QWidget* parent) : QWidget(parent, Qt::Window), budget_(new QLabel), text_(new QPlainTextEdit) {
  setAttribute(Qt::WA_DeleteOnClose);
  setWindowTitle(tr("The exact prompt"));
  resize(820, 680);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  budget_->setFont(small_font());
  budget_->setTextFormat(Qt::PlainText);
  budget_->setWordWrap(true);
  budget_->setContentsMargins(kGroupGap, kGrid, kGroupGap, kGrid);
  budget_->setText(tr("The prompt is being put together again."));
  set_text_color(budget_, tokens().ink_soft);
  layout->addWidget(budget_);
  text_->setReadOnly(true);
  text_->setFrameShape(QFrame::NoFrame);
  text_->setFont(code_font());
  text_->setAccessibleName(tr("The exact prompt"));
  text_->document()->setDocumentMargin(kGroupGap);
  new PromptHighlighter(text_->document());
  layout->addWidget(text_, 1);
}

void PromptView::show_prompt(const app::Prompt& prompt) {
  const app::TokenBudget& budget = prompt.budget;
  budget_->setText(tr("%1 tokens: instructions %2, sources %3, earlier turns %4, question %5. Then up to %6 for thinking and answer.")
                       .arg(grouped(prompt.map.n_tokens), grouped(budget.instructions), grouped(budget.sources), grouped(budget.earlier),
                            grouped(budget.question), grouped(budget.reserve)));
  text_->setPlainText(QString::fromStdString(prompt.text));
}

void PromptView::show_failure(const QString& why) { budget_->setText(why); }

}  // namespace ui
