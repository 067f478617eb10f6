#include "ui/trace/experiment_view.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSlider>
#include <QTableWidget>
#include <QTextCursor>
#include <QVBoxLayout>
#include <algorithm>
#include <cmath>

#include "ui/trace/heat_theme.h"

namespace ui {

namespace {

constexpr int kFewestKeys = 64;
constexpr int kStepsPerDoubling = 2;

QString percent(double share) { return QString::number(share * 100, 'f', 1) + QStringLiteral("\u2009%"); }

QString signed_number(double value) { return QString::asprintf("%+.2f", value).replace(QLatin1Char('-'), QChar(0x2212)); }

/// A trial's text, what the other one has not marked.
void write_trial(QTextCursor& cursor, const QString& title, const app::Trial& trial, const QColor& ink, bool is_gone) {
  QTextCharFormat head;
  head.setFontWeight(QFont::DemiBold);
  cursor.insertText(title + QLatin1Char('\n'), head);
  for (std::size_t i = 0; i < trial.token_texts.size(); ++i) {
    QTextCharFormat format;
    if (trial.is_common[i] == 0) {
      format.setForeground(ink);
      format.setFontStrikeOut(is_gone);
      format.setFontUnderline(!is_gone);
    }
    cursor.insertText(QString::fromStdString(trial.token_texts[i]), format);
  }
  cursor.insertText(QStringLiteral("\n\n"), QTextCharFormat());
}

}  // namespace

ExperimentView::ExperimentView(QWidget* parent)
    : QWidget(parent), mode_(new QComboBox), k_(new QSlider(Qt::Horizontal)), k_label_(new QLabel), list_(new QListWidget),
      remove_(new QPushButton(tr("Remove"))), run_button_(new QPushButton(tr("Run again"))),
      difference_(new QPushButton(tr("Difference"))), note_(new QLabel), text_(new QPlainTextEdit), table_(new QTableWidget(0, 4)) {
  mode_->addItems({tr("Select by the model's indexer"), tr("Select every key (dense)"), tr("Select by fixed blocks")});
  mode_->setAccessibleName(tr("How keys are selected"));
  k_->setAccessibleName(tr("Keys per query"));
  k_->setMinimumWidth(60);
  k_->setToolTip(tr("How many keys every query selects. The model was trained with its own number."));
  list_->setAccessibleName(tr("Pinned and muted passages"));
  list_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  list_->setTextElideMode(Qt::ElideRight);
  list_->setFrameShape(QFrame::NoFrame);
  list_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  list_->setMinimumHeight(28);
  remove_->setToolTip(tr("Takes the marked passages off this list."));
  difference_->setToolTip(tr("Subtracts the maps of both answers."));
  note_->setWordWrap(true);
  note_->setTextFormat(Qt::PlainText);
  note_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  note_->setAccessibleName(tr("What the change caused"));
  text_->setReadOnly(true);
  text_->setFrameShape(QFrame::NoFrame);
  text_->setAccessibleName(tr("Both texts"));
  table_->setHorizontalHeaderLabels({tr("Token"), tr("Asked"), tr("Tried"), tr("Change")});
  table_->setAccessibleName(tr("Log-probability of every token of the first text"));
  table_->setEditTriggers(QAbstractItemView::NoEditTriggers);
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setShowGrid(false);
  table_->setFrameShape(QFrame::NoFrame);
  table_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  table_->horizontalHeader()->setMinimumSectionSize(24);
  table_->verticalHeader()->hide();
  table_->verticalHeader()->setDefaultSectionSize(24);
  table_->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
  for (const int column : {1, 2, 3}) table_->setColumnWidth(column, 56);

  auto* left = new QVBoxLayout;
  left->setSpacing(4);
  left->addWidget(mode_);
  auto* k_row = new QHBoxLayout;
  k_row->addWidget(k_, 1);
  k_row->addWidget(k_label_);
  left->addLayout(k_row);
  left->addWidget(list_, 1);
  auto* buttons = new QHBoxLayout;
  buttons->setSpacing(4);
  buttons->addWidget(run_button_);
  buttons->addWidget(remove_);
  buttons->addWidget(difference_);
  buttons->addStretch(1);
  left->addLayout(buttons);
  auto* right = new QVBoxLayout;
  right->setSpacing(4);
  right->addWidget(note_);
  auto* results = new QHBoxLayout;
  results->addWidget(text_, 5);
  results->addWidget(table_, 8);
  right->addLayout(results, 1);
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(8, 6, 0, 0);
  layout->setSpacing(12);
  layout->addLayout(left, 3);
  layout->addLayout(right, 5);

  connect(k_, &QSlider::valueChanged, this, &ExperimentView::show_k);
  connect(mode_, &QComboBox::currentIndexChanged, this, &ExperimentView::show_k);
  connect(remove_, &QPushButton::clicked, this, &ExperimentView::remove_chosen);
  connect(list_, &QListWidget::itemSelectionChanged, this, [this] { remove_->setEnabled(!list_->selectedItems().isEmpty()); });
  connect(run_button_, &QPushButton::clicked, this, [this] {
    if (running_) emit stop_requested();
    else emit try_requested(selection());
  });
  connect(difference_, &QPushButton::clicked, this, [this] {
    if (experiment_ != nullptr) emit difference_requested(experiment_->base.trace, experiment_->other.trace);
  });
  set_run(nullptr);
}

void ExperimentView::set_run(std::shared_ptr<const app::RunTrace> run) {
  run_ = std::move(run);
  passages_.clear();
  experiment_.reset();
  text_->clear();
  table_->setRowCount(0);
  const bool has_run = run_ != nullptr;
  if (has_run) {
    const engine::SelectionTrace& trace = *run_->trace;
    mode_->setCurrentIndex(trace.mode == engine::SelectionMode::kIndexer ? 0 : trace.mode == engine::SelectionMode::kDense ? 1 : 2);
    const double most = std::max<double>(kFewestKeys * 2, static_cast<double>(std::max<std::int64_t>(trace.n_prompt_tokens, 2 * trace.top_k)));
    k_->setRange(0, static_cast<int>(std::ceil(std::log2(most / kFewestKeys) * kStepsPerDoubling)));
    k_->setValue(static_cast<int>(std::lround(std::log2(std::max(trace.top_k, kFewestKeys) / static_cast<double>(kFewestKeys)) * kStepsPerDoubling)));
  }
  for (QWidget* widget : std::initializer_list<QWidget*>{mode_, k_, list_, run_button_}) widget->setEnabled(has_run);
  difference_->setEnabled(false);
  note_->setText(tr("Pin or mute passages from the list of what was consulted, or choose another number of keys, and run again: the change in text and log-probability was caused by that alone."));
  show_passages();
  show_k();
}

int ExperimentView::chosen_k() const {
  if (run_ != nullptr) {
    // The model's own number stands on the slider exactly, whatever the steps are.
    const int own = run_->trace->top_k;
    const auto own_step = static_cast<int>(std::lround(std::log2(std::max(own, kFewestKeys) / static_cast<double>(kFewestKeys)) * kStepsPerDoubling));
    if (own > 0 && k_->value() == own_step) return own;
  }
  return static_cast<int>(std::lround(kFewestKeys * std::exp2(static_cast<double>(k_->value()) / kStepsPerDoubling)));
}

void ExperimentView::show_k() {
  const bool dense = mode_->currentIndex() == 1;
  k_->setEnabled(run_ != nullptr && !dense);
  if (run_ == nullptr) {
    k_label_->clear();
    return;
  }
  const int own = run_->trace->top_k;
  k_label_->setText(dense ? tr("every key") : chosen_k() == own ? tr("%1 keys, as asked").arg(own) : own > 0 ? tr("%1 keys, not %2").arg(chosen_k()).arg(own) : tr("%1 keys").arg(chosen_k()));
}

engine::SelectionOptions ExperimentView::selection() const {
  engine::SelectionOptions selection;
  selection.mode = mode_->currentIndex() == 1 ? engine::SelectionMode::kDense : mode_->currentIndex() == 2 ? engine::SelectionMode::kBlocks : engine::SelectionMode::kIndexer;
  if (run_ == nullptr) return selection;
  selection.top_k = selection.mode == engine::SelectionMode::kDense ? 0 : chosen_k();
  for (const Passage& passage : passages_) {
    const app::PromptBlock& block = run_->map.blocks[passage.block];
    (passage.wish == Wish::kPin ? selection.pinned : selection.muted).push_back({block.first_token, block.last_token});
  }
  return selection;
}

void ExperimentView::add(const std::vector<std::size_t>& blocks, Wish wish) {
  if (run_ == nullptr) return;
  for (const std::size_t block : blocks) {
    if (block >= run_->map.blocks.size()) continue;
    std::erase_if(passages_, [block](const Passage& passage) { return passage.block == block; });
    passages_.push_back({block, wish});
  }
  show_passages();
}

void ExperimentView::remove_chosen() {
  std::vector<int> rows;
  for (const QListWidgetItem* item : list_->selectedItems()) rows.push_back(list_->row(item));
  std::ranges::sort(rows, std::greater<>());
  for (const int row : rows) passages_.erase(passages_.begin() + row);
  show_passages();
}

void ExperimentView::show_passages() {
  list_->clear();
  for (const Passage& passage : passages_) {
    const app::PromptBlock& block = run_->map.blocks[passage.block];
    const QString text = QString::fromStdString(run_->block_texts[passage.block]).simplified();
    const QString wish = passage.wish == Wish::kPin ? tr("Pinned") : tr("Muted");
    auto* item = new QListWidgetItem(wish + QStringLiteral("  \u00b7  ") + QString::fromStdString(run_->label(block)) + QStringLiteral("  \u00b7  ") + text, list_);
    item->setToolTip(text.toHtmlEscaped());
  }
  remove_->setEnabled(false);
}

void ExperimentView::set_running(bool running, const QString& progress) {
  running_ = running;
  run_button_->setText(running ? tr("Stop") : tr("Run again"));
  if (!progress.isEmpty()) note_->setText(progress);
}

void ExperimentView::show_failure(const QString& message) {
  set_running(false);
  note_->setText(message);
}

void ExperimentView::show_experiment(std::shared_ptr<const app::Experiment> experiment) {
  set_running(false);
  experiment_ = std::move(experiment);
  difference_->setEnabled(experiment_ != nullptr);
  if (experiment_ == nullptr) return;
  const app::Trial& base = experiment_->base;
  const app::Trial& other = experiment_->other;
  const auto n_tokens = static_cast<int>(base.token_texts.size());
  const QString caused = tr("Caused: log-probability of the first text %1 (%2 per token); %3 of its %4 tokens changed.")
                             .arg(signed_number(experiment_->log_probability_change()), signed_number(experiment_->log_probability_change() / std::max(1, n_tokens)))
                             .arg(experiment_->n_changed()).arg(n_tokens);
  const QString kept = tr("Dense attention kept: %1, otherwise %2; tokens/s: %3, otherwise %4.")
                           .arg(percent(base.mean_recall()), percent(other.mean_recall()), QString::number(base.tokens_per_second, 'f', 0), QString::number(other.tokens_per_second, 'f', 0));
  note_->setText(caused + QLatin1Char('\n') + kept);
  text_->clear();
  QTextCursor cursor(text_->document());
  const bool light = theme_of(palette()) == app::Theme::kLight;
  write_trial(cursor, tr("As asked"), base, light ? QColor(0xA8, 0x32, 0x2A) : QColor(0xF0, 0x8A, 0x80), true);
  write_trial(cursor, tr("Otherwise"), other, light ? QColor(0x1F, 0x6F, 0x54) : QColor(0x5C, 0xC7, 0x9E), false);
  text_->moveCursor(QTextCursor::Start);
  fill_table();
}

void ExperimentView::fill_table() {
  const std::size_t n = std::min({experiment_->base.token_texts.size(), experiment_->base_log_probability.size(), experiment_->other_log_probability.size()});
  table_->setRowCount(static_cast<int>(n));
  double largest = 1.0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(static_cast<double>(experiment_->other_log_probability[i] - experiment_->base_log_probability[i])));
  const app::Theme theme = theme_of(palette());
  for (std::size_t i = 0; i < n; ++i) {
    const auto before = static_cast<double>(experiment_->base_log_probability[i]);
    const auto after = static_cast<double>(experiment_->other_log_probability[i]);
    const auto row = static_cast<int>(i);
    table_->setItem(row, 0, new QTableWidgetItem(QString::fromStdString(experiment_->base.token_texts[i])));
    const QString texts[] = {signed_number(before), signed_number(after), signed_number(after - before)};
    for (int column = 1; column <= 3; ++column) {
      auto* item = new QTableWidgetItem(texts[column - 1]);
      item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
      if (column == 3 && std::abs(after - before) > 0.01) {
        QColor color = to_color(app::difference_color((after - before) / largest, theme));
        color.setAlphaF(0.55f);
        item->setBackground(color);
      }
      table_->setItem(row, column, item);
    }
  }
}

QString ExperimentView::to_csv() const { return experiment_ == nullptr ? QString() : QString::fromStdString(app::experiment_csv(*experiment_)); }

}  // namespace ui
