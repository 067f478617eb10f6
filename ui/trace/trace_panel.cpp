#include "ui/trace/trace_panel.h"

#include <QLabel>
#include <QLocale>
#include <QSplitter>
#include <QTabWidget>
#include <QVBoxLayout>

#include "ui/trace/answer_tokens.h"
#include "ui/trace/consulted_list.h"
#include "ui/trace/experiment_view.h"
#include "ui/trace/layer_grid.h"
#include "ui/trace/layer_strip.h"
#include "ui/trace/map_controls.h"
#include "ui/trace/measures_view.h"
#include "ui/trace/selection_map.h"
#include "ui/trace/table_window.h"
#include "ui/trace/trace_player.h"
#include "ui/trace/unread_list.h"

namespace ui {

TracePanel::TracePanel(QWidget* parent)
    : QWidget(parent), controls_(new MapControls(this)), map_(new SelectionMap(this)), consulted_(new ConsultedList(this)),
      tokens_(new AnswerTokens(this)), layers_(new LayerStrip(this)), player_(new TracePlayer(this)), unread_(new UnreadList(this)),
      measures_(new MeasuresView(this)), grid_(new LayerGrid(this)), experiments_(new ExperimentView(this)), tabs_(new QTabWidget(this)),
      status_(new QLabel(this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(controls_);
  auto* outer = new QSplitter(Qt::Vertical, this);
  outer->addWidget(layers_);
  outer->addWidget(map_);
  outer->addWidget(make_lower());
  outer->setStretchFactor(0, 0);
  outer->setStretchFactor(1, 4);
  outer->setStretchFactor(2, 3);
  outer->setChildrenCollapsible(true);
  layout->addWidget(outer, 1);
  layout->addWidget(player_);
  status_->setTextFormat(Qt::PlainText);
  status_->setContentsMargins(12, 2, 12, 4);
  status_->setMinimumHeight(24);
  status_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  layout->addWidget(status_);
  connect_controls();
  connect_views();
  connect_experiments();
  make_export_menu();
  set_run(nullptr);
}

TracePanel::~TracePanel() = default;

QWidget* TracePanel::make_lower() {
  auto* reading = new QSplitter(Qt::Horizontal, tabs_);
  reading->addWidget(tokens_);
  reading->addWidget(consulted_);
  reading->setStretchFactor(0, 1);
  reading->setStretchFactor(1, 2);
  tabs_->setAccessibleName(tr("Ways to look at the selection"));
  tabs_->setDocumentMode(true);
  tabs_->addTab(reading, tr("Consulted"));
  tabs_->addTab(unread_, tr("Not consulted"));
  tabs_->addTab(measures_, tr("Measures"));
  tabs_->addTab(grid_, tr("Layers"));
  tabs_->addTab(experiments_, tr("What if"));
  return tabs_;
}

void TracePanel::connect_controls() {
  connect(controls_, &MapControls::options_changed, this, &TracePanel::apply_options);
  connect(controls_, &MapControls::style_changed, this, &TracePanel::apply_style);
  connect(controls_, &MapControls::whole_map_requested, map_, &SelectionMap::show_all);
  connect(controls_, &MapControls::compare_menu_opened, this, &TracePanel::compare_menu_opened);
  connect(controls_, &MapControls::compare_requested, this, &TracePanel::compare_requested);
  connect(controls_, &MapControls::compare_ended, this, [this] { set_compared(nullptr); });
}

void TracePanel::connect_views() {
  connect(map_, &SelectionMap::hovered, this, &TracePanel::say);
  connect(layers_, &LayerStrip::hovered, this, &TracePanel::say);
  connect(measures_, &MeasuresView::hovered, this, &TracePanel::say);
  connect(grid_, &LayerGrid::hovered, this, &TracePanel::say);
  connect(map_, &SelectionMap::token_selected, this, [this](qint64 token) { choose(token, token + 1); });
  connect(tokens_, &AnswerTokens::tokens_selected, this, &TracePanel::choose);
  connect(player_, &TracePlayer::token_changed, this, [this](qint64 token) { choose(token, token + 1); });
  connect(layers_, &LayerStrip::layer_selected, this, &TracePanel::set_layer);
  connect(measures_, &MeasuresView::layer_selected, this, &TracePanel::set_layer);
  connect(grid_, &LayerGrid::layer_selected, this, &TracePanel::set_layer);
  connect(map_, &SelectionMap::source_activated, this, &TracePanel::source_activated);
  connect(consulted_, &ConsultedList::source_activated, this, &TracePanel::source_activated);
  connect(unread_, &UnreadList::source_activated, this, &TracePanel::source_activated);
  connect(consulted_, &ConsultedList::keys_marked, map_, &SelectionMap::mark_keys);
  connect(consulted_, &ConsultedList::phase_chosen, this, &TracePanel::show_phase);
  connect(unread_, &UnreadList::ask_again, this, &TracePanel::ask_again);
}

void TracePanel::connect_experiments() {
  connect(consulted_, &ConsultedList::pin_requested, this, [this](const std::vector<std::size_t>& blocks) {
    experiments_->pin(blocks);
    tabs_->setCurrentWidget(experiments_);
  });
  connect(consulted_, &ConsultedList::mute_requested, this, [this](const std::vector<std::size_t>& blocks) {
    experiments_->mute(blocks);
    tabs_->setCurrentWidget(experiments_);
  });
  connect(experiments_, &ExperimentView::difference_requested, this,
          [this](const std::shared_ptr<const app::RunTrace>& first, const std::shared_ptr<const app::RunTrace>& second) {
            // Both trials were made a moment ago from one prompt: the first takes the place of the saved run.
            map_->set_run(first);
            set_compared(second, tr("what was tried"));
          });
}

void TracePanel::set_comparable(const QList<QPair<qint64, QString>>& runs) { controls_->set_comparable(runs, map_->compared() != nullptr); }

void TracePanel::set_compared(std::shared_ptr<const app::RunTrace> compared, const QString& name) {
  if (compared == nullptr) map_->set_run(run_);
  map_->set_compared(std::move(compared));
  say(map_->compared() == nullptr ? QString() : tr("The map shows %1 minus the run as it was asked.").arg(name));
}

void TracePanel::set_run(std::shared_ptr<const app::RunTrace> run) {
  run_ = std::move(run);
  controls_->set_layers(run_ == nullptr ? 0 : run_->trace->n_layers);
  tokens_->set_run(run_);
  layers_->set_run(run_);
  player_->set_run(run_);
  unread_->set_run(run_);
  measures_->set_run(run_);
  grid_->set_run(run_);
  experiments_->set_run(run_);
  consulted_->set_run(run_);
  map_->set_run(run_);
  say({});
  apply_options();
  apply_style();
  if (run_ != nullptr) show_phase();
}

void TracePanel::apply_options() {
  const app::MatrixOptions options = controls_->matrix_options();
  map_->set_options(options);
  layers_->mark_layer(options.layer);
  grid_->set_options(options);
  grid_->mark_layer(options.layer);
  if (run_ == nullptr) return;
  app::HeatScope scope = controls_->scope();
  scope.phase = consulted_->scope().phase;
  scope.tokens = consulted_->scope().tokens;
  set_scope(scope);
}

void TracePanel::apply_style() {
  map_->set_logarithmic(controls_->logarithmic());
  map_->set_scale(controls_->scale());
  layers_->set_scale(controls_->scale());
  grid_->set_style(controls_->scale(), controls_->logarithmic());
}

void TracePanel::say(const QString& text) {
  status_->setText(text.isEmpty() ? record_text() : text);
  status_->setToolTip(status_->text());
}

QString TracePanel::record_text() const {
  if (run_ == nullptr) return {};
  const engine::SelectionTrace& trace = *run_->trace;
  const QString size = QLocale().formattedDataSize(trace.bytes(), 1);
  if (!trace.sparse()) {
    return trace.top_k > 0 ? tr("Nothing is sparse in this run: up to %1 visible keys every key is selected. Recorded: %2.").arg(QString::number(trace.top_k), size)
                           : tr("Nothing is sparse in this run: this model selects every key. Recorded: %1.").arg(size);
  }
  const std::int64_t n_exact = trace.exact.empty() ? 0 : trace.exact.back().token - trace.exact.front().token + 1;
  const QString grain = n_exact > 0 ? tr("blocks of %1 keys, the newest %2 tokens exactly").arg(engine::kTraceBlock).arg(n_exact) : tr("blocks of %1 keys").arg(engine::kTraceBlock);
  return tr("At most %1 of %2 keys per query. Recorded: %3, %4.").arg(QString::number(trace.top_k), QString::number(trace.n_prompt_tokens), grain, size);
}

void TracePanel::set_layer(int layer) { controls_->set_layer(layer); }

void TracePanel::show_phase() {
  if (run_ == nullptr) return;
  map_->mark_tokens(0, 0);
  tokens_->mark(0, 0);
  set_scope(consulted_->phase_scope(controls_->scope()));
}

void TracePanel::set_scope(const app::HeatScope& scope) {
  consulted_->set_scope(scope);
  layers_->set_scope(scope);
  if (tables_ != nullptr) show_tables();
  emit scope_changed(scope);
}

void TracePanel::choose(qint64 begin, qint64 end) {
  if (run_ == nullptr) return;
  select_tokens(begin, end);
  if (end == begin + 1) emit token_selected(begin);
  emit tokens_selected(begin, end);
}

void TracePanel::select_tokens(qint64 begin, qint64 end) {
  if (run_ == nullptr) return;
  app::HeatScope scope = controls_->scope();
  scope.tokens = engine::TokenRange{begin, end};
  set_scope(scope);
  map_->mark_tokens(begin, end);
  tokens_->mark(begin, end);
  player_->show_token(begin);
}

void TracePanel::show_live(qint64 n_prompt_tokens, qint64 token, std::span<const engine::BlockSet> layers) {
  layers_->show_live(n_prompt_tokens, token, layers);
}

void TracePanel::select_source(qint64 part, quint32 begin, quint32 end) {
  if (run_ == nullptr) return;
  qint64 first = 0;
  qint64 last = 0;
  for (const app::PromptBlock& block : run_->map.blocks) {
    if (block.part != part || block.end <= begin || block.begin >= end) continue;
    if (last == 0) first = block.first_token;
    last = block.last_token;
  }
  map_->mark_keys(first, last);
}

}  // namespace ui
