#pragma once

#include <QPlainTextEdit>
#include <memory>
#include <vector>

#include "app/heatmap/run_trace.h"

namespace ui {

/// Thinking and answer as running text made of its tokens: a click chooses one, a double click its sentence,
/// dragging some words.
class AnswerTokens : public QPlainTextEdit {
  Q_OBJECT

 public:
  explicit AnswerTokens(QWidget* parent = nullptr);
  void set_run(std::shared_ptr<const app::RunTrace> run);
  /// Marks tokens [begin, end) and scrolls to them; emits nothing.
  void mark(qint64 begin, qint64 end);

 signals:
  void tokens_selected(qint64 begin, qint64 end);

 protected:
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  QSize sizeHint() const override { return {240, 120}; }
  QSize minimumSizeHint() const override { return {150, 60}; }
  void keyReleaseEvent(QKeyEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  qint64 token_at(int character) const;
  void choose_from_cursor();
  void choose_range(engine::TokenRange tokens);
  void color_thinking();

  std::shared_ptr<const app::RunTrace> run_;
  std::vector<int> starts_;  // character where each token begins, then the end of the text
  bool sentence_chosen_ = false;  // by the double click whose release comes now
  qint64 marked_begin_ = 0;
  qint64 marked_end_ = 0;
};

}  // namespace ui
