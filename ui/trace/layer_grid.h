#pragma once

#include <QFutureWatcher>
#include <QWidget>
#include <memory>

#include "app/heatmap/heat_palette.h"
#include "app/heatmap/layer_thumbnails.h"
#include "app/heatmap/run_trace.h"

namespace ui {

/// Small multiples: the map of every layer side by side, on one scale. A click chooses the layer.
class LayerGrid : public QWidget {
  Q_OBJECT

 public:
  explicit LayerGrid(QWidget* parent = nullptr);
  void set_run(std::shared_ptr<const app::RunTrace> run);
  /// Rows, sink and newest as in the map; layer and mix have no say.
  void set_options(const app::MatrixOptions& options);
  void set_style(app::HeatScale scale, bool logarithmic);
  void mark_layer(int layer);
  QString describe(const QPointF& at) const;
  bool is_ready() const { return thumbnails_ != nullptr && !watcher_.isRunning(); }
  QSize minimumSizeHint() const override { return {200, 120}; }

 signals:
  void layer_selected(int layer);
  void hovered(const QString& description);
  void ready();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void showEvent(QShowEvent* event) override;

 private:
  struct Grid {
    int columns = 1;
    double cell = 1;     // side with its gap and label
  };
  Grid grid() const;
  QRectF place(int layer) const;
  int layer_at(const QPointF& at) const;
  void rebuild();

  std::shared_ptr<const app::RunTrace> run_;
  app::MatrixOptions options_;
  app::HeatScale scale_ = app::HeatScale::kCividis;
  bool logarithmic_ = true;
  bool stale_ = true;
  int marked_ = app::kAllLayers;
  std::shared_ptr<const app::LayerThumbnails> thumbnails_;
  QFutureWatcher<std::shared_ptr<const app::LayerThumbnails>> watcher_;
};

}  // namespace ui
