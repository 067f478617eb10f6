#pragma once

#include <QFutureWatcher>
#include <QWidget>
#include <memory>

#include "app/heatmap/measures.h"

namespace ui {

/// Numbers about one run as small pictures: how far back selections lie, how much of dense attention the
/// selected keys held (where it was measured), and how alike the layers select.
class MeasuresView : public QWidget {
  Q_OBJECT

 public:
  explicit MeasuresView(QWidget* parent = nullptr);
  void set_run(std::shared_ptr<const app::RunTrace> run);
  QString describe(const QPointF& at) const;
  QSize minimumSizeHint() const override { return {260, 180}; }

 signals:
  void hovered(const QString& description);
  void layer_selected(int layer);
  void ready();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void leaveEvent(QEvent* event) override;

 private:
  struct Measures {
    app::DistanceProfile distance;
    app::LayerAgreement agreement;
  };
  QRectF distance_rect() const;
  QRectF recall_rect() const;
  QRectF agreement_rect() const;
  bool has_recall() const;
  QString recall_title() const;
  void paint_distance(QPainter& painter) const;
  void paint_recall(QPainter& painter) const;
  void paint_agreement(QPainter& painter) const;

  std::shared_ptr<const app::RunTrace> run_;
  std::shared_ptr<const Measures> measures_;
  QFutureWatcher<std::shared_ptr<const Measures>> watcher_;
};

}  // namespace ui
