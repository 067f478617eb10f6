#include "ui/settings/memory_bar.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <array>

#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kBarHeight = 10;
constexpr int kLegendRow = 20;

struct MemoryPart {
  QString name;
  std::int64_t n_bytes = 0;
};

std::array<MemoryPart, 4> parts_of(const app::ModelPlan& plan, std::int64_t tokens) {
  return {{{MemoryBar::tr("Weights"), plan.weight_bytes},
           {MemoryBar::tr("Workspace, about"), plan.workspace_bytes},
           {MemoryBar::tr("Keys"), tokens * plan.key_bytes_per_token},
           {MemoryBar::tr("Index keys"), tokens * plan.index_bytes_per_token}}};
}

}  // namespace

QString size_text(std::int64_t n_bytes) {
  const double mebibytes = static_cast<double>(n_bytes) / (1024.0 * 1024.0);
  return mebibytes < 1024 ? MemoryBar::tr("%1 MiB").arg(mebibytes, 0, 'f', 1) : MemoryBar::tr("%1 GiB").arg(mebibytes / 1024, 0, 'f', 1);
}

MemoryBar::MemoryBar(QWidget* parent) : QWidget(parent) {
  setAccessibleName(tr("Memory that the model needs"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

void MemoryBar::set_plan(const std::optional<app::ModelPlan>& plan, std::int64_t free_bytes) {
  plan_ = plan;
  free_bytes_ = free_bytes;
  setVisible(plan_.has_value());
  setAccessibleDescription(sentence());
  update();
}

void MemoryBar::set_tokens(std::int64_t tokens) {
  tokens_ = tokens;
  setAccessibleDescription(sentence());
  update();
}

bool MemoryBar::fits() const { return plan_ && plan_->bytes_at(tokens_) <= free_bytes_; }

QString MemoryBar::sentence() const {
  if (!plan_) return {};
  const std::int64_t needed = plan_->bytes_at(tokens_);
  if (needed <= free_bytes_) return tr("%1 of %2 free memory").arg(size_text(needed), size_text(free_bytes_));
  return tr("%1, which is %2 more than the free memory").arg(size_text(needed), size_text(needed - free_bytes_));
}

QSize MemoryBar::sizeHint() const { return {320, kBarHeight + 4 * kLegendRow + 28}; }

void MemoryBar::paintEvent(QPaintEvent*) {
  if (!plan_) return;
  const Tokens& t = tokens();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  painter.setFont(small_font());
  painter.setPen(fits() ? t.ink : t.amber);
  painter.drawText(QRect(0, 0, width(), kLegendRow), Qt::AlignLeft | Qt::AlignVCenter, painter.fontMetrics().elidedText(sentence(), Qt::ElideRight, width()));

  const QRectF bar(0, kLegendRow + 2, width(), kBarHeight);
  const double whole = static_cast<double>(std::max({free_bytes_, plan_->bytes_at(tokens_), std::int64_t{1}}));
  QPainterPath outline;
  outline.addRoundedRect(bar, kBarHeight / 2.0, kBarHeight / 2.0);
  painter.save();
  painter.setClipPath(outline);
  painter.fillRect(bar, t.line);
  const auto parts = parts_of(*plan_, tokens_);
  double x = bar.left();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const double wide = bar.width() * static_cast<double>(parts[i].n_bytes) / whole;
    painter.fillRect(QRectF(x, bar.top(), std::max(wide - 1, 1.0), bar.height()), fits() ? t.source(i) : mix(t.amber, t.line, 1.0 - 0.18 * static_cast<double>(i)));
    x += wide;
  }
  painter.restore();
  if (!fits()) {
    painter.setPen(QPen(t.amber, 2));
    const double limit = bar.width() * static_cast<double>(free_bytes_) / whole;
    painter.drawLine(QPointF(limit, bar.top() - 3), QPointF(limit, bar.bottom() + 3));
  }
  int y = static_cast<int>(bar.bottom()) + 6;
  for (std::size_t i = 0; i < parts.size(); ++i, y += kLegendRow) {
    painter.setPen(Qt::NoPen);
    painter.setBrush(fits() ? t.source(i) : mix(t.amber, t.line, 1.0 - 0.18 * static_cast<double>(i)));
    painter.drawRoundedRect(QRectF(0, y + 5, 10, 10), 2, 2);
    painter.setPen(t.ink_soft);
    painter.drawText(QRect(18, y, width() - 18, kLegendRow), Qt::AlignLeft | Qt::AlignVCenter, parts[i].name);
    painter.setPen(t.ink);
    painter.drawText(QRect(18, y, width() - 18, kLegendRow), Qt::AlignRight | Qt::AlignVCenter, size_text(parts[i].n_bytes));
  }
}

}  // namespace ui
