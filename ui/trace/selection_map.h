#pragma once

#include <QFutureWatcher>
#include <QPointF>
#include <QRectF>
#include <QString>
#include <QWidget>
#include <memory>
#include <optional>

#include "app/heatmap/source_heat.h"
#include "ui/trace/map_tiles.h"

namespace ui {

/// The map: queries down, keys across, colour = how much was selected. Rulers show where sources begin,
/// hatched where a page or file was not consulted. Wheel zooms, drag pans, + - 0 and arrows do the same.
class SelectionMap : public QWidget {
  Q_OBJECT

 public:
  explicit SelectionMap(QWidget* parent = nullptr);
  ~SelectionMap() override;

  /// Null shows the empty state. Shares the run.
  void set_run(std::shared_ptr<const app::RunTrace> run);
  void set_options(const app::MatrixOptions& options);
  const app::MatrixOptions& options() const { return options_; }
  /// Shows `compared` minus the run, both over the same prompt; null: the run alone again.
  void set_compared(std::shared_ptr<const app::RunTrace> compared);
  const std::shared_ptr<const app::RunTrace>& compared() const { return compared_; }
  void set_scale(app::HeatScale scale);
  app::HeatScale scale() const { return scale_; }
  void set_logarithmic(bool logarithmic);

  /// The whole map, as large as it goes.
  void show_all();
  /// Zooms by `factor` around `at` in widget coordinates.
  void zoom(double factor, const QPointF& at);
  void pan(const QPointF& pixels);

  /// Marks generated tokens (rows) or prompt positions (columns); an empty range takes the mark away.
  void mark_tokens(qint64 begin, qint64 end);
  void mark_keys(qint64 begin, qint64 end);

  /// What lies under a place of the widget, in words and numbers; empty outside the map.
  QString describe(const QPointF& at) const;
  /// True when the picture shown is the one asked for.
  bool is_ready() const { return picture_ != nullptr && !watcher_.isRunning(); }

  QSize sizeHint() const override { return {720, 560}; }
  QSize minimumSizeHint() const override { return {280, 220}; }

 signals:
  void token_selected(qint64 token);
  void source_activated(qint64 part, quint32 begin, quint32 end);
  void hovered(const QString& description);
  void ready();

 protected:
  void paintEvent(QPaintEvent* event) override;
  void resizeEvent(QResizeEvent* event) override;
  void wheelEvent(QWheelEvent* event) override;
  void mousePressEvent(QMouseEvent* event) override;
  void mouseMoveEvent(QMouseEvent* event) override;
  void mouseReleaseEvent(QMouseEvent* event) override;
  void mouseDoubleClickEvent(QMouseEvent* event) override;
  void keyPressEvent(QKeyEvent* event) override;
  void leaveEvent(QEvent* event) override;
  void changeEvent(QEvent* event) override;

 private:
  struct Cell {
    std::int32_t row = 0;
    std::int32_t column = 0;
  };
  /// What the rulers show of one page or file.
  struct Stretch {
    app::PartStretch part;
    bool selected = true;
    QString label;
  };

  void rebuild();
  void take_picture();
  void find_stretches();
  QRectF map_rect() const;
  void clamp_view();
  std::optional<Cell> cell_at(const QPointF& at) const;
  double x_of_key(double position) const;
  double y_of_row(double row) const;
  bool rows_are_prompt() const { return options_.rows == app::MapRows::kPrompt; }
  HeatStyle style() const;
  void paint_rulers(QPainter& painter) const;
  void paint_key_ruler(QPainter& painter, const QRectF& map) const;
  void paint_row_ruler(QPainter& painter, const QRectF& map) const;
  void paint_marks(QPainter& painter) const;
  void paint_legend(QPainter& painter) const;
  void paint_difference_legend(QPainter& painter) const;
  void paint_message(QPainter& painter, const QString& text) const;

  std::shared_ptr<const app::RunTrace> run_;
  std::shared_ptr<const app::RunTrace> compared_;
  app::MatrixOptions options_;
  app::HeatScale scale_ = app::HeatScale::kCividis;
  bool logarithmic_ = true;
  std::shared_ptr<const MapPicture> picture_;
  QFutureWatcher<std::shared_ptr<const MapPicture>> watcher_;
  MapTiles tiles_;
  std::vector<Stretch> stretches_;
  QRectF view_;  // in columns and rows of the matrix
  bool fitted_ = true;
  QPointF press_;
  QPointF drag_;
  bool dragging_ = false;
  engine::TokenRange marked_tokens_;
  engine::TokenRange marked_keys_;
};

}  // namespace ui
