#include "ui/conversation/conversation_find.h"

#include <QAbstractTextDocumentLayout>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QScrollBar>
#include <QTextBlock>
#include <QTextDocument>
#include <QToolButton>

#include <algorithm>

#include "ui/conversation/answer_text.h"
#include "ui/conversation/conversation_view.h"
#include "ui/sources/source_model.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kFewestLetters = 2;
constexpr std::size_t kMostMatches = 2000;

}  // namespace

ConversationFind::ConversationFind(ConversationView& view, QWidget* parent) : QFrame(parent), view_(view), edit_(new QLineEdit), count_(new QLabel) {
  auto* row = new QHBoxLayout(this);
  row->setContentsMargins(kPanelMargin, kTight, kPanelMargin, kTight);
  row->setSpacing(2);
  edit_->setPlaceholderText(tr("Find in the conversation"));
  edit_->setAccessibleName(tr("Find in the conversation"));
  edit_->setClearButtonEnabled(true);
  edit_->installEventFilter(this);
  count_->setFont(small_font());
  row->addWidget(edit_, 1);
  row->addWidget(count_);
  const auto button = [this, row](const char* icon_name, const QString& text, auto press) {
    auto* one = new QToolButton;
    one->setIcon(icon(QString::fromLatin1(icon_name)));
    one->setAutoRaise(true);
    one->setToolTip(text);
    one->setAccessibleName(text);
    connect(one, &QToolButton::clicked, this, press);
    row->addWidget(one);
  };
  button("up", tr("Previous match in the conversation"), [this] { step(-1); });
  button("down", tr("Next match in the conversation"), [this] { step(1); });
  button("close", tr("Close find in the conversation"), [this] { close_bar(); });
  connect(edit_, &QLineEdit::textChanged, this, &ConversationFind::find);
  hide();
}

void ConversationFind::open() {
  show();
  edit_->setFocus(Qt::ShortcutFocusReason);
  edit_->selectAll();
  find();
}

void ConversationFind::close_bar() {
  hide();
  matches_.clear();
  current_ = -1;
  show_matches();
}

void ConversationFind::find() {
  matches_.clear();
  current_ = -1;
  const QString words = edit_->text().trimmed();
  for (int i = 0; words.size() >= kFewestLetters && i < view_.n_turns(); ++i) {
    TurnView* turn = view_.turn(i);
    if (turn->question().contains(words, Qt::CaseInsensitive)) matches_.push_back({turn, {}});
    const QTextDocument* text = turn->answer_text()->document();
    for (QTextCursor at = text->find(words); !at.isNull() && matches_.size() < kMostMatches; at = text->find(words, at)) matches_.push_back({turn->answer_text(), at});
  }
  if (!matches_.empty()) step(1);
  else show_matches();
}

void ConversationFind::step(int by) {
  if (matches_.empty()) return;
  const int n = n_matches();
  current_ = current_ < 0 ? 0 : (current_ + by + n) % n;
  const Match& match = matches_[static_cast<std::size_t>(current_)];
  show_matches();
  if (match.widget == nullptr) return;
  if (match.cursor.isNull()) {
    view_.ensureWidgetVisible(match.widget, 0, kPanelMargin);
    return;
  }
  const auto* answer = static_cast<const AnswerText*>(match.widget.data());
  const QRect place = answer->cursorRect(match.cursor);
  const QPoint at = answer->viewport()->mapTo(view_.widget(), place.center());
  view_.ensureVisible(at.x(), at.y(), 0, view_.viewport()->height() / 3);
}

void ConversationFind::show_matches() {
  const Tokens& t = tokens();
  for (int i = 0; i < view_.n_turns(); ++i) {
    AnswerText* answer = view_.turn(i)->answer_text();
    QList<QTextEdit::ExtraSelection> marks;
    for (std::size_t m = 0; m < matches_.size(); ++m) {
      if (matches_[m].widget != answer) continue;
      QTextEdit::ExtraSelection mark;
      mark.cursor = matches_[m].cursor;
      mark.format.setBackground(static_cast<int>(m) == current_ ? mix(t.amber, t.paper, 0.45) : t.mark);
      marks.append(mark);
    }
    answer->setExtraSelections(marks);
  }
  const bool searching = isVisible() && edit_->text().trimmed().size() >= kFewestLetters;
  count_->setText(!searching ? QString() : matches_.empty() ? tr("no match") : tr("%1 of %2").arg(grouped(current_ + 1), grouped(n_matches())));
  set_text_color(count_, t.ink_soft);
}

bool ConversationFind::eventFilter(QObject* object, QEvent* event) {
  if (event->type() == QEvent::KeyPress) {
    const auto* key = static_cast<QKeyEvent*>(event);
    if (key->key() == Qt::Key_Escape) {
      close_bar();
      return true;
    }
    if (key->key() == Qt::Key_Return || key->key() == Qt::Key_Enter) {
      step(key->modifiers() & Qt::ShiftModifier ? -1 : 1);
      return true;
    }
  }
  return QFrame::eventFilter(object, event);
}

}  // namespace ui
