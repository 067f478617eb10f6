#pragma once

#include <QDialog>
#include <QStringList>

class QLabel;
class QPlainTextEdit;
class QPushButton;

namespace ui {

/// Questions to be asked one after the other over the same sources, which are read once.
class QuestionListDialog final : public QDialog {
  Q_OBJECT

 public:
  explicit QuestionListDialog(QWidget* parent = nullptr);
  QStringList questions() const;
  void set_text(const QString& text);

 private:
  void show_count();

  QPlainTextEdit* text_;
  QLabel* count_;
  QPushButton* ask_;
};

}  // namespace ui
