#include "ui/settings/models_dialog.h"

#include <QDialogButtonBox>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QSlider>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>

#include "app/settings/paths.h"
#include "ui/settings/memory_bar.h"
#include "ui/sources/source_model.h"
#include "ui/theme/icons.h"
#include "ui/theme/tokens.h"

namespace ui {
namespace {

constexpr int kContextStep = 1024;      // tokens
constexpr int kChosenFolderDepth = 4;   // how deep models may lie in a folder that the user named
constexpr int kDetailsWidth = 340;

QLabel* wrapped(const QString& name) {
  auto* label = new QLabel;
  label->setTextFormat(Qt::PlainText);
  label->setWordWrap(true);
  label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  label->setAccessibleName(name);
  return label;
}

}  // namespace

ModelsDialog::ModelsDialog(Settings& settings, QWidget* parent)
    : QDialog(parent), settings_(settings), list_(new QTreeWidget), state_(new QLabel), name_(wrapped(tr("Name of the model"))),
      facts_(wrapped(tr("About the model"))), reason_(wrapped(tr("Why it cannot be used"))), context_title_(new QLabel),
      context_slider_(new QSlider(Qt::Horizontal)), memory_(new MemoryBar), longest_(wrapped(tr("Longest context that fits"))), load_(nullptr) {
  setWindowTitle(tr("Models"));
  resize(880, 560);
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(kPanelMargin, kPanelMargin, kPanelMargin, kPanelMargin);
  layout->setSpacing(kGroupGap);
  auto* middle = new QHBoxLayout;
  middle->setSpacing(kPanelMargin);
  list_->setAccessibleName(tr("Models on this machine"));
  list_->setHeaderLabels({tr("Model"), tr("Architecture"), tr("Size")});
  list_->setRootIsDecorated(false);
  list_->setUniformRowHeights(true);
  list_->setAllColumnsShowFocus(true);
  list_->header()->setStretchLastSection(false);
  list_->header()->setSectionResizeMode(0, QHeaderView::Stretch);
  list_->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
  list_->header()->setSectionResizeMode(2, QHeaderView::ResizeToContents);
  middle->addWidget(list_, 1);
  middle->addWidget(make_details());
  layout->addLayout(middle, 1);
  state_->setFont(small_font());
  state_->setWordWrap(true);
  set_text_color(state_, tokens().ink_soft);
  layout->addWidget(state_);

  auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
  load_ = buttons->addButton(tr("Load this model"), QDialogButtonBox::AcceptRole);
  load_->setProperty("primary", true);
  load_->setDefault(true);
  auto* folder = buttons->addButton(tr("Look in a folder…"), QDialogButtonBox::ActionRole);
  auto* again = buttons->addButton(tr("Look again"), QDialogButtonBox::ActionRole);
  layout->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(folder, &QPushButton::clicked, this, &ModelsDialog::add_folder);
  connect(again, &QPushButton::clicked, this, [this] { scan(); });
  connect(list_, &QTreeWidget::currentItemChanged, this, &ModelsDialog::show_model);
  connect(list_, &QTreeWidget::itemActivated, this, [this] {
    if (load_->isEnabled()) accept();
  });
  connect(context_slider_, &QSlider::valueChanged, this, &ModelsDialog::show_context);
  show_model();
}

QWidget* ModelsDialog::make_details() {
  auto* details = new QWidget;
  details->setFixedWidth(kDetailsWidth);
  auto* column = new QVBoxLayout(details);
  column->setContentsMargins(0, 0, 0, 0);
  column->setSpacing(kGrid);
  name_->setFont(strong(body_font()));
  facts_->setFont(small_font());
  set_text_color(facts_, tokens().ink_soft);
  set_text_color(reason_, tokens().amber);
  context_slider_->setAccessibleName(tr("Context in tokens"));
  context_slider_->setSingleStep(1);
  context_slider_->setPageStep(8);
  longest_->setFont(small_font());
  set_text_color(longest_, tokens().ink_soft);
  column->addWidget(name_);
  column->addWidget(facts_);
  column->addWidget(reason_);
  column->addSpacing(kGrid);
  column->addWidget(context_title_);
  column->addWidget(context_slider_);
  column->addWidget(memory_);
  column->addWidget(longest_);
  column->addStretch(1);
  return details;
}

void ModelsDialog::scan(std::vector<app::ModelRoot> roots) {
  if (roots.empty()) {
    roots = app::known_model_roots();
    for (const QString& folder : settings_.model_folders()) roots.push_back({folder.toStdString(), kChosenFolderDepth});
  }
  scanning_ = true;
  state_->setText(tr("Looking for models on this machine"));
  run_in_background(
      thread_, this, scans_.next(),
      [roots = std::move(roots)](std::stop_token stop) {
        std::vector<Sized> found;
        for (app::FoundModel& model : app::find_models(roots, stop)) {
          auto plan = app::plan_model(model.path);
          found.push_back({std::move(model), plan ? std::optional(*plan) : std::nullopt});
        }
        return found;
      },
      [this](std::vector<Sized> found) {
        models_.clear();
        plans_.clear();
        // What can be used stands first.
        std::stable_partition(found.begin(), found.end(), [](const Sized& one) { return one.model.usable; });
        for (Sized& one : found) {
          models_.push_back(std::move(one.model));
          plans_.push_back(one.plan);
        }
        free_bytes_ = app::free_memory_bytes();
        scanning_ = false;
        add_rows();
        emit scanned();
      });
}

void ModelsDialog::add_folder() {
  const QString folder = QFileDialog::getExistingDirectory(this, tr("Look for models in a folder"));
  if (folder.isEmpty()) return;
  QStringList folders = settings_.model_folders();
  folders.removeAll(folder);
  folders.prepend(folder);
  settings_.set_model_folders(folders);
  scan();
}

void ModelsDialog::add_rows() {
  list_->clear();
  const std::filesystem::path now = settings_.model().empty() ? app::bundled_model().value_or(std::filesystem::path()) : settings_.model();
  int current = 0;
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const app::FoundModel& model = models_[i];
    auto* item = new QTreeWidgetItem({QString::fromStdString(model.name), QString::fromStdString(model.architecture), size_text(model.n_bytes)});
    item->setIcon(0, icon(model.usable ? QStringLiteral("model") : QStringLiteral("warning")));
    item->setTextAlignment(2, Qt::AlignRight | Qt::AlignVCenter);
    item->setToolTip(0, QString::fromStdString(model.usable ? model.path.string() : model.reason));
    item->setData(0, Qt::AccessibleDescriptionRole, model.usable ? tr("can be used") : tr("cannot be used"));
    if (!model.usable) {
      for (int column = 0; column < 3; ++column) item->setForeground(column, tokens().ink_soft);
    }
    list_->addTopLevelItem(item);
    std::error_code ignored;
    if (std::filesystem::equivalent(model.path, now, ignored)) current = static_cast<int>(i);
  }
  state_->setText(models_.empty() ? tr("No models were found. Name a folder that holds one: config.json, tokenizer.json and safetensors, or a GGUF file.")
                                  : tr("%n model(s) found: bundled, own folder, Hugging Face cache, LM Studio, Ollama and the folders you named. Nothing is changed there.",
                                       nullptr, static_cast<int>(models_.size())));
  if (!models_.empty()) list_->setCurrentItem(list_->topLevelItem(current));
  show_model();
}

void ModelsDialog::show_model() {
  const int row = list_->indexOfTopLevelItem(list_->currentItem());
  const bool any = row >= 0 && row < static_cast<int>(models_.size());
  const app::FoundModel model = any ? models_[static_cast<std::size_t>(row)] : app::FoundModel();
  const std::optional<app::ModelPlan> plan = any ? plans_[static_cast<std::size_t>(row)] : std::nullopt;
  name_->setText(QString::fromStdString(model.name));
  QStringList facts;
  if (!model.about.empty()) facts << QString::fromStdString(model.about);
  if (any) facts << QString::fromStdString(model.path.string());
  facts_->setText(facts.join(QLatin1Char('\n')));
  reason_->setText(QString::fromStdString(model.reason));
  reason_->setVisible(!model.reason.empty());
  load_->setEnabled(any && model.usable);
  const bool sized = plan && plan->context_length > 0;
  for (QWidget* widget : {static_cast<QWidget*>(context_title_), static_cast<QWidget*>(context_slider_), static_cast<QWidget*>(longest_)}) widget->setVisible(sized);
  memory_->set_plan(sized ? plan : std::nullopt, free_bytes_);
  if (!sized) return;
  const std::int64_t longest = plan->longest_context(free_bytes_);
  longest_->setText(longest == 0 ? tr("Not even the weights fit into the free memory.")
                    : longest == plan->context_length ? tr("The model's whole context of %1 tokens fits.").arg(grouped(longest))
                                                      : tr("The longest context that fits is %1 tokens.").arg(grouped(longest)));
  const QSignalBlocker quiet(context_slider_);
  context_slider_->setRange(1, std::max<int>(1, static_cast<int>((plan->context_length + kContextStep - 1) / kContextStep)));
  context_slider_->setValue(static_cast<int>(std::max<std::int64_t>(kContextStep, longest > 0 ? longest : plan->context_length) / kContextStep));
  show_context();
}

void ModelsDialog::show_context() {
  const std::int64_t tokens_now = static_cast<std::int64_t>(context_slider_->value()) * kContextStep;
  context_title_->setText(tr("Context: %1 tokens").arg(grouped(tokens_now)));
  memory_->set_tokens(tokens_now);
}

std::filesystem::path ModelsDialog::chosen() const {
  const int row = list_->indexOfTopLevelItem(list_->currentItem());
  if (row < 0 || !models_[static_cast<std::size_t>(row)].usable) return {};
  return models_[static_cast<std::size_t>(row)].path;
}

std::int64_t ModelsDialog::context() const {
  return context_slider_->value() >= context_slider_->maximum() ? 0 : static_cast<std::int64_t>(context_slider_->value()) * kContextStep;
}

QString ModelsDialog::details() const {
  return QStringList{name_->text(), facts_->text(), reason_->text(), memory_->sentence(), longest_->text()}.join(QLatin1Char('\n'));
}

}  // namespace ui
