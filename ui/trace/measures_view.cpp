#include "ui/trace/measures_view.h"

#include <QImage>
#include <QMouseEvent>
#include <QPainter>
#include <algorithm>

#include "ui/trace/background_future.h"
#include "ui/trace/heat_theme.h"

namespace ui {

namespace {

constexpr int kMargin = 12;
constexpr int kTitle = 20;
constexpr int kAxis = 16;
constexpr std::int64_t kMostTokens = 256;  // for the agreement of layers: n_layers squared per token

QString percent(double share) { return QString::number(share * 100, 'f', share < 0.1 ? 1 : 0) + QStringLiteral("\u2009%"); }

QString tokens_text(std::int64_t n) { return n >= 1024 ? QString::number(n / 1024) + QLatin1Char('k') : QString::number(n); }

}  // namespace

MeasuresView::MeasuresView(QWidget* parent) : QWidget(parent) {
  setMouseTracking(true);
  setAccessibleName(tr("Measures of the run"));
  connect(&watcher_, &QFutureWatcherBase::finished, this, [this] {
    if (watcher_.future().resultCount() == 0) return;
    measures_ = watcher_.result();
    update();
    emit ready();
  });
}

void MeasuresView::set_run(std::shared_ptr<const app::RunTrace> run) {
  run_ = std::move(run);
  measures_.reset();
  if (run_ != nullptr) {
    watcher_.setFuture(run_in_pool([run = run_]() -> std::shared_ptr<const Measures> {
      auto measures = std::make_shared<Measures>();
      app::HeatScope all;
      measures->distance = app::distance_profile(*run->trace, all);
      all.tokens = engine::TokenRange{std::max<std::int64_t>(0, run->trace->n_generated - kMostTokens), run->trace->n_generated};
      measures->agreement = app::layer_agreement(*run->trace, all);
      return measures;
    }));
  }
  update();
}

bool MeasuresView::has_recall() const { return run_ != nullptr && !run_->trace->recall.empty(); }

QRectF MeasuresView::agreement_rect() const {
  const double side = std::max(40.0, std::min(width() * 0.42, static_cast<double>(height()) - 2 * kMargin - kTitle - kAxis));
  return QRectF(width() - kMargin - side, kMargin + kTitle, side, side);
}

QRectF MeasuresView::distance_rect() const {
  const double right = agreement_rect().left() - 2 * kMargin;
  const double height_all = height() - 2 * kMargin - kTitle - 2 * kAxis;
  return QRectF(kMargin, kMargin + kTitle, std::max(60.0, right - kMargin), has_recall() ? height_all * 0.45 : height_all);
}

QRectF MeasuresView::recall_rect() const {
  const QRectF above = distance_rect();
  const double top = above.bottom() + 2 * kAxis + kTitle;
  return QRectF(above.left(), top, above.width(), std::max(20.0, height() - top - kMargin - kAxis));
}

void MeasuresView::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  QFont small = font();
  small.setPointSizeF(std::max(7.5, font().pointSizeF() - 1.5));
  painter.setFont(small);
  const QColor soft = to_color(app::soft_ink_color(theme_of(palette())));
  if (measures_ == nullptr || run_ == nullptr || !run_->trace->sparse()) {
    painter.setPen(soft);
    const QString text = run_ == nullptr         ? QString()
                         : measures_ == nullptr  ? tr("Counting\u2026")
                                                 : tr("Nothing was sparse in this run: every layer selected every token.");
    painter.drawText(rect().adjusted(16, 16, -16, -16), Qt::AlignCenter | Qt::TextWordWrap, text);
    return;
  }
  paint_distance(painter);
  if (has_recall()) paint_recall(painter);
  paint_agreement(painter);
}

void MeasuresView::paint_distance(QPainter& painter) const {
  const app::Theme theme = theme_of(palette());
  const QRectF area = distance_rect();
  const app::DistanceProfile& profile = measures_->distance;
  painter.setPen(palette().color(QPalette::Text));
  painter.drawText(QPointF(area.left(), area.top() - 7),
                   tr("Distance: first block %1, newest 256 %2, in between %3").arg(percent(profile.sink), percent(profile.local), percent(profile.distant)));
  if (profile.bins.empty()) return;
  double most = 0;
  for (const app::DistanceBin& bin : profile.bins) most = std::max(most, bin.share);
  const double step = area.width() / static_cast<double>(profile.bins.size());
  const QColor bar = to_color(app::source_tint(0, theme));
  const QFontMetricsF metrics(painter.font());
  double label_end = 0;
  for (std::size_t i = 0; i < profile.bins.size(); ++i) {
    const double left = area.left() + static_cast<double>(i) * step;
    const double height = most > 0 ? area.height() * profile.bins[i].share / most : 0;
    painter.fillRect(QRectF(left + 1, area.bottom() - height, std::max(1.0, step - 2), height), bar);
    const QString text = tokens_text(profile.bins[i].first);
    const double text_width = metrics.horizontalAdvance(text);
    if (left < label_end) continue;
    painter.setPen(to_color(app::soft_ink_color(theme)));
    painter.drawText(QPointF(left + 1, area.bottom() + metrics.ascent() + 2), text);
    label_end = left + text_width + 8;
  }
  painter.setPen(to_color(app::line_color(theme)));
  painter.drawLine(area.bottomLeft(), area.bottomRight());
}

void MeasuresView::paint_recall(QPainter& painter) const {
  const app::Theme theme = theme_of(palette());
  const QRectF area = recall_rect();
  const std::vector<float>& recall = run_->trace->recall;
  painter.setPen(palette().color(QPalette::Text));
  painter.drawText(QPointF(area.left(), area.top() - 7), recall_title());
  const double step = area.width() / static_cast<double>(recall.size());
  for (std::size_t layer = 0; layer < recall.size(); ++layer) {
    const QRectF column(area.left() + static_cast<double>(layer) * step, area.top(), std::max(1.0, step - 1), area.height());
    if (recall[layer] < 0) {
      painter.fillRect(column, QBrush(to_color(app::soft_ink_color(theme)), Qt::BDiagPattern));
      continue;
    }
    const double height = area.height() * static_cast<double>(recall[layer]);
    painter.fillRect(QRectF(column.left(), column.bottom() - height, column.width(), height), to_color(app::source_tint(5, theme)));
  }
  painter.setPen(to_color(app::line_color(theme)));
  painter.drawLine(area.bottomLeft(), area.bottomRight());
}

QString MeasuresView::recall_title() const {
  const std::vector<float>& recall = run_->trace->recall;
  int worst = -1;
  for (std::size_t layer = 0; layer < recall.size(); ++layer) {
    if (recall[layer] >= 0 && (worst < 0 || recall[layer] < recall[static_cast<std::size_t>(worst)])) worst = static_cast<int>(layer);
  }
  if (worst < 0) return tr("Share of dense attention kept: not measured");
  return tr("Dense attention kept, by layer (sampled); least: layer %1, %2").arg(worst + 1).arg(percent(static_cast<double>(recall[static_cast<std::size_t>(worst)])));
}

void MeasuresView::paint_agreement(QPainter& painter) const {
  const app::Theme theme = theme_of(palette());
  const QRectF area = agreement_rect();
  const app::LayerAgreement& agreement = measures_->agreement;
  painter.setPen(palette().color(QPalette::Text));
  painter.drawText(QPointF(area.left(), area.top() - 7), tr("Agreement of layers"));
  if (agreement.n_layers == 0) return;
  QImage image(agreement.n_layers, agreement.n_layers, QImage::Format_RGB32);
  for (int row = 0; row < agreement.n_layers; ++row) {
    for (int column = 0; column < agreement.n_layers; ++column) {
      const float value = agreement.at(row, column);
      const app::Rgb color = value > 0 ? app::heat_color(static_cast<double>(value), app::HeatScale::kCividis, theme) : app::paper_color(theme);
      image.setPixel(column, row, to_color(color).rgb());
    }
  }
  painter.drawImage(area, image);
  painter.setPen(to_color(app::line_color(theme)));
  painter.drawRect(area.adjusted(-0.5, -0.5, 0.5, 0.5));
  painter.setPen(to_color(app::soft_ink_color(theme)));
  const QFontMetricsF metrics(painter.font());
  painter.drawText(QPointF(area.left(), area.bottom() + metrics.ascent() + 2), tr("layer 1"));
  const QString last = QString::number(agreement.n_layers);
  painter.drawText(QPointF(area.right() - metrics.horizontalAdvance(last), area.bottom() + metrics.ascent() + 2), last);
}

QString MeasuresView::describe(const QPointF& at) const {
  if (measures_ == nullptr || run_ == nullptr || !run_->trace->sparse()) return {};
  const QRectF square = agreement_rect();
  const app::LayerAgreement& agreement = measures_->agreement;
  if (square.contains(at) && agreement.n_layers > 0) {
    const int row = std::clamp(static_cast<int>((at.y() - square.top()) / square.height() * agreement.n_layers), 0, agreement.n_layers - 1);
    const int column = std::clamp(static_cast<int>((at.x() - square.left()) / square.width() * agreement.n_layers), 0, agreement.n_layers - 1);
    return tr("layers %1 and %2 share %3 of their blocks; with the selection of %2, layer %1 would keep %4 of its own")
        .arg(QString::number(row + 1), QString::number(column + 1), percent(static_cast<double>(agreement.at(row, column))),
             percent(static_cast<double>(agreement.kept_at(row, column))));
  }
  const QRectF bars = distance_rect();
  const auto& bins = measures_->distance.bins;
  if (bars.contains(at) && !bins.empty()) {
    const auto i = std::min(bins.size() - 1, static_cast<std::size_t>((at.x() - bars.left()) / bars.width() * static_cast<double>(bins.size())));
    return tr("%1 to %2 tokens before: %3 of the selections").arg(QString::number(bins[i].first), QString::number(bins[i].end), percent(bins[i].share));
  }
  const QRectF columns = recall_rect();
  if (has_recall() && columns.contains(at)) {
    const std::vector<float>& recall = run_->trace->recall;
    const auto layer = std::min(recall.size() - 1, static_cast<std::size_t>((at.x() - columns.left()) / columns.width() * static_cast<double>(recall.size())));
    return recall[layer] < 0 ? tr("layer %1: not measured").arg(layer + 1)
                             : tr("layer %1 kept %2 of dense attention").arg(QString::number(layer + 1), percent(static_cast<double>(recall[layer])));
  }
  return {};
}

void MeasuresView::mouseMoveEvent(QMouseEvent* event) { emit hovered(describe(event->position())); }

void MeasuresView::mousePressEvent(QMouseEvent* event) {
  const QRectF columns = recall_rect();
  if (measures_ != nullptr && has_recall() && columns.contains(event->position())) {
    const auto n_recall = static_cast<int>(run_->trace->recall.size());
    emit layer_selected(std::clamp(static_cast<int>((event->position().x() - columns.left()) / columns.width() * n_recall), 0, n_recall - 1));
    return;
  }
  const QRectF square = agreement_rect();
  if (measures_ == nullptr || !square.contains(event->position()) || measures_->agreement.n_layers == 0) return;
  const int n = measures_->agreement.n_layers;
  emit layer_selected(std::clamp(static_cast<int>((event->position().y() - square.top()) / square.height() * n), 0, n - 1));
}

void MeasuresView::leaveEvent(QEvent*) { emit hovered({}); }

}  // namespace ui
