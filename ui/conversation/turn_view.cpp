#include "ui/conversation/turn_view.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QToolButton>
#include <QVBoxLayout>

#include "ui/conversation/answer_text.h"
#include "ui/conversation/thinking_part.h"
#include "ui/project/jobs.h"
#include "ui/sources/source_model.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

/// The question in its bubble.
class Bubble final : public QLabel {
 public:
  using QLabel::QLabel;

 protected:
  void paintEvent(QPaintEvent* event) override {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(tokens().high_contrast ? QPen(tokens().ink) : QPen(Qt::NoPen));
    painter.setBrush(tokens().pine_wash);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), kRadius, kRadius);
    painter.end();
    QLabel::paintEvent(event);
  }
};

QString rate_text(double tokens_per_second) {
  return TurnView::tr("%1 tok/s").arg(tokens_per_second, 0, 'f', tokens_per_second < 10 ? 1 : 0);
}

}  // namespace

ChipMark mark_of(const app::Citation& citation) {
  if (!citation.in_prompt) return ChipMark::kUnknown;
  switch (citation.check) {
    case app::QuoteCheck::kVerified: return ChipMark::kVerified;
    case app::QuoteCheck::kNear: return ChipMark::kNear;
    case app::QuoteCheck::kNotFound: return ChipMark::kNotFound;
    case app::QuoteCheck::kNoQuote: return ChipMark::kNone;
  }
  return ChipMark::kNone;
}

std::vector<Chip> chips_of(const std::vector<app::Citation>& citations, const std::vector<app::CitationEvidence>& evidence) {
  std::vector<Chip> chips;
  for (std::size_t i = 0; i < citations.size(); ++i) {
    const app::Citation& citation = citations[i];
    Chip chip;
    chip.begin = citation.begin;
    chip.end = citation.end;
    chip.hidden = citation.opens;
    chip.label = citation.label.empty() ? TurnView::tr("no such passage") : QString::fromStdString(citation.label);
    chip.mark = mark_of(citation);
    if (i < evidence.size() && evidence[i].mark == app::SelectionMark::kSelected) chip.evidence = ChipEvidence::kSelected;
    if (i < evidence.size() && evidence[i].mark == app::SelectionMark::kNotSelected) chip.evidence = ChipEvidence::kNotSelected;
    chip.index = static_cast<int>(i);
    chips.push_back(chip);
  }
  return chips;
}

TurnView::TurnView(QWidget* parent)
    : QFrame(parent), question_(new Bubble), thinking_(new ThinkingPart), answer_(new AnswerText), error_(new QLabel), foot_(new QFrame),
      figures_(new QLabel), branch_(new QFrame), branch_label_(new QLabel) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(kGrid);
  question_->setTextFormat(Qt::PlainText);
  question_->setWordWrap(true);
  question_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  question_->setMargin(10);
  question_->setAccessibleName(tr("Question asked"));
  layout->addWidget(question_);
  layout->addWidget(thinking_);
  layout->addWidget(answer_);
  error_->setTextFormat(Qt::PlainText);
  error_->setWordWrap(true);
  error_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  error_->hide();
  layout->addWidget(error_);

  auto* row = new QHBoxLayout(foot_);
  row->setContentsMargins(0, 0, 0, 0);
  row->setSpacing(2);
  auto* copy = add_action(row, QStringLiteral("copy"), tr("Copy answer"), nullptr);
  connect(copy, &QToolButton::clicked, this, [this] { QApplication::clipboard()->setText(QString::fromStdString(answer())); });
  add_action(row, QStringLiteral("edit"), tr("Edit the question"), &TurnView::edit_requested);
  add_action(row, QStringLiteral("refresh"), tr("Ask again"), &TurnView::again_requested);
  continue_ = add_action(row, QStringLiteral("forward"), tr("Continue this answer"), &TurnView::continue_requested);
  continue_->hide();
  add_action(row, QStringLiteral("list"), tr("Show the exact prompt"), &TurnView::prompt_requested);
  add_action(row, QStringLiteral("inspect"), tr("Show what was selected"), &TurnView::map_requested);
  add_action(row, QStringLiteral("remove"), tr("Remove from the conversation"), &TurnView::remove_requested);
  auto* branch_row = new QHBoxLayout(branch_);
  branch_row->setContentsMargins(kGrid, 0, 0, 0);
  branch_row->setSpacing(0);
  auto* earlier = add_action(branch_row, QStringLiteral("back"), tr("Earlier version"), nullptr);
  branch_row->addWidget(branch_label_);
  auto* later = add_action(branch_row, QStringLiteral("forward"), tr("Later version"), nullptr);
  connect(earlier, &QToolButton::clicked, this, [this] { emit branch_requested(-1); });
  connect(later, &QToolButton::clicked, this, [this] { emit branch_requested(1); });
  branch_label_->setFont(small_font());
  row->addWidget(branch_);
  branch_->hide();
  figures_->setFont(small_font());
  figures_->setWordWrap(true);
  figures_->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
  figures_->setTextFormat(Qt::PlainText);
  row->addWidget(figures_, 1);
  layout->addWidget(foot_);

  connect(answer_, &AnswerText::chip_clicked, this, [this](int index) {
    if (index >= 0 && index < static_cast<int>(citations_.size())) emit citation_clicked(citations_[static_cast<std::size_t>(index)]);
  });
  connect(answer_, &AnswerText::chip_hovered, this, [this](int index, const QPoint& at) {
    const bool known = index >= 0 && index < static_cast<int>(citations_.size());
    emit citation_hovered(known ? &citations_[static_cast<std::size_t>(index)] : nullptr, at);
  });
  connect(answer_, &AnswerText::text_clicked, this, &TurnView::answer_byte_clicked);
  connect(answer_, &AnswerText::link_clicked, this, &TurnView::link_clicked);
  connect(answer_, &AnswerText::height_changed, this, &TurnView::resized);
  tint();
}

QToolButton* TurnView::add_action(QHBoxLayout* row, const QString& icon_name, const QString& text, void (TurnView::*signal)()) {
  auto* button = new QToolButton;
  button->setIcon(icon(icon_name));
  button->setAutoRaise(true);
  button->setToolTip(text);
  button->setAccessibleName(text);
  if (signal != nullptr) connect(button, &QToolButton::clicked, this, signal);
  row->addWidget(button);
  return button;
}

QString TurnView::question() const { return question_->text(); }
std::string TurnView::answer() const { return answer_bytes_; }

void TurnView::show_answer(const std::string& text) {
  answer_bytes_ = text;
  answer_->setVisible(!text.empty());
  answer_->show_markdown(text, chips_of(citations_, evidence_));
}

void TurnView::set_citations(std::vector<app::Citation> citations) {
  citations_ = std::move(citations);
  answer_->show_markdown(answer_bytes_, chips_of(citations_, evidence_));
}

void TurnView::set_evidence(std::vector<app::CitationEvidence> evidence) {
  evidence_ = std::move(evidence);
  answer_->show_markdown(answer_bytes_, chips_of(citations_, evidence_));
}

void TurnView::show_run(const RunView& run) {
  question_->setText(run.question);
  thinking_->set_running(run.running && run.answer.empty());
  thinking_->set_text(QString::fromStdString(run.thinking));
  if (run.running && run.thinking.empty() && run.answer.empty()) {
    QString figures = run.n_prompt == 0 ? tr("preparing the prompt") : tr("reading %1 of %2 tokens").arg(grouped(run.n_prefilled), grouped(run.n_prompt));
    if (run.n_prompt > 0 && run.n_cached > 0) figures += tr(", %1 of them known from before").arg(grouped(run.n_cached));
    thinking_->set_figures(figures);
  } else {
    thinking_->set_figures(duration_text(run.thinking_seconds));
  }
  show_answer(run.answer);
  error_->setVisible(!run.error.isEmpty());
  error_->setText(run.error);
  foot_->setVisible(!run.running);
  if (run.running) return;
  continue_->setVisible(run.end == "cancelled" || run.end == "length");
  QStringList figures;
  if (run.end == "cancelled") figures << tr("stopped");
  if (run.end == "interrupted") figures << tr("interrupted: the program ended");
  if (run.end == "length") figures << tr("ended at the length limit");
  if (run.n_generated > 0) figures << tr("%1 tokens").arg(grouped(run.n_generated)) << duration_text(run.seconds);
  if (run.decode_rate > 0) figures << rate_text(run.decode_rate);
  if (run.n_cached > 0) figures << tr("%1 of %2 prompt tokens reused").arg(grouped(run.n_cached), grouped(run.n_prompt));
  show_figures(figures.join(QStringLiteral(" · ")));
}

void TurnView::show_saved(const app::Run& run, std::vector<app::Citation> citations) {
  RunView view;
  view.question = QString::fromStdString(run.question);
  view.thinking = run.thinking;
  view.answer = run.answer;
  view.end = run.end;
  view.n_prompt = run.n_prompt_tokens;
  view.n_cached = run.n_cached_tokens;
  view.n_generated = run.n_generated_tokens;
  view.seconds = run.prefill_seconds + run.decode_seconds;
  view.decode_rate = run.decode_seconds > 0 ? static_cast<double>(run.n_generated_tokens) / run.decode_seconds : 0;
  view.thinking_seconds = run.decode_seconds;
  run_id_ = run.id;
  citations_ = std::move(citations);
  show_run(view);
  thinking_->set_figures({});
}

void TurnView::show_figures(const QString& text) { figures_->setText(text); }

void TurnView::set_branch(int index, int count) {
  branch_->setVisible(count > 1);
  branch_label_->setText(tr("%1 of %2").arg(index + 1).arg(count));
}

void TurnView::tint() {
  set_text_color(figures_, tokens().ink_soft);
  set_text_color(branch_label_, tokens().ink_soft);
  set_text_color(error_, tokens().brick);
}

void TurnView::changeEvent(QEvent* event) {
  QFrame::changeEvent(event);
  if (event->type() == QEvent::PaletteChange) tint();
}

}  // namespace ui
