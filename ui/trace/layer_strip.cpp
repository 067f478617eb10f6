#include "ui/trace/layer_strip.h"

#include <QMouseEvent>
#include <QPainter>
#include <algorithm>

#include "ui/trace/background_future.h"
#include "ui/trace/heat_theme.h"

namespace ui {

namespace {

constexpr int kLeft = 58, kRight = 12, kTop = 4, kBottom = 4;  // in line with the map below

}  // namespace

LayerStrip::LayerStrip(QWidget* parent) : QWidget(parent) {
  setMouseTracking(true);
  setAccessibleName(tr("Selections of every layer"));
  connect(&watcher_, &QFutureWatcherBase::finished, this, [this] {
    if (watcher_.future().resultCount() == 0) return;
    matrix_ = watcher_.result();
    is_live_ = false;
    update();
  });
}

void LayerStrip::set_run(std::shared_ptr<const app::RunTrace> run) {
  run_ = std::move(run);
  scope_ = {};
  matrix_.reset();
  marked_layer_ = app::kAllLayers;
  rebuild();
}

void LayerStrip::set_scope(const app::HeatScope& scope) {
  scope_ = scope;
  rebuild();
}

void LayerStrip::rebuild() {
  if (run_ != nullptr) {
    watcher_.setFuture(run_in_pool([run = run_, scope = scope_]() -> std::shared_ptr<const app::HeatMatrix> {
      return std::make_shared<const app::HeatMatrix>(app::layer_matrix(*run->trace, scope));
    }));
  }
  update();
}

void LayerStrip::set_scale(app::HeatScale scale) {
  scale_ = scale;
  update();
}

bool LayerStrip::is_computed(int layer) const {
  return run_ == nullptr || is_live_ || scope_.phase != app::HeatPhase::kPrefill || layer >= run_->trace->n_layers || run_->trace->computed(layer);
}

void LayerStrip::mark_layer(int layer) {
  marked_layer_ = layer;
  update();
}

void LayerStrip::show_live(qint64 n_prompt_tokens, qint64 token, std::span<const engine::BlockSet> layers) {
  auto matrix = std::make_shared<app::HeatMatrix>();
  matrix->rows = app::MapRows::kGenerated;
  matrix->n_rows = static_cast<std::int32_t>(layers.size());
  matrix->n_columns = static_cast<std::int32_t>(engine::trace_blocks(n_prompt_tokens + token));
  matrix->n_queries = 1;
  matrix->maximum = 1;
  matrix->values.assign(layers.size() * static_cast<std::size_t>(matrix->n_columns), 0.0f);
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    layers[layer].for_each([&](std::int64_t block) {
      if (block < matrix->n_columns) matrix->values[layer * static_cast<std::size_t>(matrix->n_columns) + static_cast<std::size_t>(block)] = 1;
    });
  }
  matrix_ = std::move(matrix);
  is_live_ = true;
  update();
}

QRectF LayerStrip::strip_rect() const { return QRectF(rect()).adjusted(kLeft, kTop, -kRight, -kBottom); }

int LayerStrip::layer_at(const QPointF& at) const {
  const QRectF strip = strip_rect();
  if (matrix_ == nullptr || matrix_->n_rows == 0 || !strip.contains(at)) return -1;
  return std::clamp(static_cast<int>((at.y() - strip.top()) / strip.height() * matrix_->n_rows), 0, matrix_->n_rows - 1);
}

QString LayerStrip::describe(const QPointF& at) const {
  const int layer = layer_at(at);
  if (layer < 0) return {};
  if (!is_computed(layer)) return tr("layer %1: not computed while the prompt was read; only its last token was needed").arg(layer + 1);
  const QRectF strip = strip_rect();
  const int column = std::clamp(static_cast<int>((at.x() - strip.left()) / strip.width() * matrix_->n_columns), 0, matrix_->n_columns - 1);
  const app::PromptBlock* block = run_ == nullptr ? nullptr : run_->map.by_token(std::int64_t{column} * engine::kTraceBlock);
  const QString place = block == nullptr ? tr("block %1").arg(column) : QString::fromStdString(run_->label(*block));
  const QString share = QString::number(static_cast<double>(matrix_->at(layer, column)) * 100, 'f', 0);
  return tr("layer %1").arg(layer + 1) + QStringLiteral("  \u00b7  ") + place + QStringLiteral("  \u00b7  ") +
         tr("selected by %1\u2009%").arg(share);
}

void LayerStrip::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  const app::Theme theme = theme_of(palette());
  const QRectF strip = strip_rect();
  painter.fillRect(strip, palette().color(QPalette::Base));
  const QColor soft = to_color(app::soft_ink_color(theme));
  if (matrix_ != nullptr && matrix_->n_rows > 0 && matrix_->n_columns > 0) {
    // As many columns as there are pixels; each shows the strongest block it covers.
    const int width = std::min(matrix_->n_columns, std::max(1, static_cast<int>(strip.width() * devicePixelRatioF())));
    QImage image(width, matrix_->n_rows, QImage::Format_RGB32);
    image.fill(palette().color(QPalette::Base));
    for (int layer = 0; layer < matrix_->n_rows; ++layer) {
      auto* line = reinterpret_cast<QRgb*>(image.scanLine(layer));
      for (int x = 0; x < width; ++x) {
        float value = 0;
        const auto end = static_cast<std::int64_t>(x + 1) * matrix_->n_columns / width;
        for (std::int64_t column = static_cast<std::int64_t>(x) * matrix_->n_columns / width; column < end; ++column) {
          value = std::max(value, matrix_->at(layer, static_cast<std::int32_t>(column)));
        }
        if (value > 0) line[x] = to_color(app::heat_color(app::heat_position(value, matrix_->maximum, true), scale_, theme)).rgb();
      }
    }
    painter.drawImage(strip, image);
    const double row = strip.height() / matrix_->n_rows;
    for (int layer = 0; layer < matrix_->n_rows; ++layer) {
      if (!is_computed(layer)) painter.fillRect(QRectF(strip.left(), strip.top() + layer * row, strip.width(), row), QBrush(soft, Qt::BDiagPattern));
    }
    if (marked_layer_ >= 0 && marked_layer_ < matrix_->n_rows) {
      painter.setPen(QPen(palette().color(QPalette::Highlight), 1.5));
      painter.drawRect(QRectF(strip.left(), strip.top() + marked_layer_ * row, strip.width(), std::max(2.0, row)));
    }
    QFont small = font();
    small.setPointSizeF(std::max(7.5, font().pointSizeF() - 1.5));
    painter.setFont(small);
    painter.setPen(soft);
    painter.drawText(QRectF(0, strip.top() - 2, kLeft - 6, 14), Qt::AlignRight | Qt::AlignTop, QStringLiteral("1"));
    painter.drawText(QRectF(0, strip.bottom() - 13, kLeft - 6, 14), Qt::AlignRight | Qt::AlignBottom, QString::number(matrix_->n_rows));
  }
  if (matrix_ == nullptr) {
    painter.setPen(soft);
    painter.drawText(strip, Qt::AlignCenter, fontMetrics().elidedText(tr("Layers down, keys across: what each layer selects, token by token while an answer is written."), Qt::ElideRight, static_cast<int>(strip.width()) - 16));
  }
  painter.setPen(to_color(app::line_color(theme)));
  painter.drawRect(strip.adjusted(-0.5, -0.5, 0.5, 0.5));
}

void LayerStrip::mousePressEvent(QMouseEvent* event) {
  const int layer = layer_at(event->position());
  if (layer >= 0) emit layer_selected(layer == marked_layer_ ? app::kAllLayers : layer);
}

void LayerStrip::mouseMoveEvent(QMouseEvent* event) { emit hovered(describe(event->position())); }

void LayerStrip::leaveEvent(QEvent*) { emit hovered({}); }

}  // namespace ui
