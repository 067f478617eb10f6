#include "ui/trace/trace_panel.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QSignalBlocker>
#include <QSlider>
#include <QSplitter>
#include <QTabWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include <fstream>

#include "app/heatmap/layer_thumbnails.h"
#include "app/heatmap/map_image.h"
#include "app/heatmap/measures.h"
#include "ui/trace/answer_tokens.h"
#include "ui/trace/background_future.h"
#include "ui/trace/consulted_list.h"
#include "ui/trace/experiment_view.h"
#include "ui/trace/heat_theme.h"
#include "ui/trace/layer_grid.h"
#include "ui/trace/layer_strip.h"
#include "ui/trace/measures_view.h"
#include "ui/trace/selection_map.h"
#include "ui/trace/trace_player.h"
#include "ui/trace/unread_list.h"

namespace ui {

namespace {

constexpr std::int64_t kNewestTokens = 256;

/// The table that `kind` names; the map's own by default.
std::string table_of(const app::RunTrace& run, const app::MapImageOptions& options, const app::HeatScope& scope, const QString& kind) {
  if (kind == QLatin1String("layers")) return app::layers_csv(run, scope);
  if (kind == QLatin1String("spans")) return app::spans_csv(run, scope);
  if (kind == QLatin1String("distance")) return app::distance_csv(app::distance_profile(*run.trace, scope));
  if (kind == QLatin1String("agreement")) return app::agreement_csv(app::layer_agreement(*run.trace, scope));
  return app::map_csv(run, options.matrix);
}

/// Empty when `path` was written, else what went wrong.
QString write_map(const app::RunTrace& run, const app::MapImageOptions& options, const app::HeatScope& scope, const QString& kind, const QString& path) {
  std::string bytes;
  if (path.endsWith(QStringLiteral(".csv"), Qt::CaseInsensitive)) {
    bytes = table_of(run, options, scope, kind);
  } else if (path.endsWith(QStringLiteral(".svg"), Qt::CaseInsensitive)) {
    bytes = app::figure_to_svg(app::map_figure(run, options));
  } else {
    auto png = app::figure_to_png(app::map_figure(run, options), /*scale=*/2.0);
    if (!png) return QString::fromStdString(png.error().message);
    bytes = std::move(*png);
  }
  std::ofstream file(path.toStdString(), std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  return file ? QString() : TracePanel::tr("%1 could not be written: is there room, and may you write there?").arg(path);
}

}  // namespace

TracePanel::TracePanel(QWidget* parent)
    : QWidget(parent), map_(new SelectionMap(this)), consulted_(new ConsultedList(this)), tokens_(new AnswerTokens(this)),
      layers_(new LayerStrip(this)), player_(new TracePlayer(this)), unread_(new UnreadList(this)), measures_(new MeasuresView(this)),
      grid_(new LayerGrid(this)), experiments_(new ExperimentView(this)) {
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  layout->addWidget(make_controls());

  auto* lower = new QSplitter(Qt::Horizontal, this);
  lower->addWidget(tokens_);
  auto* right = new QWidget(lower);
  auto* right_layout = new QVBoxLayout(right);
  right_layout->setContentsMargins(8, 4, 0, 0);
  right_layout->setSpacing(4);
  phase_ = new QComboBox(right);
  phase_->setAccessibleName(tr("Whose selections"));
  phase_->addItems({tr("Thinking and answer"), tr("Thinking"), tr("Answer"), tr("Reading the prompt"), tr("The question")});
  right_layout->addWidget(phase_, 0, Qt::AlignLeft);
  right_layout->addWidget(consulted_, 1);
  tabs_ = new QTabWidget(lower);
  QTabWidget* const tabs = tabs_;
  tabs->setAccessibleName(tr("Ways to look at the selection"));
  tabs->setDocumentMode(true);
  tabs->addTab(right, tr("Consulted"));
  tabs->addTab(unread_, tr("Not consulted"));
  tabs->addTab(measures_, tr("Measures"));
  tabs->addTab(grid_, tr("Layers"));
  tabs->addTab(experiments_, tr("What if"));
  lower->addWidget(tabs);
  lower->setStretchFactor(0, 2);
  lower->setStretchFactor(1, 3);

  auto* outer = new QSplitter(Qt::Vertical, this);
  outer->addWidget(layers_);
  outer->addWidget(map_);
  outer->addWidget(lower);
  outer->setStretchFactor(0, 0);
  outer->setStretchFactor(1, 3);
  outer->setStretchFactor(2, 2);
  outer->setChildrenCollapsible(true);
  layout->addWidget(outer, 1);
  layout->addWidget(player_);

  status_ = new QLabel(this);
  status_->setTextFormat(Qt::PlainText);
  status_->setContentsMargins(16, 4, 16, 4);
  status_->setMinimumHeight(28);
  status_->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
  layout->addWidget(status_);

  connect(map_, &SelectionMap::hovered, status_, &QLabel::setText);
  connect(map_, &SelectionMap::token_selected, this, [this](qint64 token) { choose(token, token + 1); });
  connect(map_, &SelectionMap::source_activated, this, &TracePanel::source_activated);
  connect(tokens_, &AnswerTokens::tokens_selected, this, [this](qint64 begin, qint64 end) { choose(begin, end); });
  connect(consulted_, &ConsultedList::source_activated, this, &TracePanel::source_activated);
  connect(consulted_, &ConsultedList::keys_marked, map_, &SelectionMap::mark_keys);
  connect(phase_, &QComboBox::activated, this, [this] { show_phase(); });
  connect(layers_, &LayerStrip::layer_selected, this, &TracePanel::set_layer);
  connect(layers_, &LayerStrip::hovered, status_, &QLabel::setText);
  connect(measures_, &MeasuresView::layer_selected, this, &TracePanel::set_layer);
  connect(measures_, &MeasuresView::hovered, status_, &QLabel::setText);
  connect(grid_, &LayerGrid::layer_selected, this, &TracePanel::set_layer);
  connect(grid_, &LayerGrid::hovered, status_, &QLabel::setText);
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
  connect(unread_, &UnreadList::ask_again, this, &TracePanel::ask_again);
  connect(unread_, &UnreadList::source_activated, this, &TracePanel::source_activated);
  connect(player_, &TracePlayer::token_changed, this, [this](qint64 token) { choose(token, token + 1); });
  connect(&export_, &QFutureWatcherBase::finished, this, [this] {
    if (export_.future().resultCount() == 0) return;
    const QString error = export_.result();
    const QString path = export_.property("path").toString();
    status_->setText(error.isEmpty() ? tr("Wrote %1").arg(path) : error);
    emit exported(path, error);
  });
  set_run(nullptr);
}

QWidget* TracePanel::make_controls() {
  auto* bar = new QWidget(this);
  auto* layout = new QHBoxLayout(bar);
  layout->setContentsMargins(16, 8, 16, 4);
  layout->setSpacing(8);
  rows_ = new QComboBox(bar);
  rows_->setAccessibleName(tr("Rows of the map"));
  rows_->addItems({tr("Prompt"), tr("Answer")});
  mix_ = new QComboBox(bar);
  mix_->setAccessibleName(tr("How layers are combined"));
  mix_->addItems({tr("Mean"), tr("Highest"), tr("Any")});
  layer_ = new QSlider(Qt::Horizontal, bar);
  layer_->setAccessibleName(tr("Layer"));
  layer_->setMinimumWidth(120);
  layer_->setRange(-1, -1);
  layer_->setPageStep(4);
  layer_label_ = new QLabel(bar);
  layer_label_->setMinimumWidth(96);
  logarithmic_ = new QCheckBox(tr("Log scale"), bar);
  logarithmic_->setChecked(true);
  without_sink_ = new QCheckBox(tr("Hide first"), bar);
  without_sink_->setToolTip(tr("Leaves out the first block (the sink), which nearly every query selects."));
  without_newest_ = new QCheckBox(tr("Hide newest"), bar);
  without_newest_->setToolTip(tr("Leaves out the %1 newest tokens before each query, which nearly every query selects.").arg(kNewestTokens));
  scale_ = new QComboBox(bar);
  scale_->setAccessibleName(tr("Colours"));
  scale_->addItems({tr("Cividis"), tr("Magma")});
  scale_->setToolTip(tr("Both scales keep their order for colour-blind readers."));
  compare_ = new QToolButton(bar);
  compare_->setText(tr("Compare"));
  compare_->setToolTip(tr("Subtracts the map of another run over the same prompt."));
  compare_->setPopupMode(QToolButton::InstantPopup);
  compare_menu_ = new QMenu(compare_);
  compare_->setMenu(compare_menu_);
  connect(compare_menu_, &QMenu::aboutToShow, this, &TracePanel::compare_menu_opened);
  auto* fit = new QToolButton(bar);
  fit->setText(tr("Whole map"));
  for (QWidget* widget : std::initializer_list<QWidget*>{rows_, mix_, layer_label_}) layout->addWidget(widget);
  layout->addWidget(layer_, 1);
  auto* save = new QToolButton(bar);
  save->setText(tr("Export\u2026"));
  save->setToolTip(tr("Writes the map as a picture (PNG, SVG), and every picture as a table (CSV)."));
  make_export_menu(save);
  for (QWidget* widget : std::initializer_list<QWidget*>{logarithmic_, without_sink_, without_newest_, scale_, fit, compare_, save}) layout->addWidget(widget);
  connect(rows_, &QComboBox::currentIndexChanged, this, [this] { apply_options(); });
  connect(mix_, &QComboBox::currentIndexChanged, this, [this] { apply_options(); });
  connect(layer_, &QSlider::valueChanged, this, [this] { apply_options(); });
  connect(logarithmic_, &QCheckBox::toggled, this, &TracePanel::apply_scale);
  connect(scale_, &QComboBox::currentIndexChanged, this, &TracePanel::apply_scale);
  for (QCheckBox* box : {without_sink_, without_newest_}) {
    connect(box, &QCheckBox::toggled, this, [this] {
      apply_options();
      show_phase();
    });
  }
  connect(fit, &QToolButton::clicked, map_, &SelectionMap::show_all);
  return bar;
}

void TracePanel::apply_scale() {
  const auto scale = static_cast<app::HeatScale>(scale_->currentIndex());
  map_->set_logarithmic(logarithmic_->isChecked());
  map_->set_scale(scale);
  layers_->set_scale(scale);
  grid_->set_style(scale, logarithmic_->isChecked());
}

void TracePanel::make_export_menu(QToolButton* button) {
  auto* menu = new QMenu(button);
  button->setMenu(menu);
  button->setPopupMode(QToolButton::InstantPopup);
  const auto entry = [this, menu](const QString& text, const QString& kind) {
    menu->addAction(text, this, [this, kind] {
      export_kind_ = kind;
      choose_file();
    });
  };
  entry(tr("The map\u2026"), {});
  menu->addSeparator();
  entry(tr("Table of the layers\u2026"), QStringLiteral("layers"));
  entry(tr("Table of the passages\u2026"), QStringLiteral("spans"));
  entry(tr("Table of the distances\u2026"), QStringLiteral("distance"));
  entry(tr("Table of the agreement of layers\u2026"), QStringLiteral("agreement"));
}

void TracePanel::set_comparable(const QList<QPair<qint64, QString>>& runs) {
  compare_menu_->clear();
  if (map_->compared() != nullptr) {
    compare_menu_->addAction(tr("Show this run alone"), this, [this] { set_compared(nullptr); });
    compare_menu_->addSeparator();
  }
  for (const auto& [run, name] : runs) {
    compare_menu_->addAction(name, this, [this, id = run] { emit compare_requested(id); });
  }
  if (runs.isEmpty()) compare_menu_->addAction(tr("No other run has a prompt of this length"))->setEnabled(false);
}

void TracePanel::set_compared(std::shared_ptr<const app::RunTrace> compared, const QString& name) {
  if (compared == nullptr) map_->set_run(run_);
  map_->set_compared(std::move(compared));
  status_->setText(map_->compared() == nullptr ? QString() : tr("The map shows %1 minus the run as it was asked.").arg(name));
}

void TracePanel::set_run(std::shared_ptr<const app::RunTrace> run) {
  run_ = std::move(run);
  {
    const QSignalBlocker quiet(layer_);
    layer_->setRange(-1, run_ == nullptr ? -1 : run_->trace->n_layers - 1);
    layer_->setValue(-1);
  }
  for (QWidget* widget : std::initializer_list<QWidget*>{rows_, mix_, layer_, logarithmic_, without_sink_, without_newest_, scale_, compare_, phase_}) {
    widget->setEnabled(run_ != nullptr);
  }
  tokens_->set_run(run_);
  layers_->set_run(run_);
  player_->set_run(run_);
  unread_->set_run(run_);
  measures_->set_run(run_);
  grid_->set_run(run_);
  experiments_->set_run(run_);
  consulted_->set_run(run_);
  map_->set_run(run_);
  phase_->setCurrentIndex(0);
  status_->clear();
  apply_options();
  if (run_ != nullptr) show_phase();
}

void TracePanel::apply_options() {
  app::MatrixOptions options;
  options.rows = rows_->currentIndex() == 1 ? app::MapRows::kGenerated : app::MapRows::kPrompt;
  options.layer = layer_->value();
  options.mix = static_cast<app::LayerMix>(mix_->currentIndex());
  options.without_sink = without_sink_->isChecked();
  options.without_newest = without_newest_->isChecked() ? kNewestTokens : 0;
  const bool all = options.layer == app::kAllLayers;
  mix_->setEnabled(run_ != nullptr && all);
  layer_label_->setText(all ? tr("All layers") : tr("Layer %1 of %2").arg(options.layer + 1).arg(layer_->maximum() + 1));
  map_->set_options(options);
  layers_->mark_layer(options.layer);
  grid_->set_options(options);
  grid_->mark_layer(options.layer);
  if (run_ == nullptr) return;
  app::HeatScope scope = consulted_->scope();
  scope.layer = options.layer;
  set_scope(scope);
}

void TracePanel::set_layer(int layer) { layer_->setValue(layer); }

void TracePanel::show_phase() {
  if (run_ == nullptr) return;
  app::HeatScope scope = plain_scope();
  switch (phase_->currentIndex()) {
    case 1: scope.phase = app::HeatPhase::kThinking; break;
    case 2: scope.phase = app::HeatPhase::kAnswer; break;
    case 3: scope.phase = app::HeatPhase::kPrefill; break;
    case 4:
      scope.phase = app::HeatPhase::kPrefill;
      scope.tokens = run_->map.question;
      break;
    default: break;
  }
  map_->mark_tokens(0, 0);
  tokens_->mark(0, 0);
  set_scope(scope);
}

app::HeatScope TracePanel::plain_scope() const {
  app::HeatScope scope;
  scope.layer = layer_->value();
  scope.without_sink = without_sink_->isChecked();
  scope.without_newest = without_newest_->isChecked() ? kNewestTokens : 0;
  return scope;
}

void TracePanel::set_scope(const app::HeatScope& scope) {
  consulted_->set_scope(scope);
  layers_->set_scope(scope);
  emit scope_changed(scope);
}

void TracePanel::choose(qint64 begin, qint64 end) {
  if (run_ == nullptr) return;
  app::HeatScope scope = plain_scope();
  scope.tokens = engine::TokenRange{begin, end};
  set_scope(scope);
  map_->mark_tokens(begin, end);
  tokens_->mark(begin, end);
  player_->show_token(begin);
  if (end == begin + 1) emit token_selected(begin);
  emit tokens_selected(begin, end);
}

void TracePanel::show_live(qint64 n_prompt_tokens, qint64 token, std::span<const engine::BlockSet> layers) {
  layers_->show_live(n_prompt_tokens, token, layers);
}

void TracePanel::choose_file() {
  if (run_ == nullptr) return;
  auto* dialog = new QFileDialog(this, tr("Export the map"), QString(),
                                 export_kind_.isEmpty() ? tr("Picture (*.png);;Drawing (*.svg);;Table (*.csv)") : tr("Table (*.csv)"));
  dialog->setAttribute(Qt::WA_DeleteOnClose);
  dialog->setAcceptMode(QFileDialog::AcceptSave);
  dialog->setDefaultSuffix(export_kind_.isEmpty() ? QStringLiteral("png") : QStringLiteral("csv"));
  connect(dialog, &QFileDialog::filterSelected, dialog, [dialog](const QString& filter) {
    dialog->setDefaultSuffix(filter.contains(QStringLiteral("svg")) ? QStringLiteral("svg") : filter.contains(QStringLiteral("csv")) ? QStringLiteral("csv") : QStringLiteral("png"));
  });
  connect(dialog, &QFileDialog::fileSelected, this, &TracePanel::export_map);
  dialog->open();
}

void TracePanel::export_map(const QString& path) {
  if (run_ == nullptr) return;
  app::MapImageOptions options;
  options.matrix = map_->options();
  options.logarithmic = logarithmic_->isChecked();
  options.theme = theme_of(palette());
  options.scale = map_->scale();
  options.compared = map_->compared();
  export_.setProperty("path", path);
  export_.setFuture(run_in_pool([run = run_, options, scope = consulted_->scope(), kind = export_kind_, path] { return write_map(*run, options, scope, kind, path); }));
}

void TracePanel::select_tokens(qint64 begin, qint64 end) {
  const QSignalBlocker quiet(this);
  choose(begin, end);
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
