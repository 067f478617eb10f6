#include "ui/trace/table_window.h"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QSaveFile>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QVBoxLayout>

#include "ui/trace/background_future.h"

namespace ui {

namespace {

constexpr int kMostColumn = 420;  // pixels, for texts

/// The fields of one line; quoted ones hold doubled quotes.
QStringList fields_of(const QString& line) {
  QStringList fields(QString{});
  bool quoted = false;
  for (qsizetype i = 0; i < line.size(); ++i) {
    const QChar c = line[i];
    if (quoted && c == QLatin1Char('"') && i + 1 < line.size() && line[i + 1] == c) fields.back() += line[++i];
    else if (c == QLatin1Char('"')) quoted = !quoted;
    else if (c == QLatin1Char(',') && !quoted) fields.append(QString());
    else fields.back() += c;
  }
  return fields;
}

}  // namespace

void CsvModel::set_csv(const QByteArray& csv) {
  beginResetModel();
  names_.clear();
  rows_.clear();
  for (const QString& line : QString::fromUtf8(csv).split(QLatin1Char('\n'), Qt::SkipEmptyParts)) {
    if (names_.isEmpty()) {
      for (QString& name : fields_of(line)) names_.append(name.replace(QLatin1Char('_'), QLatin1Char(' ')));
    } else {
      rows_.push_back(fields_of(line));
    }
  }
  endResetModel();
}

QVariant CsvModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const QString text = rows_[static_cast<std::size_t>(index.row())].value(index.column());
  bool is_number = false;
  const double number = text.toDouble(&is_number);
  if (role == Qt::DisplayRole || role == Qt::ToolTipRole) return role == Qt::ToolTipRole ? text.toHtmlEscaped() : text;
  if (role == Qt::UserRole) return is_number ? QVariant(number) : QVariant(text);  // to sort by
  if (role == Qt::TextAlignmentRole) return static_cast<int>((is_number ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
  return {};
}

QVariant CsvModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal) return {};
  if (role == Qt::DisplayRole) return names_.value(section);
  if (role == Qt::TextAlignmentRole && !rows_.empty()) return data(index(0, section), role);
  return {};
}

TableWindow::TableWindow(QWidget* parent)
    : QDialog(parent), which_(new QComboBox(this)), note_(new QLabel(this)), model_(new CsvModel(this)), view_(new QTableView(this)) {
  setWindowTitle(tr("Tables of the selection"));
  resize(760, 520);
  auto* layout = new QVBoxLayout(this);
  which_->setAccessibleName(tr("Table"));
  for (const app::TraceTable table : app::trace_tables()) which_->addItem(name_of(table));
  note_->setTextFormat(Qt::PlainText);
  auto* head = new QHBoxLayout;
  head->addWidget(which_);
  head->addWidget(note_, 1);
  layout->addLayout(head);
  auto* sorted = new QSortFilterProxyModel(this);
  sorted->setSourceModel(model_);
  sorted->setSortRole(Qt::UserRole);
  view_->setModel(sorted);
  view_->setAccessibleName(tr("Table"));
  view_->setSortingEnabled(true);
  view_->sortByColumn(-1, Qt::AscendingOrder);
  view_->setShowGrid(false);
  view_->setWordWrap(false);
  view_->setSelectionBehavior(QAbstractItemView::SelectRows);
  view_->verticalHeader()->hide();
  view_->horizontalHeader()->setStretchLastSection(true);
  layout->addWidget(view_, 1);
  auto* buttons = new QHBoxLayout;
  auto* copy = new QPushButton(tr("Copy"), this);
  auto* save_button = new QPushButton(tr("Save as CSV\u2026"), this);
  auto* close = new QPushButton(tr("Close"), this);
  buttons->addWidget(copy);
  buttons->addWidget(save_button);
  buttons->addStretch(1);
  buttons->addWidget(close);
  layout->addLayout(buttons);
  connect(which_, &QComboBox::currentIndexChanged, this, &TableWindow::refresh);
  connect(copy, &QPushButton::clicked, this, [this] { QApplication::clipboard()->setText(QString::fromUtf8(csv_)); });
  connect(save_button, &QPushButton::clicked, this, &TableWindow::save);
  connect(close, &QPushButton::clicked, this, &QDialog::close);
  connect(&watcher_, &QFutureWatcherBase::finished, this, &TableWindow::take);
}

QString TableWindow::name_of(app::TraceTable table) {
  switch (table) {
    case app::TraceTable::kPassages: return tr("Passages, most selected first");
    case app::TraceTable::kSources: return tr("Pages and files, by question, thinking and answer");
    case app::TraceTable::kMap: return tr("The map, source by source");
    case app::TraceTable::kLayers: return tr("Layers, by page and file");
    case app::TraceTable::kDistance: return tr("Distance between query and key");
    case app::TraceTable::kRecall: return tr("Dense attention kept, by layer");
    case app::TraceTable::kAgreement: return tr("Agreement of layers, and what they would share");
    case app::TraceTable::kDifferences: return tr("Difference to the compared run");
  }
  return {};
}

void TableWindow::choose(app::TraceTable table) { which_->setCurrentIndex(static_cast<int>(table)); }

void TableWindow::show_run(std::shared_ptr<const app::RunTrace> run, const app::TableOptions& options) {
  run_ = std::move(run);
  options_ = options;
  refresh();
}

void TableWindow::refresh() {
  if (run_ == nullptr) {
    csv_.clear();
    model_->set_csv({});
    note_->clear();
    return;
  }
  note_->setText(tr("Counting\u2026"));
  const app::TraceTable table = app::trace_tables()[static_cast<std::size_t>(which_->currentIndex())];
  watcher_.setFuture(run_in_pool([run = run_, options = options_, table] { return QByteArray::fromStdString(app::trace_table(*run, table, options)); }));
}

void TableWindow::take() {
  if (run_ == nullptr || watcher_.future().resultCount() == 0) return;
  csv_ = watcher_.result();
  model_->set_csv(csv_);
  const bool needs_other = which_->currentIndex() == static_cast<int>(app::TraceTable::kDifferences) && options_.compared == nullptr;
  note_->setText(needs_other               ? tr("Choose a run under Compare first.")
                 : !run_->trace->sparse()  ? tr("Nothing was sparse in this run: every key was selected.")
                 : model_->rowCount() == 0 ? tr("Nothing was recorded for this.")
                                           : tr("%1 rows. Selected, not necessarily used.").arg(model_->rowCount()));
  view_->resizeColumnsToContents();
  for (int column = 0; column < model_->columnCount(); ++column) view_->setColumnWidth(column, std::min(kMostColumn, view_->columnWidth(column) + 16));
  emit ready();
}

void TableWindow::save() {
  auto* dialog = new QFileDialog(this, tr("Save the table"), QString(), tr("Table (*.csv)"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(QStringLiteral("csv"));
  connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
    QSaveFile file(path);
    const bool written = file.open(QIODevice::WriteOnly) && file.write(csv_) == csv_.size() && file.commit();
    note_->setText(written ? tr("Wrote %1").arg(path) : tr("%1 could not be written: is there room, and may you write there?").arg(path));
  });
  dialog->open();
}

}  // namespace ui
