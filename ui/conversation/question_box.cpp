#include "ui/conversation/question_box.h"

#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QMimeData>
#include <QPainter>
#include <QPushButton>
#include <QScrollBar>
#include <QVBoxLayout>

#include <algorithm>

#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {

QuestionEdit::QuestionEdit(QWidget* parent) : QPlainTextEdit(parent) {
  setFrameShape(QFrame::NoFrame);
  setTabChangesFocus(true);
  setPlaceholderText(tr("Ask about the chosen sources"));
  setAccessibleName(tr("Question"));
  setAccessibleDescription(tr("Enter asks, Shift and Enter starts a new line"));
  setVerticalScrollBarPolicy(Qt::ScrollBarAsNeeded);
  viewport()->setAutoFillBackground(false);
  connect(document(), &QTextDocument::contentsChanged, this, &QuestionEdit::fit_height);
  fit_height();
}

void QuestionEdit::keyPressEvent(QKeyEvent* event) {
  const bool enter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
  if (enter && !(event->modifiers() & (Qt::ShiftModifier | Qt::AltModifier))) {
    emit entered();
    return;
  }
  if (event->key() == Qt::Key_Escape) emit escaped();
  QPlainTextEdit::keyPressEvent(event);
}

void QuestionEdit::insertFromMimeData(const QMimeData* source) {
  // Dropped files belong to the window around, not into the text.
  if (!source->hasUrls()) insertPlainText(source->text());
}

void QuestionEdit::fit_height() {
  const int lines = std::clamp(static_cast<int>(document()->size().height()), 1, 8);
  setFixedHeight(lines * fontMetrics().lineSpacing() + 2 * static_cast<int>(document()->documentMargin()) + 4);
}

QuestionBox::QuestionBox(QWidget* parent) : QFrame(parent), edit_(new QuestionEdit), hint_(new QLabel), button_(new QPushButton) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kGroupGap, kGrid, kGrid, kGrid);
  layout->setSpacing(kTight);
  layout->addWidget(edit_);
  auto* below = new QHBoxLayout;
  below->setSpacing(kGrid);
  hint_->setFont(small_font());
  hint_->setTextFormat(Qt::PlainText);
  hint_->setWordWrap(true);
  below->addWidget(hint_, 1);
  button_->setProperty("primary", true);
  button_->setFont(strong(body_font()));
  below->addWidget(button_);
  layout->addLayout(below);
  edit_->installEventFilter(this);
  connect(edit_, &QuestionEdit::entered, this, &QuestionBox::press);
  connect(edit_, &QuestionEdit::textChanged, this, [this] {
    if (text().isEmpty()) variables_.clear();
    show_state();
    emit text_changed();
  });
  connect(button_, &QPushButton::clicked, this, &QuestionBox::press);
  show_state();
}

QString QuestionBox::text() const { return edit_->toPlainText(); }

void QuestionBox::set_text(const QString& text) {
  edit_->setPlainText(text);
  edit_->moveCursor(QTextCursor::End);
}

void QuestionBox::set_template(const QString& text, const QStringList& variables) {
  set_text(text);
  variables_ = variables;
  show_state();
  edit_->setFocus(Qt::ShortcutFocusReason);
  const QString first = open_variable();
  if (first.isEmpty()) return;
  QTextCursor cursor = edit_->textCursor();
  const auto at = static_cast<int>(text.indexOf(first));
  cursor.setPosition(at);
  cursor.setPosition(at + static_cast<int>(first.size()), QTextCursor::KeepAnchor);
  edit_->setTextCursor(cursor);
}

QString QuestionBox::open_variable() const {
  for (const QString& name : variables_) {
    const QString written = QLatin1Char('{') + name + QLatin1Char('}');
    if (text().contains(written)) return written;
  }
  return {};
}

void QuestionBox::set_running(bool running) {
  running_ = running;
  show_state();
}

void QuestionBox::set_obstacle(const QString& reason) {
  obstacle_ = reason;
  show_state();
}

void QuestionBox::focus() {
  edit_->setFocus(Qt::ShortcutFocusReason);
  edit_->selectAll();
}

void QuestionBox::press() {
  if (running_) {
    if (sender() == button_) emit stopped();
    return;
  }
  const QString question = text().trimmed();
  if (question.isEmpty() || !obstacle_.isEmpty() || !open_variable().isEmpty()) return;
  emit asked(question);
}

void QuestionBox::show_state() {
  button_->setText(running_ ? tr("Stop") : tr("Ask"));
  button_->setAccessibleName(running_ ? tr("Stop the run") : tr("Ask the question"));
  button_->setProperty("primary", !running_);
  const QString open = open_variable();
  const QString hindrance = !obstacle_.isEmpty() ? obstacle_ : open.isEmpty() ? QString() : tr("Write what you mean in the place of %1.").arg(open);
  button_->setEnabled(running_ || (!text().trimmed().isEmpty() && hindrance.isEmpty()));
  button_->update();
  hint_->setText(!hindrance.isEmpty() ? hindrance : tr("Enter asks, Shift+Enter starts a new line"));
  set_text_color(hint_, hindrance.isEmpty() ? tokens().ink_soft : tokens().amber);
}

void QuestionBox::paintEvent(QPaintEvent*) {
  const Tokens& t = tokens();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const bool focus = edit_->hasFocus();
  painter.setBrush(t.paper);
  painter.setPen(QPen(focus ? t.pine : mix(t.ink_soft, t.paper, t.high_contrast ? 1.0 : 0.35), focus ? 1.75 : 1));
  painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), kRadius, kRadius);
}

void QuestionBox::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::PaletteChange && button_ != nullptr) show_state();
}

bool QuestionBox::eventFilter(QObject* object, QEvent* event) {
  if (event->type() == QEvent::FocusIn || event->type() == QEvent::FocusOut) update();
  return QFrame::eventFilter(object, event);
}

}  // namespace ui
