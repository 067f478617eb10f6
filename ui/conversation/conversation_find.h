#pragma once

#include <QFrame>
#include <QPointer>
#include <QTextCursor>

#include <vector>

class QLabel;
class QLineEdit;

namespace ui {

class AnswerText;
class ConversationView;

/// Finds words in the answers and questions of the conversation: marks every match, counts them, and
/// scrolls from one to the next.
class ConversationFind final : public QFrame {
  Q_OBJECT

 public:
  explicit ConversationFind(ConversationView& view, QWidget* parent = nullptr);
  /// Shows the bar with its words chosen.
  void open();
  void close_bar();
  int n_matches() const { return static_cast<int>(matches_.size()); }
  int current() const { return current_; }
  QLineEdit* edit() const { return edit_; }
  void step(int by);

 protected:
  bool eventFilter(QObject* object, QEvent* event) override;

 private:
  /// In an answer at a place of its text, or in the question of a turn.
  struct Match {
    QPointer<QWidget> widget;
    QTextCursor cursor;
  };

  void find();
  void show_matches();

  ConversationView& view_;
  QLineEdit* edit_;
  QLabel* count_;
  std::vector<Match> matches_;
  int current_ = -1;
};

}  // namespace ui
