#include "ui/runs/run_history_dialog.h"

#include <QDialogButtonBox>
#include <QFileDialog>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPointer>
#include <QPushButton>
#include <QSaveFile>
#include <QSplitter>
#include <QTableView>
#include <QTableWidget>
#include <QVBoxLayout>

#include "ui/project/jobs.h"
#include "ui/sources/source_model.h"
#include "ui/theme/tokens.h"

namespace ui {

RunHistoryDialog::RunHistoryDialog(std::vector<app::Run> runs, CoverageSource coverage, QWidget* parent)
    : QDialog(parent), list_(std::move(runs)), filter_(list_), coverage_(std::move(coverage)), words_(new QLineEdit), count_(new QLabel), table_(new QTableView), sheet_(new QTableWidget(0, 2)) {
  setWindowTitle(tr("Runs of this project"));
  resize(1240, 640);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPanelMargin, kPanelMargin, kPanelMargin, kPanelMargin);
  layout->setSpacing(kGroupGap);
  words_->setPlaceholderText(tr("Words of a question, an answer or its thinking"));
  words_->setAccessibleName(tr("Search the runs"));
  words_->setClearButtonEnabled(true);
  auto* head = new QHBoxLayout;
  head->addWidget(words_, 1);
  head->addWidget(count_);
  layout->addLayout(head);
  auto* halves = new QSplitter;
  halves->addWidget(make_table());
  halves->addWidget(make_sheet());
  halves->setStretchFactor(0, 7);
  halves->setStretchFactor(1, 3);
  halves->setChildrenCollapsible(false);
  halves->setSizes({870, 340});
  layout->addWidget(halves, 1);
  make_buttons(layout);
  connect(words_, &QLineEdit::textChanged, this, [this](const QString& words) {
    filter_.set_words(words);
    show_count();
    if (chosen().empty() && filter_.rowCount() > 0) table_->selectRow(0);
    on_chosen();
  });
  show_count();
  if (filter_.rowCount() > 0) table_->selectRow(0);
  on_chosen();
}

QWidget* RunHistoryDialog::make_table() {
  table_->setAccessibleName(tr("Runs"));
  table_->setModel(&filter_);
  table_->setSortingEnabled(true);
  table_->sortByColumn(RunList::kNumber, Qt::DescendingOrder);
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  table_->setShowGrid(false);
  table_->setWordWrap(false);
  table_->setTabKeyNavigation(false);
  table_->verticalHeader()->hide();
  table_->verticalHeader()->setDefaultSectionSize(kRowHeight);
  table_->horizontalHeader()->setHighlightSections(false);
  table_->horizontalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
  table_->horizontalHeader()->setSectionResizeMode(RunList::kQuestion, QHeaderView::Stretch);
  table_->horizontalHeader()->setMinimumSectionSize(48);
  table_->setMinimumWidth(560);
  connect(table_->selectionModel(), &QItemSelectionModel::selectionChanged, this, &RunHistoryDialog::on_chosen);
  connect(table_, &QTableView::doubleClicked, this, [this](const QModelIndex& index) { emit run_activated(list_.at(filter_.mapToSource(index).row()).id); });
  return table_;
}

QWidget* RunHistoryDialog::make_sheet() {
  sheet_->setAccessibleName(tr("What is known of the run"));
  sheet_->setEditTriggers(QAbstractItemView::NoEditTriggers);
  sheet_->setSelectionBehavior(QAbstractItemView::SelectRows);
  sheet_->setShowGrid(false);
  sheet_->setTabKeyNavigation(false);
  sheet_->setWordWrap(true);
  sheet_->verticalHeader()->hide();
  sheet_->verticalHeader()->setSectionResizeMode(QHeaderView::ResizeToContents);
  sheet_->horizontalHeader()->hide();
  sheet_->horizontalHeader()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
  sheet_->horizontalHeader()->setStretchLastSection(true);
  sheet_->setMinimumWidth(280);
  return sheet_;
}

void RunHistoryDialog::make_buttons(QVBoxLayout* layout) {
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
  open_ = buttons->addButton(tr("Open"), QDialogButtonBox::ActionRole);
  open_->setProperty("primary", true);
  compare_ = buttons->addButton(tr("Compare"), QDialogButtonBox::ActionRole);
  compare_->setToolTip(tr("Choose two runs to compare them"));
  QPushButton* save = buttons->addButton(tr("Save the table…"), QDialogButtonBox::ActionRole);
  save->setEnabled(!list_.all().empty());
  layout->addWidget(buttons);
  connect(open_, &QPushButton::clicked, this, [this] { emit run_activated(chosen().front()); });
  connect(compare_, &QPushButton::clicked, this, [this] {
    const auto two = chosen();
    emit compare_requested(two[0], two[1]);
  });
  connect(save, &QPushButton::clicked, this, &RunHistoryDialog::save_table);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
}

void RunHistoryDialog::show_count() {
  const int n = filter_.rowCount();
  const auto all = static_cast<int>(list_.all().size());
  count_->setText(all == 0 ? tr("Nothing has been asked yet") : n == all ? tr("%n run(s)", nullptr, n) : tr("%1 of %n run(s)", nullptr, all).arg(n));
  set_text_color(count_, tokens().ink_soft);
}

std::vector<app::RunId> RunHistoryDialog::chosen() const {
  std::vector<app::RunId> result;
  for (const QModelIndex& index : table_->selectionModel()->selectedRows()) result.push_back(list_.at(filter_.mapToSource(index).row()).id);
  return result;
}

void RunHistoryDialog::on_chosen() {
  const auto ids = chosen();
  open_->setEnabled(ids.size() == 1);
  compare_->setEnabled(ids.size() == 2);
  if (ids.empty()) {
    shown_ = 0;
    sheet_->setRowCount(0);
    return;
  }
  // The one that was clicked last stands in the sheet.
  const QModelIndex current = table_->currentIndex();
  const bool is_current_chosen = current.isValid() && table_->selectionModel()->isRowSelected(current.row());
  const int row = filter_.mapToSource(is_current_chosen ? current : table_->selectionModel()->selectedRows().front()).row();
  if (list_.at(row).id != shown_) show_sheet(list_.at(row));
}

void RunHistoryDialog::show_sheet(const app::Run& run) {
  shown_ = run.id;
  sheet_->setRowCount(0);
  add_row(tr("Question"), QString::fromStdString(run.question));
  const auto facts = app::run_facts(run);
  if (!facts) {
    add_row(tr("Settings"), QString::fromStdString(facts.error().message));
  } else {
    add_row(tr("Model"), QString::fromStdString(facts->model) + QLatin1Char('\n') + QString::fromStdString(facts->model_hash.substr(0, 16)));
    add_row(tr("Device"), QString::fromStdString(facts->device));
    QString sources = tr("%n page(s) and file(s)", nullptr, facts->n_sources);
    if (facts->n_shortened > 0) sources += tr(", %1 of them shortened").arg(facts->n_shortened);
    if (facts->n_earlier > 0) sources += tr(", behind %n earlier turn(s)", nullptr, facts->n_earlier);
    add_row(tr("Sources"), sources);
    QString selection = QString::fromStdString(facts->selection_mode);
    if (facts->top_k > 0) selection += tr(", top %1").arg(grouped(facts->top_k));
    if (facts->keep) selection += tr(", newest tokens and headings kept");
    add_row(tr("Selection"), selection);
    QString sampling = facts->temperature > 0 ? tr("temperature %1, top p %2, seed %3").arg(facts->temperature).arg(facts->top_p).arg(facts->seed) : tr("the likeliest token");
    if (facts->quote_constraint) sampling += tr(", quotes held to the sources");
    add_row(tr("Sampling"), sampling);
    add_row(tr("Thinking"), facts->thinking ? tr("on") : tr("off"));
    add_row(tr("Program"), QStringLiteral("Longleaf ") + QString::fromStdString(facts->program));
  }
  add_row(tr("Asked"), asked_text(run));
  add_row(tr("Prompt"), tr("%1 tokens, %2 of them reused").arg(grouped(run.n_prompt_tokens), grouped(run.n_cached_tokens)));
  add_row(tr("First token"), tr("after %1").arg(duration_text(run.prefill_seconds)));
  add_row(tr("Written"), tr("%1 tokens in %2").arg(grouped(run.n_generated_tokens), duration_text(run.decode_seconds)));
  add_row(tr("Ended"), end_text(run));
  const QPointer<RunHistoryDialog> alive(this);
  coverage_(run.id, [alive, id = run.id](app::Result<app::RunCoverage> coverage) {
    if (alive != nullptr && alive->shown_ == id) alive->show_coverage(coverage);
  });
}

void RunHistoryDialog::show_coverage(const app::Result<app::RunCoverage>& coverage) {
  if (!coverage) {
    add_row(tr("Consulted"), QString::fromStdString(coverage.error().message));
    return;
  }
  if (!coverage->sparse) {
    add_row(tr("Consulted"), tr("Nothing was sparse: every token saw all keys"));
    return;
  }
  add_row(tr("Consulted"), tr("%1 of %2 pages and files while writing").arg(coverage->n_consulted).arg(coverage->n_parts));
  add_row(tr("Not consulted"), tr("%1 of %2 source tokens").arg(grouped(coverage->n_unread_tokens), grouped(coverage->n_tokens)));
  if (coverage->recall) add_row(tr("Recall"), tr("%1 % of dense attention kept, on sampled queries").arg(*coverage->recall * 100, 0, 'f', 1));
}

void RunHistoryDialog::add_row(const QString& name, const QString& value) {
  const int row = sheet_->rowCount();
  sheet_->insertRow(row);
  auto* label = new QTableWidgetItem(name);
  label->setForeground(tokens().ink_soft);
  label->setTextAlignment(Qt::AlignLeft | Qt::AlignTop);
  auto* text = new QTableWidgetItem(value);
  text->setTextAlignment(Qt::AlignLeft | Qt::AlignTop);
  text->setToolTip(value);
  sheet_->setItem(row, 0, label);
  sheet_->setItem(row, 1, text);
}

QString RunHistoryDialog::sheet_text() const {
  QStringList lines;
  for (int row = 0; row < sheet_->rowCount(); ++row) lines << sheet_->item(row, 0)->text() + QStringLiteral(": ") + sheet_->item(row, 1)->text();
  return lines.join(QLatin1Char('\n'));
}

void RunHistoryDialog::save_table() {
  const QString path = QFileDialog::getSaveFileName(this, tr("Save the table of runs"), QStringLiteral("runs.csv"), tr("Table (*.csv)"));
  if (path.isEmpty()) return;
  const QByteArray table = QByteArray::fromStdString(app::runs_csv(list_.all()));
  QSaveFile file(path);
  if (file.open(QIODevice::WriteOnly) && file.write(table) == table.size() && file.commit()) emit message(tr("The table is in %1.").arg(path));
  else emit message(tr("The table could not be written to %1: %2. Is there room, and may this folder be written to?").arg(path, file.errorString()));
}

}  // namespace ui
