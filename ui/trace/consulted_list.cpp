#include "ui/trace/consulted_list.h"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QMenu>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QTableView>
#include <QVBoxLayout>

#include "app/heatmap/trace_tables.h"
#include "ui/trace/background_future.h"
#include "ui/trace/heat_theme.h"

namespace ui {

namespace {

constexpr std::size_t kMostRows = 500;

QString one_line(const std::string& text) { return QString::fromStdString(text).simplified(); }

QString share_text(double weight) { return QString::number(weight * 100, 'f', weight < 0.1 ? 1 : 0) + QStringLiteral("\u2009%"); }

/// A bar in the colours of heat under the number.
class ShareDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override {
    QStyledItemDelegate::paint(painter, option, index);
    const auto* model = static_cast<const ConsultedModel*>(index.model());
    if (model->heaviest() <= 0) return;
    const double weight = model->span(index.row()).weight;
    const QRectF track = QRectF(option.rect).adjusted(6, option.rect.height() - 6, -6, -3);
    const double position = app::heat_position(weight, model->heaviest(), true);
    painter->fillRect(QRectF(track.left(), track.top(), std::max(2.0, track.width() * weight / model->heaviest()), track.height()),
                      to_color(app::heat_color(position, app::HeatScale::kCividis, theme_of(option.palette))));
  }
};

/// "report.pdf, p. 14": what tells two sources apart stands at the end, so the middle is left out.
class SourceDelegate : public QStyledItemDelegate {
 public:
  using QStyledItemDelegate::QStyledItemDelegate;

 protected:
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override {
    QStyledItemDelegate::initStyleOption(option, index);
    option->textElideMode = Qt::ElideMiddle;
  }
};

/// Entries of the box, in its order.
enum Whose { kWritten, kThinking, kAnswer, kThinkingOnly, kReading, kQuestion, kChosen };

}  // namespace

void ConsultedModel::set(std::shared_ptr<const app::RunTrace> run, std::vector<app::SpanHeat> spans) {
  beginResetModel();
  run_ = std::move(run);
  spans_ = std::move(spans);
  endResetModel();
}

int ConsultedModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : static_cast<int>(spans_.size()); }

int ConsultedModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumnCount; }

QVariant ConsultedModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const app::SpanHeat& heat = span(index.row());
  if (role == Qt::TextAlignmentRole && index.column() != kSource && index.column() != kText) {
    return static_cast<int>(Qt::AlignRight | Qt::AlignVCenter);
  }
  if (role == Qt::ToolTipRole && index.column() == kText) {
    return QString::fromStdString(run_->block_texts[heat.block]).toHtmlEscaped();
  }
  if (role != Qt::DisplayRole) return {};
  switch (index.column()) {
    case kRank: return heat.rank;
    case kSource: return QString::fromStdString(run_->label(block(index.row())));
    // Not every line of the prompt stands in a source: some name the page or file that follows.
    case kText: return run_->block_texts[heat.block].empty() ? tr("(the prompt\u2019s heading of this page or file)") : one_line(run_->block_texts[heat.block]);
    case kShare: return share_text(heat.weight);
    case kLayers: return heat.n_layers;
    default: return {};
  }
}

QVariant ConsultedModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation == Qt::Horizontal && role == Qt::TextAlignmentRole) {
    const bool text = section == kSource || section == kText;
    return static_cast<int>((text ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
  }
  if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
  switch (section) {
    case kRank: return tr("Rank");
    case kSource: return tr("Source");
    case kText: return tr("Text");
    case kShare: return tr("Selected");
    case kLayers: return tr("Layers");
    default: return {};
  }
}

ConsultedList::ConsultedList(QWidget* parent)
    : QWidget(parent), model_(new ConsultedModel(this)), phase_(new QComboBox(this)), table_(new QTableView(this)), note_(new QLabel(this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(8, 4, 0, 0);
  layout->setSpacing(4);
  phase_->setAccessibleName(tr("Whose selections"));
  phase_->addItems({tr("Thinking and answer"), tr("Thinking"), tr("Answer"), tr("Thinking, not the answer"), tr("Reading the prompt"), tr("The question")});
  phase_->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
  phase_->setMinimumContentsLength(16);
  note_->setTextFormat(Qt::PlainText);
  note_->setWordWrap(true);
  auto* head = new QHBoxLayout;
  head->addWidget(phase_);
  head->addWidget(note_, 1);
  layout->addLayout(head);
  layout->addWidget(table_, 1);
  table_->setModel(model_);
  table_->setAccessibleName(tr("Consulted sources"));
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setSelectionMode(QAbstractItemView::ExtendedSelection);
  table_->setShowGrid(false);
  table_->setWordWrap(false);
  table_->setFrameShape(QFrame::NoFrame);
  table_->verticalHeader()->hide();
  table_->verticalHeader()->setDefaultSectionSize(26);
  table_->setMinimumHeight(26 * 3);
  table_->setItemDelegateForColumn(ConsultedModel::kSource, new SourceDelegate(table_));
  table_->setItemDelegateForColumn(ConsultedModel::kShare, new ShareDelegate(table_));
  QHeaderView* header = table_->horizontalHeader();
  header->setHighlightSections(false);
  header->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
  header->setSectionResizeMode(ConsultedModel::kText, QHeaderView::Stretch);
  table_->setColumnWidth(ConsultedModel::kRank, 48);
  table_->setColumnWidth(ConsultedModel::kSource, 132);
  table_->setColumnWidth(ConsultedModel::kShare, 76);
  table_->setColumnWidth(ConsultedModel::kLayers, 60);
  connect(table_, &QTableView::activated, this, [this](const QModelIndex& index) {
    const app::PromptBlock& block = model_->block(index.row());
    emit source_activated(block.part, block.begin, block.end);
  });
  connect(table_->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& index) {
    if (!index.isValid()) return;
    const app::PromptBlock& block = model_->block(index.row());
    emit keys_marked(block.first_token, block.last_token);
  });
  connect(phase_, &QComboBox::activated, this, &ConsultedList::phase_chosen);
  table_->setContextMenuPolicy(Qt::CustomContextMenu);
  connect(table_, &QTableView::customContextMenuRequested, this, &ConsultedList::show_menu);
  connect(&watcher_, &QFutureWatcherBase::finished, this, [this] {
    if (run_ != nullptr && watcher_.future().resultCount() > 0) show_ranking(watcher_.result());
  });
  refresh();
}

std::vector<std::size_t> ConsultedList::chosen_blocks() const {
  std::vector<std::size_t> blocks;
  for (const QModelIndex& index : table_->selectionModel()->selectedRows()) blocks.push_back(model_->span(index.row()).block);
  return blocks;
}

void ConsultedList::show_menu(const QPoint& at) {
  const std::vector<std::size_t> blocks = chosen_blocks();
  if (blocks.empty()) return;
  auto* menu = new QMenu(this);
  menu->setAttribute(Qt::WA_DeleteOnClose);
  menu->addAction(tr("Pin: every token selects it"), this, [this, blocks] { emit pin_requested(blocks); });
  menu->addAction(tr("Mute: no token selects it"), this, [this, blocks] { emit mute_requested(blocks); });
  menu->addSeparator();
  menu->addAction(tr("Copy the table as CSV"), this, [this] {
    if (run_ != nullptr) QApplication::clipboard()->setText(QString::fromStdString(app::trace_table(*run_, app::TraceTable::kPassages, {.scope = scope_})));
  });
  menu->popup(table_->viewport()->mapToGlobal(at));
}

void ConsultedList::set_run(std::shared_ptr<const app::RunTrace> run) {
  run_ = std::move(run);
  scope_ = {};
  phase_->setCurrentIndex(kWritten);
  phase_->setEnabled(run_ != nullptr);
  refresh();
}

void ConsultedList::set_scope(const app::HeatScope& scope) {
  scope_ = scope;
  const bool chosen = scope.tokens && scope.phase == app::HeatPhase::kGenerated;
  if (chosen && phase_->count() == kChosen) phase_->addItem(tr("The chosen words"));
  if (!chosen && phase_->count() > kChosen) phase_->removeItem(kChosen);
  if (chosen) phase_->setCurrentIndex(kChosen);
  refresh();
}

app::HeatScope ConsultedList::phase_scope(app::HeatScope scope) const {
  scope.tokens.reset();
  switch (phase_->currentIndex()) {
    case kThinking: scope.phase = app::HeatPhase::kThinking; break;
    case kAnswer: scope.phase = app::HeatPhase::kAnswer; break;
    case kThinkingOnly: scope.phase = app::HeatPhase::kThinkingOnly; break;
    case kReading: scope.phase = app::HeatPhase::kPrefill; break;
    case kQuestion:
      scope.phase = app::HeatPhase::kPrefill;
      if (run_ != nullptr) scope.tokens = run_->map.question;
      break;
    case kChosen: scope.tokens = scope_.tokens; break;
    default: break;
  }
  return scope;
}

void ConsultedList::refresh() {
  if (run_ == nullptr) {
    model_->set(nullptr, {});
    note_->setText(tr("Choose words of the answer to see which sources they selected."));
    return;
  }
  // A long prompt and many layers take a good part of a second to add up.
  watcher_.setFuture(run_in_pool([run = run_, scope = scope_] {
    const app::KeyHeat heat = app::make_key_heat(*run->trace, scope);
    Ranking ranking;
    if (heat.sparse) ranking.spans = app::rank_spans(heat, run->map, kMostRows);
    ranking.n_queries = heat.n_queries;
    ranking.granularity = heat.granularity;
    ranking.sparse = heat.sparse;
    return ranking;
  }));
}

void ConsultedList::show_ranking(const Ranking& ranking) {
  model_->set(run_, ranking.spans);
  if (ranking.n_queries == 0) {
    const bool passed_over = scope_.phase == app::HeatPhase::kPrefill && scope_.layer >= 0 && !run_->trace->computed(scope_.layer);
    note_->setText(passed_over ? tr("Layer %1 was not computed while the prompt was read: only its last token was needed.").arg(scope_.layer + 1)
                               : tr("Nothing was recorded for these tokens."));
  } else if (!ranking.sparse) {
    note_->setText(run_->trace->top_k > 0
                       ? tr("Dense here: up to %1 visible tokens every key is selected, so no source stands out.").arg(run_->trace->top_k)
                       : tr("This model selects every key, so no source stands out."));
  } else {
    const QString grain = ranking.granularity == 1 ? tr("token by token") : tr("in blocks of %1 tokens").arg(ranking.granularity);
    const QString who = ranking.n_queries == 1 ? tr("1 token") : tr("%1 tokens").arg(ranking.n_queries);
    note_->setText(tr("%1, %2. Selected, not necessarily used.").arg(who, grain));
  }
  emit ready();
}

}  // namespace ui
