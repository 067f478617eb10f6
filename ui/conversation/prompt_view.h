#pragma once

#include <QWidget>

#include "app/question/prompt_builder.h"

class QLabel;
class QPlainTextEdit;

namespace ui {

/// The exact prompt that was sent, in a window of its own: control tokens and anchors stand out, and
/// it says how many tokens each part took. It can be read and copied, not changed.
class PromptView final : public QWidget {
  Q_OBJECT

 public:
  explicit PromptView(QWidget* parent = nullptr);
  void show_prompt(const app::Prompt& prompt);
  void show_failure(const QString& why);
  QPlainTextEdit* text() const { return text_; }

 private:
  QLabel* budget_;
  QPlainTextEdit* text_;
};

}  // namespace ui
