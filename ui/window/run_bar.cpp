#include "ui/window/run_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPainterPath>
#include <QToolButton>

#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"
#include "ui/window/workspace.h"

namespace ui {

RunBar::RunBar(Workspace& workspace, QWidget* parent) : QWidget(parent), workspace_(workspace), label_(new QLabel), cancel_(new QToolButton) {
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(0, 16, 0, 0);
  layout->setSpacing(kTight);
  label_->setFont(small_font());
  label_->setTextFormat(Qt::PlainText);
  label_->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
  layout->addWidget(label_, 1);
  cancel_->setIcon(icon(QStringLiteral("close")));
  cancel_->setIconSize(QSize(14, 14));
  cancel_->setAutoRaise(true);
  cancel_->setToolTip(tr("Cancel"));
  cancel_->setAccessibleName(tr("Cancel what runs"));
  layout->addWidget(cancel_);
  setFixedWidth(320);
  connect(cancel_, &QToolButton::clicked, this, &RunBar::cancel);
  connect(&workspace_.jobs(), &Jobs::changed, this, &RunBar::show_state);
  connect(&workspace_, &Workspace::model_changed, this, &RunBar::show_state);
  AskController& asker = workspace_.asker();
  connect(&asker, &AskController::started, this, &RunBar::show_state);
  connect(&asker, &AskController::progressed, this, &RunBar::show_state);
  connect(&asker, &AskController::finished, this, &RunBar::show_state);
  connect(&asker, &AskController::failed, this, &RunBar::show_state);
  show_state();
}

QString RunBar::text() const { return label_->text(); }

void RunBar::show_state() {
  const RunView& run = workspace_.asker().run();
  QString text;
  fraction_ = cached_ = 0;
  active_ = true;
  if (run.running && run.n_generated > 0) {
    text = tr("Answering: %1 tokens").arg(grouped(run.n_generated));
    if (run.decode_rate > 0) text += tr(" · %1 tok/s").arg(run.decode_rate, 0, 'f', run.decode_rate < 10 ? 1 : 0);
    fraction_ = 1;
  } else if (run.running) {
    if (run.n_prompt > 0) {
      fraction_ = static_cast<double>(run.n_prefilled) / static_cast<double>(run.n_prompt);
      cached_ = static_cast<double>(run.n_cached) / static_cast<double>(run.n_prompt);
    }
    text = run.n_prompt == 0 ? tr("Preparing the prompt") : tr("Reading: %1 %").arg(qRound(100 * fraction_));
    if (run.prefill_rate > 0) {
      text += tr(" · %1 tok/s").arg(grouped(qRound64(run.prefill_rate)));
      text += tr(" · %1 left").arg(duration_text(static_cast<double>(run.n_prompt - run.n_prefilled) / run.prefill_rate));
    }
  } else if (workspace_.jobs().n_running() > 0) {
    text = workspace_.jobs().summary();
    fraction_ = workspace_.jobs().foremost().data(Jobs::kFractionRole).toDouble();
  } else {
    active_ = false;
    const auto engine = workspace_.asker().engine();
    if (engine != nullptr) text = QString::fromStdString(engine->info().name) + QStringLiteral(" · ") + QString::fromStdString(engine->info().device);
  }
  label_->setText(label_->fontMetrics().elidedText(text, Qt::ElideRight, width() - (active_ ? 40 : 8)));
  label_->setToolTip(text);
  setAccessibleName(text);
  cancel_->setVisible(active_);
  set_text_color(label_, tokens().ink_soft);
  update();
}

void RunBar::cancel() {
  if (workspace_.asker().running()) {
    workspace_.asker().stop();
    return;
  }
  Jobs& jobs = workspace_.jobs();
  if (const QModelIndex shown = jobs.foremost(); shown.isValid()) jobs.cancel(shown.data(Jobs::kIdRole).toInt());
}

void RunBar::paintEvent(QPaintEvent*) {
  if (!active_) return;
  const Tokens& t = tokens();
  QPainter painter(this);
  painter.setRenderHint(QPainter::Antialiasing);
  const QRectF bar(0, kGrid, width(), 8);
  QPainterPath outline;
  outline.addRoundedRect(bar, 4, 4);
  painter.setClipPath(outline);
  painter.fillRect(bar, t.line);
  painter.fillRect(QRectF(bar.left(), bar.top(), bar.width() * fraction_, bar.height()), t.pine);
  painter.fillRect(QRectF(bar.left(), bar.top(), bar.width() * cached_, bar.height()), mix(t.pine, t.line, 0.45));
}

}  // namespace ui
