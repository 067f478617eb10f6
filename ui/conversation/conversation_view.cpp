#include "ui/conversation/conversation_view.h"

#include <QFontMetrics>
#include <QScrollBar>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

#include "ui/conversation/answer_text.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kTextColumn = 78;  // characters
constexpr int kNearTheEnd = 24;  // pixels

}  // namespace

ConversationView::ConversationView(QWidget* parent) : QScrollArea(parent), column_(new QWidget), new_text_(new QToolButton(this)) {
  setFrameShape(QFrame::NoFrame);
  setWidgetResizable(true);
  setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  setAccessibleName(tr("Conversation"));
  setBackgroundRole(QPalette::Base);
  column_->setBackgroundRole(QPalette::Base);
  column_->setAutoFillBackground(true);
  viewport()->setBackgroundRole(QPalette::Base);
  layout_ = new QVBoxLayout(column_);
  layout_->setContentsMargins(kPanelMargin, kPanelMargin, kPanelMargin, kPanelMargin);
  layout_->setSpacing(24);
  layout_->addStretch(1);
  setWidget(column_);
  new_text_->setText(tr("New text"));
  new_text_->setIcon(icon(QStringLiteral("down")));
  new_text_->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
  new_text_->setAccessibleName(tr("Go to the end of the conversation"));
  new_text_->setAutoFillBackground(true);
  new_text_->setBackgroundRole(QPalette::Base);
  new_text_->hide();
  connect(new_text_, &QToolButton::clicked, this, &ConversationView::scroll_to_end);
  connect(verticalScrollBar(), &QScrollBar::valueChanged, this, [this](int value) {
    at_end_ = value >= verticalScrollBar()->maximum() - kNearTheEnd;
    if (at_end_) new_text_->hide();
  });
  connect(verticalScrollBar(), &QScrollBar::rangeChanged, this, &ConversationView::follow);
}

TurnView* ConversationView::add_turn() {
  auto* turn = new TurnView;
  layout_->insertWidget(layout_->count() - 1, turn);
  turns_.push_back(turn);
  if (empty_ != nullptr) empty_->hide();
  emit turn_added(turn);
  return turn;
}

void ConversationView::clear() { remove_from(0); }

void ConversationView::remove_from(int index) {
  while (n_turns() > index) {
    turns_.back()->hide();
    turns_.back()->deleteLater();
    turns_.pop_back();
  }
  if (empty_ != nullptr) empty_->setVisible(turns_.empty());
}

void ConversationView::set_empty_widget(QWidget* widget) {
  empty_ = widget;
  layout_->insertWidget(0, widget);
  widget->setVisible(turns_.empty());
}

void ConversationView::scroll_to_end() {
  at_end_ = true;
  verticalScrollBar()->setValue(verticalScrollBar()->maximum());
  new_text_->hide();
}

void ConversationView::follow() {
  if (at_end_) {
    verticalScrollBar()->setValue(verticalScrollBar()->maximum());
  } else if (!turns_.empty()) {
    place_chip();
    new_text_->show();
    new_text_->raise();
  }
}

void ConversationView::place_chip() {
  new_text_->adjustSize();
  new_text_->move((viewport()->width() - new_text_->width()) / 2, height() - new_text_->height() - kGrid);
}

void ConversationView::lay_out() {
  const int text = QFontMetrics(body_font()).averageCharWidth() * kTextColumn + 2 * kPanelMargin;
  const int side = std::max(kPanelMargin, (viewport()->width() - text) / 2);
  layout_->setContentsMargins(side, kPanelMargin, side, kPanelMargin);
}

void ConversationView::resizeEvent(QResizeEvent* event) {
  lay_out();
  QScrollArea::resizeEvent(event);
  place_chip();
}

}  // namespace ui
