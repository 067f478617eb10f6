#pragma once

#include <QFrame>
#include <QPlainTextEdit>

class QLabel;
class QPushButton;

namespace ui {

/// The text field of the question: Enter asks, Shift+Enter breaks the line, it grows to eight lines.
class QuestionEdit final : public QPlainTextEdit {
  Q_OBJECT

 public:
  explicit QuestionEdit(QWidget* parent = nullptr);

 signals:
  void entered();
  void escaped();

 protected:
  void keyPressEvent(QKeyEvent* event) override;
  void insertFromMimeData(const QMimeData* source) override;

 private:
  void fit_height();
};

/// Question, a short hint, and the one button that is Ask or Stop.
class QuestionBox final : public QFrame {
  Q_OBJECT

 public:
  explicit QuestionBox(QWidget* parent = nullptr);

  QString text() const;
  void set_text(const QString& text);
  /// A template: its variables, {like} {these}, have to be filled in before it can be asked; the first one is selected.
  void set_template(const QString& text, const QStringList& variables);
  void set_running(bool running);
  /// Why asking is not possible now; empty when it is.
  void set_obstacle(const QString& reason);
  void focus();
  QuestionEdit* edit() const { return edit_; }

 signals:
  void asked(const QString& question);
  void stopped();
  void text_changed();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void changeEvent(QEvent* event) override;
  bool eventFilter(QObject* object, QEvent* event) override;

 private:
  void press();
  void show_state();

  QuestionEdit* edit_;
  QLabel* hint_;
  QPushButton* button_;
  QString obstacle_;
  QStringList variables_;  // of the template in the field
  QString open_variable() const;
  bool running_ = false;
};

}  // namespace ui
