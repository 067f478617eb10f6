#include "ui/conversation/thinking_part.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QTextBlock>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kMostLines = 24;

/// The last thing that was thought, without line breaks.
QString last_line(const QString& text) {
  const QString trimmed = text.trimmed();
  return trimmed.mid(trimmed.lastIndexOf(QLatin1Char('\n')) + 1).simplified();
}

}  // namespace

ThinkingPart::ThinkingPart(QWidget* parent)
    : QFrame(parent), toggle_(new QToolButton), enough_(new QToolButton), line_(new QLabel), figures_(new QLabel), body_(new QPlainTextEdit) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kGrid, 2, kGrid, 2);
  layout->setSpacing(0);
  auto* head = new QHBoxLayout;
  head->setSpacing(kGrid);
  toggle_->setAutoRaise(true);
  toggle_->setText(tr("Thinking"));
  toggle_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  toggle_->setAccessibleName(tr("Show or hide the thinking"));
  line_->setTextFormat(Qt::PlainText);
  line_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
  figures_->setFont(small_font());
  head->addWidget(toggle_);
  head->addWidget(line_, 1);
  enough_->setText(tr("Answer now"));
  enough_->setFont(small_font());
  enough_->setAutoRaise(true);
  enough_->setToolTip(tr("Ends the thinking; the answer begins with what it has."));
  head->addWidget(enough_);
  head->addWidget(figures_);
  layout->addLayout(head);
  connect(enough_, &QToolButton::clicked, this, [this] {
    enough_->setEnabled(false);
    emit answer_now_requested();
  });
  body_->setReadOnly(true);
  body_->setFrameShape(QFrame::NoFrame);
  body_->setAccessibleName(tr("Thinking"));
  body_->document()->setUndoRedoEnabled(false);
  body_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  body_->viewport()->setAutoFillBackground(false);
  layout->addWidget(body_);
  connect(toggle_, &QToolButton::clicked, this, [this] {
    set_state(state_ == State::kFull ? State::kOneLine : State::kFull);
    emit state_changed();
  });
  tint();
  show_state();
}

void ThinkingPart::set_state(State state) {
  state_ = state;
  show_state();
}

void ThinkingPart::set_text(const QString& text) {
  if (text == text_) return;
  const bool at_end = body_->verticalScrollBar()->value() >= body_->verticalScrollBar()->maximum() - 4;
  if (text.startsWith(text_) && !text_.isEmpty()) {
    QTextCursor cursor(body_->document());
    cursor.movePosition(QTextCursor::End);
    cursor.insertText(text.mid(text_.size()));
  } else {
    body_->setPlainText(text);
  }
  text_ = text;
  if (at_end) body_->verticalScrollBar()->setValue(body_->verticalScrollBar()->maximum());
  show_state();
}

void ThinkingPart::set_figures(const QString& figures) { figures_->setText(figures); }

void ThinkingPart::set_running(bool running) {
  if (running && !running_) enough_->setEnabled(true);
  running_ = running;
  show_state();
}

void ThinkingPart::show_state() {
  const bool full = state_ == State::kFull;
  setVisible(state_ != State::kHidden && (running_ || !text_.isEmpty()));
  toggle_->setIcon(icon(full ? QStringLiteral("chevron-down") : QStringLiteral("chevron-right")));
  body_->setVisible(full && !text_.isEmpty());
  enough_->setVisible(running_ && !text_.isEmpty());
  const QString line = full ? QString() : running_ && reduced_motion() ? QString() : last_line(text_);
  line_->setText(line_->fontMetrics().elidedText(line, Qt::ElideLeft, std::max(40, line_->width())));
  line_->setToolTip(line);
  if (full) fit_height();
}

void ThinkingPart::fit_height() {
  int lines = 0;
  for (QTextBlock block = body_->document()->begin(); block.isValid() && lines < kMostLines; block = block.next()) {
    const int width = std::max(80, body_->viewport()->width() - 12);
    lines += 1 + body_->fontMetrics().horizontalAdvance(block.text()) / width;
  }
  body_->setFixedHeight(std::min(lines, kMostLines) * body_->fontMetrics().lineSpacing() + 14);
}

void ThinkingPart::tint() {
  for (QWidget* widget : {static_cast<QWidget*>(line_), static_cast<QWidget*>(figures_), static_cast<QWidget*>(body_)}) set_text_color(widget, tokens().ink_soft);
  set_text_color(toggle_, tokens().sky);
}

void ThinkingPart::resizeEvent(QResizeEvent* event) {
  QFrame::resizeEvent(event);
  show_state();
}

void ThinkingPart::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  // Children get palettes of their own from here, so that only a change of the theme may lead here again.
  if (event->type() == QEvent::PaletteChange && line_ != nullptr) tint();
}

void ThinkingPart::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setPen(Qt::NoPen);
  painter.setBrush(mix(tokens().sky, tokens().paper, 0.07));
  painter.drawRoundedRect(rect(), kRadius, kRadius);
}

}  // namespace ui
