#include "ui/trace/answer_tokens.h"

#include <QMouseEvent>
#include <QTextBlock>
#include <algorithm>

#include "app/heatmap/evidence.h"
#include "ui/trace/heat_theme.h"

namespace ui {

AnswerTokens::AnswerTokens(QWidget* parent) : QPlainTextEdit(parent) {
  setReadOnly(true);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setFrameShape(QFrame::NoFrame);
  setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  setAccessibleName(tr("Tokens of thinking and answer"));
  setToolTip(tr("A click chooses a word, a double click its sentence, dragging some words: the list shows what they selected."));
  setPlaceholderText(tr("The words of thinking and answer appear here."));
}

void AnswerTokens::set_run(std::shared_ptr<const app::RunTrace> run) {
  run_ = std::move(run);
  starts_.clear();
  marked_begin_ = marked_end_ = 0;
  QString text;
  if (run_ != nullptr) {
    const auto n_tokens = static_cast<std::size_t>(run_->trace->n_generated);
    for (std::size_t i = 0; i < n_tokens; ++i) {
      if (static_cast<qint64>(i) == run_->trace->n_thinking && i > 0) text += QStringLiteral("\n\n");
      starts_.push_back(static_cast<int>(text.size()));
      // A token may be part of a character, or have no text at all; it still takes its place.
      text += i < run_->token_texts.size() ? QString::fromStdString(run_->token_texts[i])
                                           : QStringLiteral("\u25ab%1 ").arg(static_cast<qulonglong>(i));
    }
  }
  starts_.push_back(static_cast<int>(text.size()));
  setPlainText(text);
  color_thinking();
}

void AnswerTokens::color_thinking() {
  QList<QTextEdit::ExtraSelection> selections;
  const auto add = [&](int begin, int end, const QTextCharFormat& format) {
    QTextEdit::ExtraSelection selection;
    selection.cursor = QTextCursor(document());
    selection.cursor.setPosition(begin);
    selection.cursor.setPosition(std::min(end, document()->characterCount() - 1), QTextCursor::KeepAnchor);
    selection.format = format;
    selections.push_back(selection);
  };
  const auto n_tokens = static_cast<qint64>(starts_.size()) - 1;
  if (run_ != nullptr && run_->trace->n_thinking > 0 && run_->trace->n_thinking <= n_tokens) {
    QTextCharFormat thinking;
    thinking.setForeground(theme_of(palette()) == app::Theme::kLight ? QColor(0x2B5F9E) : QColor(0x8AB6EA));
    add(0, starts_[static_cast<std::size_t>(run_->trace->n_thinking)], thinking);
  }
  if (marked_end_ > marked_begin_ && marked_end_ <= n_tokens) {
    QTextCharFormat marked;
    marked.setBackground(palette().color(QPalette::Highlight));
    marked.setForeground(palette().color(QPalette::HighlightedText));
    add(starts_[static_cast<std::size_t>(marked_begin_)], starts_[static_cast<std::size_t>(marked_end_)], marked);
  }
  setExtraSelections(selections);
}

void AnswerTokens::mark(qint64 begin, qint64 end) {
  const auto n_tokens = static_cast<qint64>(starts_.size()) - 1;
  marked_begin_ = std::clamp<qint64>(begin, 0, std::max<qint64>(0, n_tokens));
  marked_end_ = std::clamp<qint64>(end, marked_begin_, std::max<qint64>(0, n_tokens));
  color_thinking();
  if (marked_end_ > marked_begin_) {
    QTextCursor cursor(document());
    cursor.setPosition(starts_[static_cast<std::size_t>(marked_begin_)]);
    setTextCursor(cursor);
    ensureCursorVisible();
  }
}

qint64 AnswerTokens::token_at(int character) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end() - 1, character);
  return std::max<qint64>(0, after - starts_.begin() - 1);
}

void AnswerTokens::choose_from_cursor() {
  if (run_ == nullptr || starts_.size() < 2) return;
  const QTextCursor cursor = textCursor();
  const qint64 begin = token_at(cursor.selectionStart());
  const qint64 end = cursor.hasSelection() ? token_at(cursor.selectionEnd() - 1) + 1 : begin + 1;
  choose_range({begin, end});
}

void AnswerTokens::choose_range(engine::TokenRange tokens) {
  marked_begin_ = tokens.begin;
  marked_end_ = tokens.end;
  color_thinking();
  emit tokens_selected(tokens.begin, tokens.end);
}

void AnswerTokens::mouseReleaseEvent(QMouseEvent* event) {
  QPlainTextEdit::mouseReleaseEvent(event);
  if (event->button() == Qt::LeftButton && !sentence_chosen_) choose_from_cursor();
  sentence_chosen_ = false;
}

void AnswerTokens::mouseDoubleClickEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton || run_ == nullptr || starts_.size() < 2) return;
  sentence_chosen_ = true;
  choose_range(app::sentence_of_token(*run_, token_at(cursorForPosition(event->position().toPoint()).position())));
}

void AnswerTokens::keyReleaseEvent(QKeyEvent* event) {
  QPlainTextEdit::keyReleaseEvent(event);
  if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter || event->modifiers().testFlag(Qt::ShiftModifier)) {
    choose_from_cursor();
  }
}

void AnswerTokens::changeEvent(QEvent* event) {
  QPlainTextEdit::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) color_thinking();
}

}  // namespace ui
