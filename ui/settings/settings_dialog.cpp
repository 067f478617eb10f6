#include "ui/settings/settings_dialog.h"

#include <QAction>
#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QScrollArea>
#include <QSpinBox>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>

#include "app/settings/model_scan.h"
#include "ui/settings/models_dialog.h"
#include "ui/settings/shortcuts_page.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kLongestContext = 131072;
constexpr int kSectionWidth = 148;
constexpr int kFieldWidth = 220;

QLabel* help_label(const QString& text) {
  auto* label = new QLabel(text);
  label->setFont(small_font());
  label->setWordWrap(true);
  label->setTextFormat(Qt::PlainText);
  label->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Minimum);
  set_text_color(label, tokens().ink_soft);
  return label;
}

}  // namespace

SettingsDialog::SettingsDialog(Settings& settings, const QList<QAction*>& commands, QWidget* parent)
    : QDialog(parent), settings_(settings), model_(settings.model()), sections_(new QListWidget), pages_(new QStackedWidget),
      model_name_(new QLabel), device_(new QComboBox), threads_(new QSpinBox), context_(new QSpinBox),
      keep_read_(new QCheckBox(tr("Keep what was read between starts"))), own_sampling_(new QCheckBox(tr("Other than the model suggests"))),
      temperature_(new QDoubleSpinBox), top_p_(new QDoubleSpinBox), seed_(new QSpinBox), reserve_(new QSpinBox), max_thinking_(new QSpinBox), mask_secrets_(new QCheckBox(tr("Sent as stars"))), selection_(new QComboBox),
      top_k_(new QSpinBox), keep_(new QCheckBox(tr("The newest tokens, headings and the question"))), trace_(new QComboBox),
      theme_(new QComboBox), reduced_motion_(new QCheckBox(tr("Nothing moves by itself"))), editor_(new QLineEdit), shortcuts_(new ShortcutsPage(commands)) {
  setWindowTitle(tr("Settings"));
  resize(760, 600);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPanelMargin, kPanelMargin, kPanelMargin, kPanelMargin);
  layout->setSpacing(kPanelMargin);
  auto* middle = new QHBoxLayout;
  middle->setSpacing(kPanelMargin);
  sections_->setFixedWidth(kSectionWidth);
  sections_->setFrameShape(QFrame::NoFrame);
  sections_->setAccessibleName(tr("Sections of the settings"));
  middle->addWidget(sections_);
  middle->addWidget(pages_, 1);
  layout->addLayout(middle, 1);
  make_model_page();
  make_answers_page();
  make_appearance_page();
  sections_->addItem(new QListWidgetItem(icon(QStringLiteral("list")), tr("Keys")));
  pages_->addWidget(shortcuts_);
  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
  auto* save = buttons->addButton(tr("Save"), QDialogButtonBox::AcceptRole);
  save->setProperty("primary", true);
  save->setAutoDefault(false);  // Enter belongs to the field that is edited
  layout->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::accepted, this, &SettingsDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(sections_, &QListWidget::currentRowChanged, pages_, &QStackedWidget::setCurrentIndex);
  sections_->setCurrentRow(0);
}

void SettingsDialog::show_page(Page page) { sections_->setCurrentRow(page); }

QFormLayout* SettingsDialog::add_page(const QString& title, const QString& icon_name) {
  sections_->addItem(new QListWidgetItem(icon(icon_name), title));
  auto* page = new QWidget;
  auto* form = new QFormLayout(page);
  form->setContentsMargins(0, 0, kGrid, 0);
  form->setHorizontalSpacing(kPanelMargin);
  form->setVerticalSpacing(kGrid);
  form->setFieldGrowthPolicy(QFormLayout::ExpandingFieldsGrow);
  auto* area = new QScrollArea;
  area->setFrameShape(QFrame::NoFrame);
  area->setWidgetResizable(true);
  area->setFocusPolicy(Qt::NoFocus);
  area->setWidget(page);
  area->viewport()->setAutoFillBackground(false);
  page->setAutoFillBackground(false);
  pages_->addWidget(area);
  return form;
}

template <typename Widget>
Widget* SettingsDialog::row(QFormLayout* form, const QString& title, Widget* widget, const QString& help) {
  widget->setAccessibleName(title);
  widget->setMinimumWidth(kFieldWidth);
  if (!help.isEmpty()) widget->setAccessibleDescription(help);
  form->addRow(title, widget);
  if (!help.isEmpty()) form->addRow(QString(), help_label(help));
  return widget;
}

void SettingsDialog::make_model_page() {
  QFormLayout* form = add_page(tr("Model"), QStringLiteral("model"));
  model_name_->setTextFormat(Qt::PlainText);
  model_name_->setWordWrap(true);
  auto* choose = new QPushButton(tr("Choose a model…"));
  choose->setAutoDefault(false);
  auto* bundled = new QPushButton(tr("Bundled model"));
  bundled->setAutoDefault(false);
  row(form, tr("Model"), model_name_);
  auto* buttons = new QHBoxLayout;
  buttons->setSpacing(kGrid);
  buttons->addWidget(choose);
  buttons->addWidget(bundled);
  buttons->addStretch(1);
  form->addRow(QString(), buttons);
  connect(choose, &QPushButton::clicked, this, &SettingsDialog::choose_model);
  connect(bundled, &QPushButton::clicked, this, [this] {
    model_.clear();
    show_model();
  });
  const engine::LocalEngineOptions options = settings_.engine_options();
  device_->addItems({tr("The best there is"), tr("Processor"), tr("Graphics card (CUDA)")});
  device_->setCurrentIndex(options.device == engine::Device::kCpu ? 1 : options.device == engine::Device::kCuda ? 2 : 0);
  row(form, tr("Device"), device_);
  threads_->setRange(0, 512);
  threads_->setSpecialValueText(tr("one per core"));
  threads_->setValue(options.n_threads);
  row(form, tr("Threads"), threads_);
  context_->setRange(0, kLongestContext);
  context_->setSingleStep(8192);
  context_->setSpecialValueText(tr("the model's own"));
  context_->setSuffix(tr(" tokens"));
  context_->setValue(static_cast<int>(options.context_length));
  row(form, tr("Context"), context_, tr("Prompt and answer together. A shorter context takes less memory."));
  keep_read_->setChecked(!options.prefix_folder.empty());
  row(form, tr("Memory"), keep_read_, tr("The same sources need not be read again after a restart. It takes room in the cache folder."));
  show_model();
}

void SettingsDialog::make_answers_page() {
  QFormLayout* form = add_page(tr("Answers"), QStringLiteral("ask"));
  const app::Question now = settings_.question();
  reserve_->setRange(0, kLongestContext);
  reserve_->setSingleStep(512);
  reserve_->setSpecialValueText(tr("the model's own"));
  reserve_->setSuffix(tr(" tokens"));
  reserve_->setValue(static_cast<int>(now.prompt.reserve));
  row(form, tr("Room for the answer"), reserve_, tr("Kept free for thinking and answer; the meter shows it."));
  max_thinking_->setRange(0, kLongestContext);
  max_thinking_->setSingleStep(256);
  max_thinking_->setSpecialValueText(tr("as long as it likes"));
  max_thinking_->setSuffix(tr(" tokens"));
  max_thinking_->setValue(now.max_thinking_tokens);
  row(form, tr("Thinking at most"), max_thinking_, tr("Then the thinking is closed and the answer begins."));
  own_sampling_->setChecked(now.own_sampling);
  row(form, tr("Sampling"), own_sampling_);
  temperature_->setRange(0, 2);
  temperature_->setSingleStep(0.1);
  temperature_->setValue(now.sampling.temperature);
  row(form, tr("Temperature"), temperature_);
  top_p_->setRange(0.01, 1);
  top_p_->setSingleStep(0.05);
  top_p_->setValue(now.sampling.top_p);
  row(form, tr("Top-p"), top_p_);
  seed_->setRange(0, 1'000'000'000);
  seed_->setValue(static_cast<int>(now.sampling.seed));
  row(form, tr("Seed"), seed_);
  const auto follow = [this](bool own) {
    for (QWidget* widget : {static_cast<QWidget*>(temperature_), static_cast<QWidget*>(top_p_), static_cast<QWidget*>(seed_)}) widget->setEnabled(own);
  };
  connect(own_sampling_, &QCheckBox::toggled, this, follow);
  follow(now.own_sampling);

  selection_->addItems({tr("Lightning indexer"), tr("Blocks, without an indexer"), tr("Everything (dense)")});
  selection_->setCurrentIndex(static_cast<int>(now.selection.mode));
  row(form, tr("Selection"), selection_, tr("Which keys each token attends to. Dense reads everything and is slow on long prompts."));
  top_k_->setRange(0, kLongestContext);
  top_k_->setSpecialValueText(tr("the model's own"));
  top_k_->setValue(now.selection.top_k);
  row(form, tr("Keys per query"), top_k_);
  keep_->setChecked(now.selection.keep);
  row(form, tr("Always select"), keep_);
  mask_secrets_->setChecked(now.prompt.mask_secrets);
  row(form, tr("Possible secrets"), mask_secrets_, tr("What looks like a key or a password stays in its file, but the model does not read it."));
  trace_->addItems({tr("Nothing"), tr("Blocks of 64 tokens"), tr("Exact positions")});
  trace_->setCurrentIndex(static_cast<int>(now.trace_level));
  row(form, tr("Record"), trace_, tr("What the map can show of the selections afterwards."));
}

void SettingsDialog::make_appearance_page() {
  QFormLayout* form = add_page(tr("Appearance"), QStringLiteral("settings"));
  theme_->addItems({tr("As the system"), tr("Light"), tr("Dark"), tr("High contrast")});
  theme_->setCurrentIndex(static_cast<int>(settings_.theme()));
  row(form, tr("Theme"), theme_);
  reduced_motion_->setChecked(settings_.reduced_motion());
  row(form, tr("Motion"), reduced_motion_, tr("The thinking line and the text cursor stand still, panels open at once."));
  editor_->setText(settings_.editor_command());
  editor_->setPlaceholderText(tr("what the system opens the file with"));
  row(form, tr("Editor"), editor_, tr("A program and its arguments for opening a finding, like: code --goto {file}:{line}"));
}

void SettingsDialog::show_model() {
  model_name_->setText(model_.empty() ? tr("The bundled model") : QString::fromStdString(model_.string()));
}

void SettingsDialog::choose_model() {
  ModelsDialog models(settings_, this);
  models.scan();
  if (models.exec() != QDialog::Accepted || models.chosen().empty()) return;
  model_ = models.chosen();
  context_->setValue(static_cast<int>(models.context()));
  show_model();
}

engine::LocalEngineOptions SettingsDialog::engine_options() const {
  engine::LocalEngineOptions options = settings_.engine_options();
  const engine::Device devices[] = {engine::Device::kAuto, engine::Device::kCpu, engine::Device::kCuda};
  options.device = devices[std::clamp(device_->currentIndex(), 0, 2)];
  options.n_threads = threads_->value();
  options.context_length = context_->value();
  options.prefix_folder = keep_read_->isChecked() ? std::filesystem::path("kept") : std::filesystem::path();
  return options;
}

app::Question SettingsDialog::question() const {
  app::Question question = settings_.question();
  question.own_sampling = own_sampling_->isChecked();
  question.sampling.temperature = temperature_->value();
  question.sampling.top_p = top_p_->value();
  question.sampling.seed = static_cast<std::uint64_t>(seed_->value());
  question.prompt.reserve = reserve_->value();
  question.max_thinking_tokens = max_thinking_->value();
  question.prompt.mask_secrets = mask_secrets_->isChecked();
  question.selection.mode = static_cast<engine::SelectionMode>(selection_->currentIndex());
  question.selection.top_k = top_k_->value();
  question.selection.keep = keep_->isChecked();
  question.trace_level = static_cast<engine::TraceLevel>(trace_->currentIndex());
  return question;
}

void SettingsDialog::accept() {
  const engine::LocalEngineOptions before = settings_.engine_options();
  const engine::LocalEngineOptions now = engine_options();
  model_changed_ = model_ != settings_.model() || before.device != now.device || before.n_threads != now.n_threads ||
                   before.context_length != now.context_length || before.prefix_folder.empty() != now.prefix_folder.empty();
  settings_.set_model(model_);
  settings_.set_engine_options(now);
  settings_.set_question(question());
  settings_.set_theme(static_cast<Theme>(theme_->currentIndex()));
  settings_.set_reduced_motion(reduced_motion_->isChecked());
  settings_.set_editor_command(editor_->text().trimmed());
  shortcuts_->save(settings_);
  QDialog::accept();
}

}  // namespace ui
