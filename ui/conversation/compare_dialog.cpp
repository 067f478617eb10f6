#include "ui/conversation/compare_dialog.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QJsonDocument>
#include <QJsonObject>
#include <QLabel>
#include <QScrollArea>
#include <QScrollBar>
#include <QSet>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

#include "ui/conversation/answer_text.h"
#include "ui/conversation/turn_view.h"
#include "ui/project/jobs.h"
#include "ui/sources/source_model.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

QString name_of(const app::Run& run) {
  return CompareDialog::tr("%1: %2").arg(run.id).arg(QString::fromStdString(run.question).simplified().left(120));
}

/// What a person compares: how it was asked, what it took.
QString figures_of(const app::Run& run) {
  const QJsonObject settings = QJsonDocument::fromJson(QByteArray::fromStdString(run.settings_json)).object();
  const QJsonObject selection = settings[QLatin1String("selection")].toObject();
  const QJsonObject sampling = settings[QLatin1String("sampling")].toObject();
  QStringList lines;
  lines << QString::fromStdString(run.model).section(QLatin1Char(' '), 0, -2) + QStringLiteral(" · ") + QString::fromStdString(run.asked_at);
  QString how = CompareDialog::tr("Selection: %1").arg(selection[QLatin1String("mode")].toString());
  if (const int top_k = selection[QLatin1String("top_k")].toInt(); top_k > 0) how += CompareDialog::tr(", top %1").arg(top_k);
  how += QStringLiteral(" · ") + CompareDialog::tr("temperature %1").arg(sampling[QLatin1String("temperature")].toDouble());
  lines << how;
  lines << CompareDialog::tr("Prompt: %1 tokens, %2 of them reused").arg(grouped(run.n_prompt_tokens), grouped(run.n_cached_tokens));
  QString written = CompareDialog::tr("Written: %1 tokens in %2").arg(grouped(run.n_generated_tokens), duration_text(run.decode_seconds));
  if (run.prefill_seconds > 0.05) written += CompareDialog::tr(" after %1 of reading").arg(duration_text(run.prefill_seconds));
  lines << written;
  return lines.join(QLatin1Char('\n'));
}

QSet<QString> labels_of(const std::vector<app::Citation>& citations) {
  QSet<QString> labels;
  for (const app::Citation& citation : citations) {
    if (citation.in_prompt) labels.insert(QString::fromStdString(citation.label));
  }
  return labels;
}

}  // namespace

CompareDialog::CompareDialog(std::vector<app::Run> runs, app::RunId left, app::RunId right, QWidget* parent) : QDialog(parent), runs_(std::move(runs)), together_(new QCheckBox(tr("Scroll both together"))) {
  setWindowTitle(tr("Compare two runs"));
  resize(1040, 680);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPanelMargin, kPanelMargin, kPanelMargin, kPanelMargin);
  layout->setSpacing(kGroupGap);
  auto* columns = new QHBoxLayout;
  columns->setSpacing(kPanelMargin);
  columns->addWidget(make_side(0), 1);
  columns->addWidget(make_side(1), 1);
  layout->addLayout(columns, 1);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  together_->setChecked(true);
  auto* below = new QHBoxLayout;
  below->addWidget(together_);
  below->addWidget(buttons);
  layout->addLayout(below);
  for (int side = 0; side < 2; ++side) {
    const app::RunId wanted = side == 0 ? left : right;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      sides_[side].choice->addItem(name_of(runs_[i]));
      if (runs_[i].id == wanted) sides_[side].choice->setCurrentIndex(static_cast<int>(i));
    }
    connect(sides_[side].choice, &QComboBox::currentIndexChanged, this, [this, side] { show_side(side); });
    show_side(side);
  }
}

QWidget* CompareDialog::make_side(int side) {
  Side& s = sides_[side];
  auto* column = new QWidget;
  auto* layout = new QVBoxLayout(column);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(kGrid);
  s.choice = new QComboBox;
  s.choice->setAccessibleName(side == 0 ? tr("Run at the left") : tr("Run at the right"));
  s.choice->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  s.choice->setMinimumContentsLength(20);
  layout->addWidget(s.choice);
  s.figures = new QLabel;
  s.figures->setFont(small_font());
  s.figures->setTextFormat(Qt::PlainText);
  s.figures->setWordWrap(true);
  set_text_color(s.figures, tokens().ink_soft);
  layout->addWidget(s.figures);
  auto* area = new QScrollArea;
  area->setWidgetResizable(true);
  area->setAccessibleName(tr("Answer"));
  area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  auto* paper = new QWidget;
  paper->setBackgroundRole(QPalette::Base);
  paper->setAutoFillBackground(true);
  auto* inside = new QVBoxLayout(paper);
  inside->setContentsMargins(kGroupGap, kGroupGap, kGroupGap, kGroupGap);
  s.answer = new AnswerText;
  inside->addWidget(s.answer);
  inside->addStretch(1);
  area->setWidget(paper);
  s.area = area;
  connect(area->verticalScrollBar(), &QScrollBar::valueChanged, this, [this, side] { follow(side); });
  layout->addWidget(area, 1);
  s.only_here = new QLabel;
  s.only_here->setFont(small_font());
  s.only_here->setTextFormat(Qt::PlainText);
  s.only_here->setWordWrap(true);
  layout->addWidget(s.only_here);
  connect(s.answer, &AnswerText::chip_clicked, this, [this, side](int index) {
    const auto& citations = sides_[side].citations;
    if (index >= 0 && index < static_cast<int>(citations.size())) emit citation_activated(citations[static_cast<std::size_t>(index)]);
  });
  return column;
}

void CompareDialog::show_side(int side) {
  Side& s = sides_[side];
  const int row = s.choice->currentIndex();
  if (row < 0) return;
  const app::Run& run = runs_[static_cast<std::size_t>(row)];
  auto citations = app::citations_from_json(run.citations_json);
  s.citations = citations ? std::move(*citations) : std::vector<app::Citation>();
  s.figures->setText(figures_of(run));
  s.answer->show_markdown(run.answer, chips_of(s.citations));
  s.choice->setToolTip(QString::fromStdString(run.question));
  show_difference();
}

void CompareDialog::follow(int side) {
  if (following_ || !together_->isChecked() || sides_[1 - side].area == nullptr) return;
  // Answers differ in length: the same share of each is in sight, and both reach their ends together.
  const QScrollBar* from = sides_[side].area->verticalScrollBar();
  QScrollBar* to = sides_[1 - side].area->verticalScrollBar();
  following_ = true;
  if (from->maximum() > 0) to->setValue(static_cast<int>(std::lround(static_cast<double>(from->value()) / from->maximum() * to->maximum())));
  following_ = false;
}

void CompareDialog::show_difference() {
  const QSet<QString> labels[2] = {labels_of(sides_[0].citations), labels_of(sides_[1].citations)};
  for (int side = 0; side < 2; ++side) {
    QStringList only = (labels[side] - labels[1 - side]).values();
    only.sort();
    sides_[side].only_here->setText(labels[side].isEmpty() ? tr("Nothing is cited") : only.isEmpty() ? tr("All sources are cited at the other side too") : tr("Cited only here: %1").arg(only.join(QStringLiteral(", "))));
  }
}

QString CompareDialog::figures(int side) const { return sides_[side].figures->text(); }
QString CompareDialog::only_here(int side) const { return sides_[side].only_here->text(); }

}  // namespace ui
