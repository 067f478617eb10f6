#pragma once

#include <QFrame>

class QLabel;
class QPlainTextEdit;
class QToolButton;

namespace ui {

/// What the model thought: hidden, one line that moves along, or all of it. Time and tokens stand at the right.
class ThinkingPart final : public QFrame {
  Q_OBJECT

 public:
  enum class State { kHidden, kOneLine, kFull };

  explicit ThinkingPart(QWidget* parent = nullptr);
  void set_state(State state);
  State state() const { return state_; }
  void set_text(const QString& text);
  QString text() const { return text_; }
  void set_figures(const QString& figures);
  void set_running(bool running);

 signals:
  void state_changed();
  void answer_now_requested();

 protected:
  void resizeEvent(QResizeEvent* event) override;
  void changeEvent(QEvent* event) override;
  void paintEvent(QPaintEvent* event) override;

 private:
  void show_state();
  void fit_height();
  void tint();

  QToolButton* toggle_;
  QToolButton* enough_;  // while it thinks: answer now
  QLabel* line_;
  QLabel* figures_;
  QPlainTextEdit* body_;
  QString text_;
  State state_ = State::kOneLine;
  bool running_ = false;
};

}  // namespace ui
