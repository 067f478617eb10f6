#include "ui/trace/layer_grid.h"

#include <QImage>
#include <QMouseEvent>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/trace/background_future.h"
#include "ui/trace/heat_theme.h"

namespace ui {

namespace {

constexpr int kMargin = 12, kGap = 6, kLabel = 14;
constexpr int kSide = 96;  // cells of a thumbnail, at most

}  // namespace

LayerGrid::LayerGrid(QWidget* parent) : QWidget(parent) {
  setMouseTracking(true);
  setAccessibleName(tr("Maps of all layers"));
  setAccessibleDescription(tr("One small map per layer. Export writes the same as a table: the share of each layer by source."));
  connect(&watcher_, &QFutureWatcherBase::finished, this, [this] {
    if (watcher_.future().resultCount() == 0) return;
    thumbnails_ = watcher_.result();
    update();
    emit ready();
  });
}

void LayerGrid::set_run(std::shared_ptr<const app::RunTrace> run) {
  run_ = std::move(run);
  thumbnails_.reset();
  marked_ = app::kAllLayers;
  rebuild();
}

void LayerGrid::set_options(const app::MatrixOptions& options) {
  const bool same = options.rows == options_.rows && options.without_sink == options_.without_sink && options.without_newest == options_.without_newest;
  options_ = options;
  if (!same) rebuild();
}

void LayerGrid::set_style(app::HeatScale scale, bool logarithmic) {
  scale_ = scale;
  logarithmic_ = logarithmic;
  update();
}

void LayerGrid::mark_layer(int layer) {
  marked_ = layer;
  update();
}

void LayerGrid::rebuild() {
  // Sixty maps take a second: only when somebody looks.
  stale_ = true;
  update();
  if (!isVisible() || run_ == nullptr) return;
  stale_ = false;
  watcher_.setFuture(run_in_pool([run = run_, options = options_]() -> std::shared_ptr<const app::LayerThumbnails> {
    return std::make_shared<const app::LayerThumbnails>(app::layer_thumbnails(*run->trace, options, kSide));
  }));
}

void LayerGrid::showEvent(QShowEvent*) {
  if (stale_) rebuild();
}

LayerGrid::Grid LayerGrid::grid() const {
  const int n = run_ == nullptr ? 1 : std::max(1, run_->trace->n_layers);
  const double width = std::max(40, this->width() - 2 * kMargin), height = std::max(40, this->height() - 2 * kMargin);
  Grid best;
  for (int columns = 1; columns <= n; ++columns) {
    const int rows = (n + columns - 1) / columns;
    const double cell = std::min(width / columns, height / rows - kLabel);
    if (cell > best.cell) best = {columns, cell};
  }
  return best;
}

QRectF LayerGrid::place(int layer) const {
  const Grid layout = grid();
  const double side = std::max(4.0, layout.cell - kGap);
  return {kMargin + layer % layout.columns * layout.cell, kMargin + kLabel + layer / layout.columns * (layout.cell + kLabel), side, side};
}

int LayerGrid::layer_at(const QPointF& at) const {
  for (int layer = 0; run_ != nullptr && layer < run_->trace->n_layers; ++layer) {
    if (place(layer).adjusted(0, -kLabel, 0, 0).contains(at)) return layer;
  }
  return -1;
}

QString LayerGrid::describe(const QPointF& at) const {
  const int layer = layer_at(at);
  if (layer < 0 || thumbnails_ == nullptr) return {};
  const app::LayerThumbnails::One& one = thumbnails_->layers[static_cast<std::size_t>(layer)];
  if (!one.computed) return tr("layer %1: not computed while the prompt was read; only its last token was needed").arg(layer + 1);
  return tr("layer %1: %2 of the cells selected anything; a click shows this layer alone").arg(layer + 1).arg(QString::number(one.filled * 100, 'f', 1) + QStringLiteral("\u2009%"));
}

void LayerGrid::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const app::Theme theme = theme_of(palette());
  const QColor soft = to_color(app::soft_ink_color(theme));
  QFont small = font();
  small.setPointSizeF(std::max(7.0, font().pointSizeF() - 2));
  painter.setFont(small);
  painter.setPen(soft);
  if (run_ == nullptr || thumbnails_ == nullptr) {
    painter.drawText(rect().adjusted(16, 16, -16, -16), Qt::AlignCenter | Qt::TextWordWrap, run_ == nullptr ? QString() : tr("Drawing the layers\u2026"));
    return;
  }
  for (std::size_t i = 0; i < thumbnails_->layers.size(); ++i) {
    const app::LayerThumbnails::One& one = thumbnails_->layers[i];
    const QRectF where = place(static_cast<int>(i));
    painter.setPen(soft);
    if (where.width() > 10) painter.drawText(QPointF(where.left(), where.top() - 3), QString::number(i + 1));
    painter.fillRect(where, palette().color(QPalette::Base));
    if (!one.computed) {
      painter.fillRect(where, QBrush(soft, Qt::BDiagPattern));
    } else if (one.n_rows > 0 && one.n_columns > 0) {
      QImage image(one.n_columns, one.n_rows, QImage::Format_RGB32);
      for (int y = 0; y < one.n_rows; ++y) {
        auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
        for (int x = 0; x < one.n_columns; ++x) {
          const auto value = static_cast<double>(one.values[static_cast<std::size_t>(y) * static_cast<std::size_t>(one.n_columns) + static_cast<std::size_t>(x)]);
          const app::Rgb color = value > 0 ? app::heat_color(app::heat_position(value, thumbnails_->maximum, logarithmic_), scale_, theme) : app::paper_color(theme);
          line[x] = to_color(color).rgb();
        }
      }
      painter.drawImage(where, image);
    }
    const bool marked = static_cast<int>(i) == marked_;
    painter.setPen(QPen(marked ? palette().color(QPalette::Highlight) : to_color(app::line_color(theme)), marked ? 2 : 1));
    painter.drawRect(where.adjusted(-0.5, -0.5, 0.5, 0.5));
  }
}

void LayerGrid::mousePressEvent(QMouseEvent* event) {
  const int layer = layer_at(event->position());
  if (layer >= 0) emit layer_selected(layer == marked_ ? app::kAllLayers : layer);
}

void LayerGrid::mouseMoveEvent(QMouseEvent* event) { emit hovered(describe(event->position())); }

void LayerGrid::leaveEvent(QEvent*) { emit hovered({}); }

}  // namespace ui
