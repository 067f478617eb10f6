#pragma once

#include <QFutureWatcher>
#include <QImage>
#include <QWidget>
#include <memory>
#include <span>

#include "app/heatmap/heat_palette.h"
#include "app/heatmap/measures.h"
#include "app/heatmap/run_trace.h"

namespace ui {

/// All layers at a glance: one row per layer, one column per block of keys. Follows the chosen tokens;
/// while a run is live it shows the token that was just generated. A click chooses a layer.
class LayerStrip : public QWidget {
  Q_OBJECT

 public:
  explicit LayerStrip(QWidget* parent = nullptr);
  void set_run(std::shared_ptr<const app::RunTrace> run);
  void set_scope(const app::HeatScope& scope);
  void mark_layer(int layer);
  void set_scale(app::HeatScale scale);
  bool is_live() const { return is_live_; }

  /// The blocks that a token selected just now, per layer, before there is a run. `n_prompt_tokens` sets
  /// the width of the strip.
  void show_live(qint64 n_prompt_tokens, qint64 token, std::span<const engine::BlockSet> layers);

  QString describe(const QPointF& at) const;
  QSize sizeHint() const override { return {720, 68}; }
  QSize minimumSizeHint() const override { return {200, 32}; }

 signals:
  void layer_selected(int layer);
  void hovered(const QString& description);

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  QRectF strip_rect() const;
  int layer_at(const QPointF& at) const;
  void rebuild();
  bool is_computed(int layer) const;

  std::shared_ptr<const app::RunTrace> run_;
  app::HeatScope scope_;
  std::shared_ptr<const app::HeatMatrix> matrix_;
  QFutureWatcher<std::shared_ptr<const app::HeatMatrix>> watcher_;
  int marked_layer_ = app::kAllLayers;
  app::HeatScale scale_ = app::HeatScale::kCividis;
  bool is_live_ = false;
};

}  // namespace ui
