#pragma once

#include <QWidget>

#include <optional>

#include "app/settings/model_plan.h"

namespace ui {

/// What a model would take of the free memory at a context length: weights, workspace, keys, index
/// keys, before anything is loaded. Every part is named with its size.
class MemoryBar final : public QWidget {
  Q_OBJECT

 public:
  explicit MemoryBar(QWidget* parent = nullptr);

  /// Nothing hides the bar.
  void set_plan(const std::optional<app::ModelPlan>& plan, std::int64_t free_bytes);
  void set_tokens(std::int64_t tokens);
  /// "1.2 GiB of 18.0 GiB free memory" or by how much it is too much; also what a screen reader says.
  QString sentence() const;
  bool fits() const;
  QSize sizeHint() const override;

 protected:
  void paintEvent(QPaintEvent* event) override;

 private:
  std::optional<app::ModelPlan> plan_;
  std::int64_t free_bytes_ = 0;
  std::int64_t tokens_ = 0;
};

/// "34.1 MiB", "12.0 GiB".
QString size_text(std::int64_t n_bytes);

}  // namespace ui
