#include "ui/sources/context_meter.h"

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include <algorithm>

#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr std::int64_t kSweetBegin = 32768;
constexpr std::int64_t kSweetEnd = 98304;
constexpr int kBarHeight = 8;

}  // namespace

ContextMeter::ContextMeter(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Context meter"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
  setFocusPolicy(Qt::TabFocus);
}

void ContextMeter::set_model(std::int64_t limit, std::int64_t good_tokens) {
  budget_.limit = limit;
  good_tokens_ = good_tokens;
  announce();
}

void ContextMeter::set_budget(const app::TokenBudget& budget, bool exact) {
  budget_ = budget;
  exact_ = exact;
  announce();
}

void ContextMeter::set_sources(std::vector<SourceModel::Weight> weights) {
  weights_ = std::move(weights);
  announce();
}

void ContextMeter::set_reused(std::int64_t tokens) {
  reused_ = tokens;
  announce();
}

void ContextMeter::announce() {
  setAccessibleDescription(sentence());
  update();
}

QString ContextMeter::advice() const {
  if (budget_.over() == 0) return {};
  // The smallest single source that makes room; else the largest.
  const SourceModel::Weight* best = nullptr;
  for (const SourceModel::Weight& weight : weights_) {
    if (weight.ticked_tokens == 0) continue;
    const bool enough = weight.ticked_tokens >= budget_.over();
    const bool best_enough = best != nullptr && best->ticked_tokens >= budget_.over();
    const bool better = best == nullptr || (enough && (!best_enough || weight.ticked_tokens < best->ticked_tokens)) ||
                        (!enough && !best_enough && weight.ticked_tokens > best->ticked_tokens);
    if (better) best = &weight;
  }
  const QString by = tr("%1 tokens over the limit.").arg(grouped(budget_.over()));
  if (best == nullptr) return by;
  return by + QLatin1Char(' ') + tr("Leave out %1 (%2) or some of its pages, or take its outline only.").arg(best->title, grouped(best->ticked_tokens));
}

QString ContextMeter::sentence() const {
  if (budget_.limit == 0) return tr("No model is loaded: tokens are estimates.");
  if (budget_.over() > 0) return advice();
  QString text = tr("%1%2 of %3 tokens").arg(exact_ ? QString() : tr("about "), grouped(budget_.total()), grouped(budget_.limit));
  const std::int64_t prompt = budget_.total() - budget_.reserve;
  if (good_tokens_ > 0 && prompt > good_tokens_) text += QStringLiteral(" · ") + tr("this model is good to about %1").arg(grouped(good_tokens_));
  if (reused_ > 0 && reused_ < prompt) text += QStringLiteral(" · ") + tr("%1 read already, %2 to read").arg(grouped(reused_), grouped(prompt - reused_));
  return text;
}

QString ContextMeter::breakdown() const {
  QStringList lines;
  for (const SourceModel::Weight& weight : weights_) {
    if (weight.ticked_tokens > 0) lines << tr("%1: %2").arg(weight.title, grouped(weight.ticked_tokens));
  }
  if (budget_.instructions > 0) lines << tr("Instructions: %1").arg(grouped(budget_.instructions));
  if (budget_.earlier > 0) lines << tr("Earlier turns: %1").arg(grouped(budget_.earlier));
  lines << tr("Question: %1").arg(grouped(budget_.question));
  lines << tr("Reserved for thinking and answer: %1").arg(grouped(budget_.reserve));
  if (budget_.limit > budget_.total()) lines << tr("Free: %1").arg(grouped(budget_.limit - budget_.total()));
  return lines.join(QLatin1Char('\n'));
}

void ContextMeter::paintEvent(QPaintEvent*) {
  const Tokens& t = tokens();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF bar(4, kGrid, width() - 8, kBarHeight);  // room for the ring that shows focus
  const std::int64_t whole = std::max<std::int64_t>({budget_.limit, budget_.total(), 1});
  const auto x = [&](std::int64_t tokens_at) { return bar.left() + bar.width() * static_cast<double>(tokens_at) / static_cast<double>(whole); };

  QPainterPath outline;
  outline.addRoundedRect(bar, kBarHeight / 2.0, kBarHeight / 2.0);
  painter.save();
  painter.setClipPath(outline);
  // Lines of the high contrast themes are as strong as text: what is free has to stay empty there.
  const QColor ground = t.high_contrast ? t.paper : t.line;
  painter.fillRect(bar, ground);
  const std::int64_t sweet_begin = good_tokens_ > 0 ? 0 : kSweetBegin;
  const std::int64_t sweet_end = good_tokens_ > 0 ? std::min(good_tokens_, whole) : std::min(kSweetEnd, whole);
  const bool has_sweet = budget_.limit > 0 && sweet_end > sweet_begin;
  if (has_sweet) painter.fillRect(QRectF(x(sweet_begin), bar.top(), x(sweet_end) - x(sweet_begin), bar.height()), mix(t.pine, ground, 0.22));

  std::int64_t sum_of_weights = 0;
  for (const auto& weight : weights_) sum_of_weights += weight.ticked_tokens;
  const std::int64_t sources = budget_.sources > 0 || exact_ ? budget_.sources : sum_of_weights;
  std::int64_t at = 0;
  const auto segment = [&](std::int64_t tokens_wide, const QBrush& brush) {
    if (tokens_wide <= 0) return;
    painter.fillRect(QRectF(x(at), bar.top(), std::max(1.0, x(at + tokens_wide) - x(at) - 1), bar.height()), brush);
    at += tokens_wide;
  };
  segment(budget_.instructions, t.ink_soft);
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const double share = sum_of_weights > 0 ? static_cast<double>(weights_[i].ticked_tokens) / static_cast<double>(sum_of_weights) : 0;
    segment(static_cast<std::int64_t>(share * static_cast<double>(sources)), over() ? t.amber : t.source(i));
  }
  segment(budget_.earlier, mix(t.ink_soft, ground, 0.6));
  segment(budget_.question, t.pine);
  segment(budget_.reserve, QBrush(mix(t.sky, ground, 0.45)));
  painter.restore();
  if (t.high_contrast) {
    painter.setPen(QPen(t.ink, 1));
    painter.setBrush(Qt::NoBrush);
    painter.drawPath(outline);
  }

  painter.setPen(QPen(t.ink_soft, 1));
  if (has_sweet) {
    for (const std::int64_t tick : {sweet_begin, sweet_end}) {
      if (tick > 0 && tick < whole) painter.drawLine(QPointF(x(tick), bar.top() - 3), QPointF(x(tick), bar.bottom() + 3));
    }
  }
  if (over()) {
    painter.setPen(QPen(t.amber, 2));
    painter.drawLine(QPointF(x(budget_.limit), bar.top() - 4), QPointF(x(budget_.limit), bar.bottom() + 4));
  }
  painter.setFont(small_font());
  painter.setPen(over() ? t.amber : t.ink_soft);
  const QRectF text(0, bar.bottom() + 3, width(), height() - bar.bottom() - 3);
  QString legend;
  if (budget_.limit >= kSweetEnd && good_tokens_ == 0 && width() > 620) legend = tr("best between 32k and 96k");
  const double legend_width = legend.isEmpty() ? 0 : painter.fontMetrics().horizontalAdvance(legend) + kGroupGap;
  painter.drawText(text, Qt::AlignLeft | Qt::AlignVCenter,
                   painter.fontMetrics().elidedText(sentence(), Qt::ElideRight, static_cast<int>(width() - legend_width)));
  painter.setPen(t.ink_soft);
  if (!legend.isEmpty()) painter.drawText(text, Qt::AlignRight | Qt::AlignVCenter, legend);
  if (hasFocus()) {
    painter.setPen(QPen(t.pine, 1.5));
    painter.setBrush(Qt::NoBrush);
    painter.drawRoundedRect(bar.adjusted(-3, -3, 3, 3), kChipRadius + 2, kChipRadius + 2);
  }
}

bool ContextMeter::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    QToolTip::showText(static_cast<QHelpEvent*>(event)->globalPos(), breakdown(), this);
    return true;
  }
  return QWidget::event(event);
}

}  // namespace ui
