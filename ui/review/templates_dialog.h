#pragma once

#include <QDialog>

#include <vector>

#include "app/question/prompt_templates.h"

class QLineEdit;
class QListWidget;
class QPlainTextEdit;
class QLabel;
class QPushButton;

namespace ui {

/// The project's questions that can be asked again: change, add, remove, or go back to the shipped set.
class TemplatesDialog final : public QDialog {
  Q_OBJECT

 public:
  explicit TemplatesDialog(std::vector<app::PromptTemplate> templates, QWidget* parent = nullptr);
  const std::vector<app::PromptTemplate>& templates() const { return templates_; }

 private:
  void fill(int row);
  void show_current();
  void keep_current();
  void check();
  int current() const;

  std::vector<app::PromptTemplate> templates_;
  bool filling_ = false;
  QListWidget* list_;
  QLineEdit* name_;
  QLineEdit* group_;
  QPlainTextEdit* text_;
  QLabel* remark_;
  QPushButton* remove_;
  QPushButton* save_;
};

}  // namespace ui
