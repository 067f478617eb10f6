#include <QPaintEvent>
#include <QPainter>
#include <algorithm>
#include <cmath>

#include "ui/trace/heat_theme.h"
#include "ui/trace/selection_map.h"

namespace ui {

namespace {

constexpr int kRuler = 30;       // labels and the band of sources
constexpr int kTitles = 16;      // names of documents above those of pages
constexpr int kBand = 8;
constexpr int kRowRuler = 46;    // the same at the left, wide enough for "p. 123"
constexpr int kLegendHeight = 40;
constexpr int kMargin = 12;
constexpr int kLegendBar = 180;

QString value_label(double share) {
  const double percent = share * 100;
  return (percent >= 9.5 ? QString::number(percent, 'f', 0) : QString::number(percent, 'g', 1)) + QStringLiteral("\u2009%");
}

QBrush hatch(const QColor& color) { return QBrush(color, Qt::BDiagPattern); }

}  // namespace

QRectF SelectionMap::map_rect() const {
  return QRectF(rect()).adjusted(kMargin + kRowRuler, kMargin + kTitles + kRuler, -kMargin, -kMargin - kLegendHeight);
}

double SelectionMap::x_of_key(double position) const {
  const QRectF map = map_rect();
  return map.left() + (position / engine::kTraceBlock - view_.left()) / view_.width() * map.width();
}

double SelectionMap::y_of_row(double row) const {
  const QRectF map = map_rect();
  return map.top() + (row - view_.top()) / view_.height() * map.height();
}

void SelectionMap::paintEvent(QPaintEvent*) {
  QPainter painter(this);
  painter.fillRect(rect(), palette().color(QPalette::Window));
  if (run_ == nullptr) {
    paint_message(painter, tr("Ask a question, and the map shows which parts of the sources were selected."));
    return;
  }
  if (picture_ == nullptr) {
    paint_message(painter, tr("Drawing the map\u2026"));
    return;
  }
  if (!picture_->problem.isEmpty()) {
    paint_message(painter, picture_->problem);
    return;
  }
  if (!picture_->matrix.computed) {
    paint_message(painter, tr("Layer %1 was not computed while the prompt was read: its result is needed for the last token alone. The rows of the answer show what it selected.").arg(options_.layer + 1));
    return;
  }
  if (picture_->matrix.values.empty()) {
    paint_message(painter, rows_are_prompt() ? tr("This run has no record of the prompt.")
                                             : tr("This run has no record of generated tokens."));
    return;
  }
  const QRectF map = map_rect();
  painter.fillRect(map, palette().color(QPalette::Base));
  if (!tiles_.paint(painter, map, view_)) update();
  paint_marks(painter);
  painter.setPen(to_color(app::line_color(theme_of(palette()))));
  painter.drawRect(map.adjusted(-0.5, -0.5, 0.5, 0.5));
  paint_rulers(painter);
  if (picture_->matrix.is_difference) paint_difference_legend(painter);
  else paint_legend(painter);
}

void SelectionMap::paint_message(QPainter& painter, const QString& text) const {
  painter.setPen(to_color(app::soft_ink_color(theme_of(palette()))));
  painter.drawText(rect().adjusted(32, 32, -32, -32), Qt::AlignCenter | Qt::TextWordWrap, text);
}

void SelectionMap::paint_rulers(QPainter& painter) const {
  QFont small = font();
  small.setPointSizeF(std::max(7.5, font().pointSizeF() - 1.5));
  painter.setFont(small);
  const QRectF map = map_rect();
  paint_key_ruler(painter, map);
  paint_row_ruler(painter, map);
}

void SelectionMap::paint_key_ruler(QPainter& painter, const QRectF& map) const {
  const app::Theme theme = theme_of(palette());
  const QFontMetricsF metrics(painter.font());
  const QColor ink = to_color(app::soft_ink_color(theme));
  painter.save();
  painter.setClipRect(QRectF(map.left(), map.top() - kRuler - kTitles, map.width(), kRuler + kTitles));
  double label_end = map.left();
  double title_end = map.left();
  app::DocumentId document = -1;
  for (const Stretch& stretch : stretches_) {
    const double left = std::max(map.left(), x_of_key(static_cast<double>(stretch.part.begin)));
    const double right = std::min(map.right(), x_of_key(static_cast<double>(stretch.part.end)));
    if (right <= left) continue;
    const QRectF band(left, map.top() - kBand - 2, std::max(1.0, right - left - 1), kBand);
    const QColor tint = to_color(app::source_tint(stretch.part.document_index, theme));
    if (stretch.selected) {
      painter.fillRect(band, tint);
    } else {
      painter.fillRect(band, hatch(tint));
    }
    painter.setPen(ink);
    const auto write = [&](const QString& text, double baseline, double& end) {
      const double width = metrics.horizontalAdvance(text);
      if (left < end || left + width > map.right()) return;
      painter.drawText(QPointF(left, baseline), text);
      end = left + width + 12;
    };
    write(stretch.label, map.top() - kBand - 6, label_end);
    if (stretch.part.document == document) continue;
    document = stretch.part.document;
    const auto title = run_->document_titles.find(document);
    if (title == run_->document_titles.end()) continue;
    painter.setPen(to_color(app::ink_color(theme)));
    write(QString::fromStdString(title->second), map.top() - kBand - 6 - kTitles, title_end);
  }
  painter.restore();
}

void SelectionMap::paint_row_ruler(QPainter& painter, const QRectF& map) const {
  const app::Theme theme = theme_of(palette());
  const QColor ink = to_color(app::soft_ink_color(theme));
  const QFontMetricsF metrics(painter.font());
  painter.save();
  painter.setClipRect(QRectF(map.left() - kRowRuler - kMargin, map.top(), kRowRuler + kMargin, map.height()));
  double label_end = map.top() - 1;
  const auto label = [&](double y, const QString& text) {
    if (text.isEmpty() || y < label_end || y + metrics.height() > map.bottom()) return;
    painter.setPen(ink);
    const double width = kRowRuler + kMargin - kBand - 10;
    const QString fitting = metrics.elidedText(text, Qt::ElideLeft, width);
    painter.drawText(QRectF(map.left() - kBand - 6 - width, y, width, metrics.height()), Qt::AlignRight | Qt::AlignVCenter, fitting);
    label_end = y + metrics.height() + 4;
  };
  if (rows_are_prompt()) {
    const double unit = picture_->matrix.row_unit;
    for (const Stretch& stretch : stretches_) {
      const double top = std::max(map.top(), y_of_row(static_cast<double>(stretch.part.begin) / unit));
      const double bottom = std::min(map.bottom(), y_of_row(static_cast<double>(stretch.part.end) / unit));
      if (bottom <= top) continue;
      painter.fillRect(QRectF(map.left() - kBand - 2, top, kBand, std::max(1.0, bottom - top - 1)),
                       to_color(app::source_tint(stretch.part.document_index, theme)));
      label(top, stretch.label);
    }
  } else {
    const double border = y_of_row(static_cast<double>(run_->trace->n_thinking));
    const QColor thinking = theme == app::Theme::kLight ? QColor(0x2B5F9E) : QColor(0x8AB6EA);
    const QColor answer = theme == app::Theme::kLight ? QColor(0x1F6F54) : QColor(0x5CC79E);
    const QRectF band(map.left() - kBand - 2, map.top(), kBand, map.height());
    painter.fillRect(QRectF(band.left(), std::max(band.top(), border), kBand, band.bottom()), answer);
    if (border > band.top()) painter.fillRect(QRectF(band.left(), band.top(), kBand, border - band.top()), thinking);
    const double rows_per_label = view_.height() * (metrics.height() + 6) / map.height();
    double step = 1;
    while (step < rows_per_label) step *= step * 5 <= rows_per_label ? 5 : 2;
    for (double row = std::ceil(view_.top() / step) * step; row < view_.bottom(); row += step) {
      label(y_of_row(row), QString::number(static_cast<qint64>(row)));
    }
  }
  painter.restore();
}

void SelectionMap::paint_marks(QPainter& painter) const {
  const QRectF map = map_rect();
  const app::HeatMatrix& matrix = picture_->matrix;
  const QColor soft = to_color(app::soft_ink_color(theme_of(palette())));
  painter.save();
  painter.setClipRect(map);
  // Rows that nobody recorded: a hatch, never a colour.
  if (matrix.first_recorded_row > matrix.n_reused_rows) {
    const double top = y_of_row(matrix.n_reused_rows);
    const double bottom = y_of_row(matrix.first_recorded_row);
    QColor faint = soft;
    faint.setAlphaF(0.45f);
    painter.fillRect(QRectF(map.left(), top, map.width(), bottom - top), hatch(faint));
  }
  QColor accent = palette().color(QPalette::Highlight);
  QColor wash = accent;
  wash.setAlphaF(0.18f);
  painter.setPen(QPen(accent, 1));
  if (!rows_are_prompt() && marked_tokens_.end > marked_tokens_.begin) {
    const double top = y_of_row(static_cast<double>(marked_tokens_.begin));
    const double bottom = std::max(top + 2, y_of_row(static_cast<double>(marked_tokens_.end)));
    painter.fillRect(QRectF(map.left(), top, map.width(), bottom - top), wash);
    painter.drawLine(QPointF(map.left(), top), QPointF(map.right(), top));
    painter.drawLine(QPointF(map.left(), bottom), QPointF(map.right(), bottom));
  }
  if (marked_keys_.end > marked_keys_.begin) {
    const double left = x_of_key(static_cast<double>(marked_keys_.begin));
    const double right = std::max(left + 2, x_of_key(static_cast<double>(marked_keys_.end)));
    painter.fillRect(QRectF(left, map.top(), right - left, map.height()), wash);
    painter.drawLine(QPointF(left, map.top()), QPointF(left, map.bottom()));
    painter.drawLine(QPointF(right, map.top()), QPointF(right, map.bottom()));
  }
  painter.restore();
}

void SelectionMap::paint_difference_legend(QPainter& painter) const {
  const app::Theme theme = theme_of(palette());
  const QRectF map = map_rect();
  const QRectF bar(map.left(), map.bottom() + 12, kLegendBar, 10);
  for (int x = 0; x < kLegendBar; ++x) {
    painter.fillRect(QRectF(bar.left() + x, bar.top(), 1, bar.height()), to_color(app::difference_color(2.0 * x / (kLegendBar - 1) - 1, theme)));
  }
  painter.setPen(to_color(app::soft_ink_color(theme)));
  const QFontMetricsF metrics(painter.font());
  const QString most = value_label(static_cast<double>(picture_->matrix.maximum));
  const QString more = tr("+%1").arg(most);
  painter.drawText(QPointF(bar.left(), bar.bottom() + metrics.ascent() + 2), tr("\u2212%1").arg(most));
  painter.drawText(QPointF(bar.right() - metrics.horizontalAdvance(more), bar.bottom() + metrics.ascent() + 2), more);
  painter.drawText(QPointF(bar.right() + 28, bar.bottom()), tr("blue: the other run selected less, orange: more"));
}

void SelectionMap::paint_legend(QPainter& painter) const {
  const app::Theme theme = theme_of(palette());
  const QRectF map = map_rect();
  const double top = map.bottom() + 12;
  const QRectF bar(map.left(), top, kLegendBar, 10);
  for (int x = 0; x < kLegendBar; ++x) {
    painter.fillRect(QRectF(bar.left() + x, bar.top(), 1, bar.height()),
                     to_color(app::heat_color(x / static_cast<double>(kLegendBar - 1), scale_, theme)));
  }
  painter.setPen(to_color(app::soft_ink_color(theme)));
  const QFontMetricsF metrics(painter.font());
  const double maximum = picture_->matrix.maximum;
  for (const double position : {0.0, 1.0 / 3, 2.0 / 3, 1.0}) {
    if (maximum <= 0) break;
    const QString text = value_label(app::heat_value(position, maximum, logarithmic_));
    const double width = metrics.horizontalAdvance(text);
    const double x = std::clamp(bar.left() + position * kLegendBar - width / 2, bar.left(), bar.right() - width / 2 + 8);
    painter.drawText(QPointF(x, bar.bottom() + metrics.ascent() + 2), text);
  }
  double x = bar.right() + 28;
  const auto entry = [&](const QBrush& brush, const QString& text) {
    if (x + 24 + metrics.horizontalAdvance(text) > map.right()) return;
    painter.fillRect(QRectF(x, bar.top(), 16, 10), brush);
    painter.drawRect(QRectF(x, bar.top(), 16, 10));
    painter.drawText(QPointF(x + 22, bar.bottom()), text);
    x += 22 + metrics.horizontalAdvance(text) + 18;
  };
  if (!run_->trace->sparse()) {
    painter.drawText(QPointF(x, bar.bottom()), tr("Dense: every key was visible to every query, nothing was left out."));
    return;
  }
  entry(to_color(app::paper_color(theme)), tr("not selected"));
  entry(hatch(to_color(app::soft_ink_color(theme))), rows_are_prompt() ? tr("source not selected by the question") : tr("source not consulted"));
  // On the line of the numbers, which say shares of this.
  painter.drawText(QPointF(bar.right() + 28, bar.bottom() + metrics.ascent() + 2), rows_are_prompt() ? tr("share of the visible pairs") : tr("share of the layers"));
}

}  // namespace ui
