#include "ui/trace/trace_player.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSlider>
#include <QToolButton>

namespace ui {

namespace {

constexpr int kMsPerToken = 120;  // slow enough to follow pages with the eye

}  // namespace

TracePlayer::TracePlayer(QWidget* parent)
    : QWidget(parent), button_(new QToolButton(this)), slider_(new QSlider(Qt::Horizontal, this)), label_(new QLabel(this)) {
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(16, 4, 16, 4);
  layout->setSpacing(8);
  button_->setAutoRaise(true);
  slider_->setAccessibleName(tr("Generated token"));
  label_->setMinimumWidth(200);
  label_->setTextFormat(Qt::PlainText);
  layout->addWidget(button_);
  layout->addWidget(slider_, 1);
  layout->addWidget(label_);
  timer_.setInterval(kMsPerToken);
  connect(&timer_, &QTimer::timeout, this, &TracePlayer::step);
  connect(button_, &QToolButton::clicked, this, [this] { is_playing() ? pause() : play(); });
  connect(slider_, &QSlider::valueChanged, this, [this](int token) {
    write_label();
    emit token_changed(token);
  });
  set_run(nullptr);
}

void TracePlayer::set_run(std::shared_ptr<const app::RunTrace> run) {
  pause();
  run_ = std::move(run);
  const QSignalBlocker quiet(slider_);
  const int last = run_ == nullptr ? 0 : std::max(0, static_cast<int>(run_->trace->n_generated) - 1);
  slider_->setRange(0, last);
  slider_->setValue(0);
  setEnabled(run_ != nullptr && run_->trace->n_generated > 0);
  write_label();
}

void TracePlayer::show_token(qint64 token) {
  const QSignalBlocker quiet(slider_);
  slider_->setValue(static_cast<int>(token));
  write_label();
}

void TracePlayer::play() {
  if (run_ == nullptr) return;
  if (slider_->value() == slider_->maximum()) slider_->setValue(0);
  timer_.start();
  button_->setText(QStringLiteral("\u23f8"));
  button_->setToolTip(tr("Pause"));
  button_->setAccessibleName(tr("Pause"));
}

void TracePlayer::pause() {
  timer_.stop();
  button_->setText(QStringLiteral("\u25b6"));
  button_->setToolTip(tr("Play the generation"));
  button_->setAccessibleName(tr("Play the generation"));
}

void TracePlayer::step() {
  if (slider_->value() >= slider_->maximum()) {
    pause();
    return;
  }
  slider_->setValue(slider_->value() + 1);
}

void TracePlayer::write_label() {
  if (run_ == nullptr || run_->trace->n_generated == 0) {
    label_->clear();
    return;
  }
  const qint64 token = slider_->value();
  const bool thinking = run_->trace->phase(token) == engine::Phase::kThinking;
  label_->setText(tr("token %1 of %2").arg(token + 1).arg(run_->trace->n_generated) + QStringLiteral("  \u00b7  ") +
                  (thinking ? tr("thinking") : tr("answer")));
}

}  // namespace ui
