#include "ui/trace/map_controls.h"

#include <QActionGroup>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QSignalBlocker>
#include <QSlider>
#include <QToolButton>

namespace ui {

namespace {

constexpr std::int64_t kNewestTokens = 256;
constexpr int kMargin = 12;

}  // namespace

MapControls::MapControls(QWidget* parent)
    : QWidget(parent), rows_(new QComboBox(this)), mix_(new QComboBox(this)), layer_label_(new QLabel(this)),
      layer_(new QSlider(Qt::Horizontal, this)), compare_menu_(new QMenu(this)), export_menu_(new QMenu(this)) {
  auto* layout = new QHBoxLayout(this);
  layout->setContentsMargins(kMargin, 6, kMargin, 4);
  layout->setSpacing(6);
  rows_->setAccessibleName(tr("Rows of the map"));
  rows_->setToolTip(tr("Whose selections stand on the rows: those of the prompt's tokens, or of each token that was written."));
  rows_->addItems({tr("Prompt"), tr("Answer")});
  mix_->setAccessibleName(tr("How layers are combined"));
  mix_->setToolTip(tr("How all layers become one number."));
  mix_->addItems({tr("Mean"), tr("Highest"), tr("Any")});
  layer_->setAccessibleName(tr("Layer"));
  layer_->setMinimumWidth(48);
  layer_->setPageStep(4);
  // As wide as its longest text: the slider beside it does not move while it is dragged.
  layer_label_->setMinimumWidth(layer_label_->fontMetrics().horizontalAdvance(tr("Layer %1 of %2").arg(61).arg(61)));
  layout->addWidget(rows_);
  layout->addWidget(mix_);
  layout->addWidget(layer_label_);
  layout->addWidget(layer_, 1);
  add_menu(tr("View"), tr("Scale, colours, and keys that are left out"), make_view_menu());
  add_menu(tr("Compare"), tr("Subtracts the map of another run over the same prompt"), compare_menu_);
  add_menu(tr("Export"), tr("Pictures and tables of what is shown"), export_menu_);
  connect(compare_menu_, &QMenu::aboutToShow, this, &MapControls::compare_menu_opened);
  connect(rows_, &QComboBox::currentIndexChanged, this, &MapControls::options_changed);
  connect(mix_, &QComboBox::currentIndexChanged, this, &MapControls::options_changed);
  connect(layer_, &QSlider::valueChanged, this, [this] {
    show_state();
    emit options_changed();
  });
  set_layers(0);
}

QToolButton* MapControls::add_menu(const QString& text, const QString& tool_tip, QMenu* menu) {
  auto* button = new QToolButton(this);
  button->setText(text);
  button->setToolTip(tool_tip);
  button->setPopupMode(QToolButton::InstantPopup);
  button->setMenu(menu);
  layout()->addWidget(button);
  menus_.push_back(button);
  return button;
}

QMenu* MapControls::make_view_menu() {
  auto* menu = new QMenu(this);
  const auto toggle = [&](const QString& text, const QString& tool_tip, bool checked) {
    QAction* action = menu->addAction(text);
    action->setCheckable(true);
    action->setChecked(checked);
    action->setToolTip(tool_tip);
    return action;
  };
  menu->setToolTipsVisible(true);
  logarithmic_ = toggle(tr("Logarithmic scale"), tr("Three decades of shares, each as wide as the others."), true);
  scales_ = new QActionGroup(menu);
  for (const QString& name : {tr("Cividis"), tr("Magma")}) {
    QAction* scale = toggle(name, tr("Keeps its order for colour-blind readers."), scales_->actions().isEmpty());
    scales_->addAction(scale);
  }
  menu->insertSeparator(scales_->actions().front());
  menu->addSeparator();
  without_sink_ = toggle(tr("Hide the first block"), tr("The sink, which nearly every query selects."), false);
  without_newest_ = toggle(tr("Hide the %1 newest").arg(kNewestTokens), tr("The tokens right before each query, which nearly every query selects."), false);
  menu->addSeparator();
  connect(menu->addAction(tr("Whole map")), &QAction::triggered, this, &MapControls::whole_map_requested);
  connect(logarithmic_, &QAction::toggled, this, &MapControls::style_changed);
  connect(scales_, &QActionGroup::triggered, this, &MapControls::style_changed);
  connect(without_sink_, &QAction::toggled, this, &MapControls::options_changed);
  connect(without_newest_, &QAction::toggled, this, &MapControls::options_changed);
  return menu;
}

void MapControls::set_layers(int n_layers) {
  n_layers_ = n_layers;
  const QSignalBlocker quiet(layer_);
  layer_->setRange(app::kAllLayers, n_layers - 1);
  layer_->setValue(app::kAllLayers);
  for (QWidget* widget : std::initializer_list<QWidget*>{rows_, layer_}) widget->setEnabled(n_layers > 0);
  for (QToolButton* menu : menus_) menu->setEnabled(n_layers > 0);
  show_state();
}

void MapControls::show_state() {
  const bool all = layer() == app::kAllLayers;
  mix_->setEnabled(n_layers_ > 0 && all);
  layer_label_->setText(all ? tr("All layers") : tr("Layer %1 of %2").arg(layer() + 1).arg(n_layers_));
}

void MapControls::set_layer(int layer) { layer_->setValue(layer); }

int MapControls::layer() const { return layer_->value(); }

void MapControls::set_rows(app::MapRows rows) { rows_->setCurrentIndex(rows == app::MapRows::kGenerated ? 1 : 0); }

app::MatrixOptions MapControls::matrix_options() const {
  app::MatrixOptions options;
  options.rows = rows_->currentIndex() == 1 ? app::MapRows::kGenerated : app::MapRows::kPrompt;
  options.layer = layer();
  options.mix = static_cast<app::LayerMix>(mix_->currentIndex());
  options.without_sink = without_sink_->isChecked();
  options.without_newest = without_newest_->isChecked() ? kNewestTokens : 0;
  return options;
}

app::HeatScope MapControls::scope() const {
  app::HeatScope scope;
  scope.layer = layer();
  scope.without_sink = without_sink_->isChecked();
  scope.without_newest = without_newest_->isChecked() ? kNewestTokens : 0;
  return scope;
}

app::HeatScale MapControls::scale() const { return static_cast<app::HeatScale>(scales_->actions().indexOf(scales_->checkedAction())); }

bool MapControls::logarithmic() const { return logarithmic_->isChecked(); }

void MapControls::set_comparable(const QList<QPair<qint64, QString>>& runs, bool is_comparing) {
  compare_menu_->clear();
  if (is_comparing) {
    compare_menu_->addAction(tr("Show this run alone"), this, &MapControls::compare_ended);
    compare_menu_->addSeparator();
  }
  for (const auto& [run, name] : runs) {
    QString text = name;
    compare_menu_->addAction(text.replace(QLatin1Char('&'), QStringLiteral("&&")), this, [this, run = run] { emit compare_requested(run); });
  }
  if (!runs.isEmpty()) return;
  compare_menu_->addAction(tr("No other run has the same prompt and length"))->setEnabled(false);
}

}  // namespace ui
