#include "ui/window/main_window.h"

#include <QApplication>
#include <QActionGroup>
#include <QCloseEvent>
#include <QDockWidget>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QLabel>
#include <QMimeData>
#include <QStatusBar>
#include <QTimer>
#include <QVBoxLayout>

#include <algorithm>
#include <limits>

#include "app/heatmap/source_heat.h"
#include "app/settings/paths.h"
#include "ui/conversation/conversation_panel.h"
#include "ui/conversation/conversation_view.h"
#include "ui/conversation/question_box.h"
#include "ui/page/citation_preview.h"
#include "ui/page/document_panel.h"
#include "ui/review/findings_panel.h"
#include "ui/review/secret_watch.h"
#include "ui/settings/shortcuts_page.h"
#include "ui/sources/context_meter.h"
#include "ui/sources/drop_cost.h"
#include "ui/sources/sources_panel.h"
#include "ui/theme/icons.h"
#include "ui/theme/system_scheme.h"
#include "ui/theme/tokens.h"
#include "ui/trace/background_future.h"
#include "ui/trace/experiment_view.h"
#include "ui/trace/trace_panel.h"
#include "ui/window/command_palette.h"
#include "ui/window/jobs_panel.h"
#include "ui/window/project_upkeep.h"
#include "ui/window/run_bar.h"
#include "ui/window/sample_guide.h"
#include "ui/window/welcome.h"
#include "ui/window/workspace.h"

namespace ui {
namespace {

constexpr int kMessageMs = 12000;
constexpr std::size_t kMostHeatSpans = 4000;

const char* name_of(Layout layout) {
  switch (layout) {
    case Layout::kRead: return "read";
    case Layout::kReview: return "review";
    case Layout::kInspect: return "inspect";
  }
  return "read";
}

}  // namespace

MainWindow::MainWindow(Workspace& workspace, Settings& settings, SystemScheme& scheme, QWidget* parent)
    : QMainWindow(parent), workspace_(workspace), settings_(settings), scheme_(scheme) {
  setObjectName(QStringLiteral("window"));
  setWindowIcon(QIcon(QStringLiteral(":/icons/longleaf.svg")));
  setAcceptDrops(true);
  setDockOptions(AllowNestedDocks | AllowTabbedDocks | AnimatedDocks);
  resize(1360, 860);
  make_panels();
  make_bottom_row();
  make_commands();
  wire();
  workspace_.set_question_settings(settings_.question());
  apply_shortcuts(commands_, settings_);
  set_motion();
  const QByteArray geometry = settings_.value(QStringLiteral("geometry")).toByteArray();
  if (!geometry.isEmpty()) restoreGeometry(geometry);
  set_layout(Layout::kRead);
  show_title();
  show_budget();
  conversation_->question_box()->focus();
}

MainWindow::~MainWindow() { workspace_.disconnect(this); }

QDockWidget* MainWindow::add_dock(const QString& name, const QString& title, QWidget* content) {
  auto* dock = new QDockWidget(title, this);
  dock->setObjectName(name);
  dock->setWidget(content);
  dock->setFeatures(QDockWidget::DockWidgetMovable | QDockWidget::DockWidgetClosable | QDockWidget::DockWidgetFloatable);
  addDockWidget(Qt::LeftDockWidgetArea, dock);
  docks_.insert(name, dock);
  return dock;
}

void MainWindow::make_panels() {
  sources_ = new SourcesPanel(workspace_.session(), workspace_.sources(), workspace_.undo());
  conversation_ = new ConversationPanel(workspace_);
  document_ = new DocumentPanel(workspace_.session());
  trace_ = new TracePanel;
  findings_ = new FindingsPanel(workspace_.session());
  secrets_ = new SecretWatch(workspace_.session(), this);
  preview_ = new CitationPreview(workspace_.session(), this);
  welcome_ = new Welcome;
  sample_ = new SampleGuide(workspace_, this);
  upkeep_ = new ProjectUpkeep(workspace_, this);
  welcome_->set_recent(settings_.recent_projects());
  conversation_->set_empty_widget(welcome_);
  add_dock(QStringLiteral("sources"), tr("Sources"), sources_);
  add_dock(QStringLiteral("conversation"), tr("Conversation"), conversation_);
  add_dock(QStringLiteral("page"), tr("Page"), document_);
  add_dock(QStringLiteral("findings"), tr("Findings"), findings_);
  add_dock(QStringLiteral("map"), tr("Selection"), trace_);
  add_dock(QStringLiteral("jobs"), tr("Jobs"), new JobsPanel(workspace_.jobs()));
  palette_ = new CommandPalette(*this);
  drop_hint_ = new QLabel(this);
  drop_hint_->setFont(strong(body_font()));
  drop_hint_->setMargin(kPanelMargin);
  drop_hint_->setAutoFillBackground(true);
  drop_hint_->setBackgroundRole(QPalette::Base);
  drop_hint_->setFrameShape(QFrame::Box);
  drop_hint_->setTextFormat(Qt::PlainText);
  drop_hint_->hide();
  auto* middle = new QWidget;  // everything is a dock
  middle->setFixedSize(0, 0);
  setCentralWidget(middle);
  middle->hide();
}

void MainWindow::make_bottom_row() {
  meter_ = new ContextMeter;
  run_bar_ = new RunBar(workspace_);
  message_ = new QLabel;
  message_->setFont(small_font());
  message_->setTextFormat(Qt::PlainText);
  message_->setWordWrap(true);
  message_->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
  message_->setAccessibleName(tr("Message"));
  message_->hide();
  auto* row = new QWidget;
  auto* column = new QVBoxLayout(row);
  column->setContentsMargins(kPanelMargin, 2, kPanelMargin, 4);
  column->setSpacing(0);
  column->addWidget(message_);
  auto* line = new QHBoxLayout;
  line->setSpacing(kPanelMargin * 2);
  line->addWidget(meter_, 1);
  line->addWidget(run_bar_);
  column->addLayout(line);
  statusBar()->setSizeGripEnabled(false);
  statusBar()->addPermanentWidget(row, 1);
}

void MainWindow::wire() {
  connect(sources_, &SourcesPanel::part_activated, this, [this](app::PartId part) { document_->open(part); });
  connect(sources_, &SourcesPanel::hit_activated, this, [this](app::PartId part, const QString& words) {
    document_->open(part);
    document_->find_words(words);
  });
  connect(sources_, &SourcesPanel::place_activated, this, [this](app::PartId part, std::uint32_t begin, std::uint32_t end) { document_->open(part, begin, end); });
  connect(upkeep_, &ProjectUpkeep::said, this, &MainWindow::show_message);
  connect(sources_, &SourcesPanel::add_files_requested, this, &MainWindow::choose_files);
  connect(sources_, &SourcesPanel::add_folder_requested, this, &MainWindow::choose_folder);
  connect(welcome_, &Welcome::add_files_requested, this, &MainWindow::choose_files);
  connect(welcome_, &Welcome::add_folder_requested, this, &MainWindow::choose_folder);
  connect(welcome_, &Welcome::sample_requested, this, &MainWindow::open_sample);
  connect(welcome_, &Welcome::project_requested, this, [this](const QString& path) { open_project(path.toStdString()); });
  connect(welcome_, &Welcome::example_requested, this, &MainWindow::ask);
  connect(sample_, &SampleGuide::failed, this, &MainWindow::show_message);
  connect(document_, &DocumentPanel::choose_requested, this, [this](const std::map<app::PartId, app::Passages>& chosen) {
    workspace_.sources().choose_passages(chosen);
    sources_->reveal(chosen.begin()->first);
  });
  connect(document_, &DocumentPanel::ask_requested, this, [this](const QString& words, const QString& place) {
    docks_[QStringLiteral("conversation")]->show();
    conversation_->question_box()->set_text(tr("About “%1” (%2): ").arg(words, place));
    conversation_->question_box()->focus();
  });
  connect(conversation_, &ConversationPanel::citation_activated, this, &MainWindow::open_citation);
  connect(conversation_, &ConversationPanel::citation_hovered, this, [this](const app::Citation* citation, const QPoint& at) {
    if (citation == nullptr) preview_->dismiss();
    else preview_->show_citation(*citation, mark_text(mark_of(*citation)), at);
  });
  connect(conversation_, &ConversationPanel::message, this, &MainWindow::show_message);
  connect(conversation_, &ConversationPanel::link_activated, this, &MainWindow::follow_link);
  connect(conversation_, &ConversationPanel::map_requested, this, [this] { set_layout(Layout::kInspect); });
  connect(conversation_, &ConversationPanel::prompt_requested, this, &MainWindow::show_prompt);
  connect(conversation_, &ConversationPanel::token_clicked, this, [this](qint64 token) { trace_->select_tokens(token, token + 1); });
  connect(trace_, &TracePanel::token_selected, conversation_, &ConversationPanel::mark_token);
  connect(trace_, &TracePanel::source_activated, this, [this](qint64 part, quint32 begin, quint32 end) {
    docks_[QStringLiteral("page")]->show();
    document_->open(part, begin, end);
  });
  connect(trace_, &TracePanel::ask_again, this, [this](const QList<qint64>& parts) {
    workspace_.sources().set_ticked({parts.begin(), parts.end()});
    if (conversation_->empty()) return;
    conversation_->question_box()->set_text(conversation_->view()->last_turn()->question());
    conversation_->question_box()->focus();
  });
  // What is open in the page panel is marked on the map's keys.
  connect(document_, &DocumentPanel::opened, trace_, [this](app::PartId part) { trace_->select_source(part, 0, std::numeric_limits<quint32>::max()); });
  connect(trace_, &TracePanel::scope_changed, this, &MainWindow::show_heat);
  connect(trace_, &TracePanel::compare_menu_opened, this, [this] {
    workspace_.comparable_runs(this, [this](const std::vector<app::Run>& runs) {
      QList<QPair<qint64, QString>> names;
      for (const app::Run& run : runs) names.append({run.id, tr("Run %1: %2").arg(run.id).arg(QString::fromStdString(run.question).simplified().left(60))});
      trace_->set_comparable(names);
    });
  });
  connect(trace_, &TracePanel::compare_requested, this, [this](qint64 run) {
    workspace_.load_trace(run, this, [this, run](std::shared_ptr<const app::RunTrace> trace) {
      if (trace != nullptr) trace_->set_compared(std::move(trace), tr("run %1").arg(run));
    });
  });
  AskController& asker = workspace_.asker();
  connect(&asker, &AskController::progressed, this, [this, &asker] {
    const RunView& run = asker.run();
    if (run.live_token >= 0 && docks_[QStringLiteral("map")]->isVisible()) trace_->show_live(run.n_prompt, run.live_token, run.live_layers);
  });
  ExperimentView& experiments = trace_->experiments();
  connect(&experiments, &ExperimentView::try_requested, this, [this, &experiments, &asker](const engine::SelectionOptions& selection) {
    if (workspace_.trace_run() == 0 || asker.engine() == nullptr || asker.running()) {
      experiments.show_failure(asker.running() ? tr("A question is being answered; try again when it is done.") : tr("A saved run and its model are needed for this."));
      return;
    }
    experiments.set_running(true, tr("Asking again\u2026"));
    asker.try_run(workspace_.session().path(), workspace_.trace_run(), selection);
  });
  connect(&experiments, &ExperimentView::stop_requested, &asker, &AskController::stop_trying);
  connect(&asker, &AskController::try_progress, &experiments, [&experiments](qint64 n_done, qint64 n_total) {
    experiments.set_running(true, tr("Reading %1 of %2 tokens\u2026").arg(n_done).arg(n_total));
  });
  connect(&asker, &AskController::tried, &experiments, &ExperimentView::show_experiment);
  connect(&asker, &AskController::try_failed, &experiments, &ExperimentView::show_failure);
  connect(&heat_, &QFutureWatcherBase::finished, this, &MainWindow::take_heat);
  connect(trace_, &TracePanel::exported, this, [this](const QString& path, const QString& error) {
    show_message(error.isEmpty() ? tr("Written: %1").arg(path) : error);
  });
  connect(&workspace_, &Workspace::trace_ready, this, [this] {
    trace_->set_run(workspace_.trace());
    show_heat({});
  });
  wire_review();
  connect(&workspace_, &Workspace::budget_changed, this, &MainWindow::show_budget);
  connect(&workspace_, &Workspace::model_changed, this, &MainWindow::show_budget);
  connect(&workspace_, &Workspace::message, this, &MainWindow::show_message);
  ProjectSession& session = workspace_.session();
  connect(&session, &ProjectSession::opened, this, [this, &session] {
    settings_.add_recent_project(QString::fromStdString(session.path().string()));
    welcome_->set_recent(settings_.recent_projects());
    show_title();
    if (!session.read_only_reason().isEmpty()) show_message(session.read_only_reason());
    restore_session();
    if (sample_->is_sample(session.path())) sample_->fill();
  });
  connect(&session, &ProjectSession::closed, document_, &DocumentPanel::clear);
  connect(&session, &ProjectSession::documents_changed, this, [this, &session] { 
    const bool is_sample = sample_->is_sample(session.path()) && sample_->load();
    welcome_->set_has_sources(!session.documents().empty(), is_sample ? sample_->questions() : QStringList());
  });
  connect(&scheme_, &SystemScheme::changed, this, [this] {
    if (settings_.theme() == Theme::kSystem || settings_.theme() == Theme::kHighContrast) set_theme(settings_.theme());
  });
}

void MainWindow::default_layout(Layout layout) {
  arrange(layout);
  // A panel of no place would open over the others: these wait hidden where they belong.
  for (QDockWidget* dock : std::as_const(docks_)) {
    if (dockWidgetArea(dock) != Qt::NoDockWidgetArea) continue;
    if (dock == docks_[QStringLiteral("jobs")]) splitDockWidget(docks_[QStringLiteral("sources")], dock, Qt::Vertical);
    else addDockWidget(Qt::RightDockWidgetArea, dock);
    dock->hide();
  }
}

void MainWindow::arrange(Layout layout) {
  QDockWidget* sources = docks_[QStringLiteral("sources")];
  QDockWidget* conversation = docks_[QStringLiteral("conversation")];
  QDockWidget* page = docks_[QStringLiteral("page")];
  QDockWidget* map = docks_[QStringLiteral("map")];
  for (QDockWidget* dock : std::as_const(docks_)) {
    dock->setFloating(false);
    removeDockWidget(dock);
  }
  QDockWidget* findings = docks_[QStringLiteral("findings")];
  addDockWidget(Qt::LeftDockWidgetArea, sources);
  sources->show();
  const int w = std::max(900, width());
  if (layout == Layout::kInspect) {
    splitDockWidget(sources, map, Qt::Horizontal);
    map->show();
    splitDockWidget(map, conversation, Qt::Horizontal);
    conversation->show();
    // Names of pages have to be readable beside the map.
    resizeDocks({sources, map, conversation}, {w * 21 / 100, w * 51 / 100, w * 28 / 100}, Qt::Horizontal);
    return;
  }
  splitDockWidget(sources, conversation, Qt::Horizontal);
  conversation->show();
  if (layout == Layout::kReview) {
    splitDockWidget(conversation, findings, Qt::Horizontal);
    findings->show();
    // The code that a finding names opens below it.
    splitDockWidget(findings, page, Qt::Vertical);
    page->show();
    resizeDocks({sources, conversation, findings}, {w * 20 / 100, w * 36 / 100, w * 44 / 100}, Qt::Horizontal);
    resizeDocks({findings, page}, {height() * 55 / 100, height() * 45 / 100}, Qt::Vertical);
    return;
  }
  splitDockWidget(conversation, page, Qt::Horizontal);
  page->show();
  resizeDocks({sources, conversation, page}, {w * 22 / 100, w * 43 / 100, w * 35 / 100}, Qt::Horizontal);
}

void MainWindow::set_layout(Layout layout) {
  if (isVisible() && layout != layout_) store_layout();
  layout_ = layout;
  const QByteArray saved = settings_.value(QStringLiteral("layout/") + QString::fromLatin1(name_of(layout))).toByteArray();
  // Panels that a saved layout does not name stay as the default has them: away.
  default_layout(layout);
  if (!saved.isEmpty() && restoreState(saved)) {
    const QStringList panels = settings_.value(QStringLiteral("panels/") + QString::fromLatin1(name_of(layout))).toStringList();
    for (QDockWidget* dock : std::as_const(docks_)) dock->setVisible(panels.contains(dock->objectName()));
  }
  // Docks that move take the focus along.
  if (const QWidget* focused = QApplication::focusWidget(); isVisible() && (focused == nullptr || focused == meter_)) conversation_->question_box()->focus();
  if (layout_actions_ != nullptr) layout_actions_->actions()[static_cast<int>(layout)]->setChecked(true);
}

void MainWindow::store_layout() {
  settings_.set_value(QStringLiteral("layout/") + QString::fromLatin1(name_of(layout_)), saveState());
  QStringList panels;
  for (const QDockWidget* dock : std::as_const(docks_)) {
    if (!dock->isHidden()) panels << dock->objectName();
  }
  settings_.set_value(QStringLiteral("panels/") + QString::fromLatin1(name_of(layout_)), panels);
}

void MainWindow::open_project(const std::filesystem::path& path) {
  if (workspace_.asker().running()) {
    show_message(tr("A question is being answered; stop it before another project is opened."));
    return;
  }
  if (workspace_.session().is_open()) store_session();
  session_restored_ = false;
  workspace_.session().open(path);
}

void MainWindow::open_sample() {
  if (!sample_->load()) return;
  std::error_code ignored;
  std::filesystem::create_directories(SampleGuide::project_path().parent_path(), ignored);
  open_project(SampleGuide::project_path());
}

QStringList MainWindow::sample_questions() const { return sample_->questions(); }

void MainWindow::ask(const QString& question) {
  sample_->prepare(question, [this, question] { conversation_->ask(question); });
}

void MainWindow::add_sources(const QStringList& paths) {
  std::vector<std::filesystem::path> files;
  for (const QString& path : paths) files.emplace_back(path.toStdString());
  if (workspace_.session().is_open()) {
    workspace_.session().ingest(files);
    return;
  }
  // Nothing is lost when somebody drops a file before making a project: it goes into one of its own.
  const std::filesystem::path folder = app::data_folder();
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  const std::string name = files.empty() ? std::string("project") : files.front().stem().string();
  std::filesystem::path path = folder / (name + ".longleaf");
  for (int n = 2; std::filesystem::exists(path); ++n) path = folder / (name + " " + std::to_string(n) + ".longleaf");
  connect(
      &workspace_.session(), &ProjectSession::opened, this, [this, files] { workspace_.session().ingest(files); }, Qt::SingleShotConnection);
  open_project(path);
}

void MainWindow::choose_files() {
  const QStringList files = QFileDialog::getOpenFileNames(this, tr("Add files"), {}, tr("Documents (*.pdf *.txt *.md *.rst *.tex *.csv *.json *.xml *.html);;All files (*)"));
  if (!files.isEmpty()) add_sources(files);
}

void MainWindow::choose_folder() {
  const QString folder = QFileDialog::getExistingDirectory(this, tr("Add a folder with code"));
  if (!folder.isEmpty()) add_sources({folder});
}

void MainWindow::choose_project() {
  QString path = QFileDialog::getSaveFileName(this, tr("Open or make a project"), {}, tr("Longleaf projects (*.longleaf)"), nullptr,
                                              QFileDialog::DontConfirmOverwrite);
  if (path.isEmpty()) return;
  if (QFileInfo(path).suffix().isEmpty()) path += QStringLiteral(".longleaf");
  open_project(path.toStdString());
}

void MainWindow::open_citation(const app::Citation& citation) {
  if (!citation.in_prompt) {
    show_message(tr("The prompt had no passage with this number: the model made it up."));
    return;
  }
  docks_[QStringLiteral("page")]->show();
  document_->open(citation.part, citation.source_begin, citation.source_end);
}

void MainWindow::show_budget() {
  const auto engine = workspace_.asker().engine();
  meter_->set_model(engine == nullptr ? 0 : engine->info().context_length, engine == nullptr ? 0 : engine->layout().good_tokens);
  app::TokenBudget budget = workspace_.budget();
  if (!workspace_.budget_is_exact()) {
    budget.sources = 0;
    for (const auto& weight : workspace_.sources().weights()) budget.sources += weight.ticked_tokens;
  }
  meter_->set_budget(budget, workspace_.budget_is_exact());
  meter_->set_sources(workspace_.sources().weights());
  meter_->set_reused(workspace_.reused());
}

void MainWindow::show_title() {
  const ProjectSession& session = workspace_.session();
  const QString name = QString::fromStdString(session.path().stem().string());
  const QString shown = session.read_only_reason().isEmpty() ? name : tr("%1 (reading only)").arg(name);
  setWindowTitle(session.is_open() ? tr("%1 — Longleaf").arg(shown) : tr("Longleaf"));
}

void MainWindow::show_heat(const app::HeatScope& scope) {
  const auto& trace = workspace_.trace();
  if (trace == nullptr) {
    workspace_.sources().set_heat({});
    document_->set_heat({});
    return;
  }
  // Long prompts with many layers take a good part of a second to add up.
  heat_.setFuture(run_in_pool([trace, scope] {
    Heat result;
    const app::KeyHeat heat = app::make_key_heat(*trace->trace, scope);
    if (!heat.sparse) return result;
    double strongest = 0;
    const std::vector<app::PartHeat> by_part = app::part_heat(heat, trace->map);
    for (const app::PartHeat& part : by_part) strongest = std::max(strongest, part.weight);
    for (const app::PartHeat& part : by_part) {
      if (part.weight > 0) result.parts.insert(part.part, part.weight / strongest);
    }
    const std::vector<app::SpanHeat> ranked = app::rank_spans(heat, trace->map, kMostHeatSpans);
    for (const app::SpanHeat& span : ranked) {
      const app::PromptBlock& block = trace->map.blocks[span.block];
      result.spans[block.part].push_back({block.begin, block.end, span.weight / std::max(1e-9, ranked.front().weight)});
    }
    return result;
  }));
}

void MainWindow::take_heat() {
  if (heat_.future().resultCount() == 0 || workspace_.trace() == nullptr) return;
  const Heat heat = heat_.result();
  workspace_.sources().set_heat(heat.parts);
  document_->set_heat(heat.spans);
}

void MainWindow::show_message(const QString& text) {
  message_->setText(text);
  set_text_color(message_, tokens().amber);
  message_->setVisible(!text.isEmpty());
  QTimer::singleShot(kMessageMs, message_, [label = message_, text] {
    if (label->text() == text) label->hide();
  });
}

void MainWindow::restore_session() {
  workspace_.session().setting("window.document", this, [this](const QString& state) {
    session_restored_ = true;
    if (!state.isEmpty() && document_->current_part() == 0) document_->restore_state(state);
  });
}

void MainWindow::store_session() {
  if (session_restored_) workspace_.session().set_setting("window.document", document_->state().toStdString());
}

void MainWindow::set_theme(Theme theme) {
  settings_.set_theme(theme);
  apply_theme(*qApp, theme, scheme_.dark());
}

void MainWindow::closeEvent(QCloseEvent* event) {
  settings_.set_value(QStringLiteral("geometry"), saveGeometry());
  store_layout();
  store_session();
  QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (!event->mimeData()->hasUrls()) return;
  event->acceptProposedAction();
  std::vector<std::filesystem::path> paths;
  for (const QUrl& url : event->mimeData()->urls()) {
    if (url.isLocalFile() && !url.toLocalFile().endsWith(QLatin1String(".longleaf"))) paths.emplace_back(url.toLocalFile().toStdString());
  }
  if (paths.empty()) return;
  show_drop_hint(tr("Let go to add"));
  run_in_background(
      drag_thread_, this, drags_.next(), [paths](std::stop_token stop) { return cost_of_paths(paths, stop); },
      [this](const DropCost& cost) { show_drop_hint(tr("Let go to add %1").arg(drop_cost_text(cost))); });
}

void MainWindow::show_drop_hint(const QString& text) {
  drop_hint_->setText(text);
  drop_hint_->adjustSize();
  drop_hint_->move((width() - drop_hint_->width()) / 2, height() / 2 - drop_hint_->height());
  drop_hint_->show();
  drop_hint_->raise();
}

void MainWindow::hide_drop_hint() {
  drags_.drop_all();
  drag_thread_.cancel();
  drop_hint_->hide();
}

void MainWindow::dragLeaveEvent(QDragLeaveEvent* event) {
  hide_drop_hint();
  QMainWindow::dragLeaveEvent(event);
}

void MainWindow::dropEvent(QDropEvent* event) {
  hide_drop_hint();
  QStringList paths;
  for (const QUrl& url : event->mimeData()->urls()) {
    if (url.isLocalFile()) paths << url.toLocalFile();
  }
  if (paths.size() == 1 && paths.front().endsWith(QLatin1String(".longleaf"))) open_project(paths.front().toStdString());
  else if (!paths.isEmpty()) add_sources(paths);
  event->acceptProposedAction();
}

}  // namespace ui
