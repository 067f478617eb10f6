#pragma once

#include <QColor>
#include <QPlainTextEdit>

#include <vector>

#include "app/question/prompt_builder.h"
#include "engine/tokenizer/tokenizer.h"

namespace ui {

/// The text of a prompt with what each piece of it is: a bar in the source's tint at the edge, and on wish
/// every token on a ground of its own. Only what is in sight is painted.
class PromptText final : public QPlainTextEdit {
  Q_OBJECT

 public:
  explicit PromptText(QWidget* parent = nullptr);

  /// `tokenizer` may be null: then neither tokens nor sources are shown.
  void set_prompt(const app::Prompt& prompt, const engine::Tokenizer* tokenizer);
  /// Whether the tokens, one by one, are the text that is shown.
  bool knows_tokens() const { return !ends_.empty(); }
  void set_tokens_shown(bool shown);
  /// The token at a place of the text; -1 where that is not known.
  std::int64_t token_at(int position) const;

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool viewportEvent(QEvent* event) override;

 private:
  /// A tint for every document, in the order of the prompt; -1 outside of the sources.
  int tint_of(std::int64_t token) const;
  void paint_block(QPainter& painter, const QTextBlock& block, const QPointF& at) const;

  std::vector<int> ends_;              // per token, where it ends in the text, in UTF-16 units
  struct Run {
    std::int64_t first_token = 0;
    std::int64_t last_token = 0;
    int tint = 0;
  };
  std::vector<Run> sources_;           // ascending
  bool tokens_shown_ = false;
};

}  // namespace ui
