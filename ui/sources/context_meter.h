#pragma once

#include <QWidget>

#include <vector>

#include "app/question/prompt_builder.h"
#include "ui/sources/source_model.h"

namespace ui {

/// One thin bar: a segment per source in its tint, then question, reserve, free room. The band between
/// 32k and 96k tokens is where models of this kind read best; what a small model is good at is marked
/// instead. Over the limit it says by how much and what to drop.
class ContextMeter final : public QWidget {
  Q_OBJECT

 public:
  explicit ContextMeter(QWidget* parent = nullptr);

  /// `good_tokens` 0: the model is good to its context.
  void set_model(std::int64_t limit, std::int64_t good_tokens);
  void set_budget(const app::TokenBudget& budget, bool exact);
  void set_sources(std::vector<SourceModel::Weight> weights);
  /// Prompt tokens that the next question would find read already; -1 unknown.
  void set_reused(std::int64_t tokens);
  /// The sentence under the bar; also what a screen reader says.
  QString sentence() const;
  QString advice() const;
  bool over() const { return budget_.over() > 0; }
  QSize sizeHint() const override { return {360, 40}; }
  QSize minimumSizeHint() const override { return {160, 40}; }

 protected:
  void paintEvent(QPaintEvent* event) override;
  bool event(QEvent* event) override;

 private:
  QString breakdown() const;
  void announce();

  app::TokenBudget budget_;
  bool exact_ = false;
  std::int64_t good_tokens_ = 0;
  std::int64_t reused_ = -1;
  std::vector<SourceModel::Weight> weights_;
};

}  // namespace ui
