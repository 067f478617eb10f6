#include "ui/window/workspace.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QPointer>

#include <algorithm>

#include "app/question/run_question.h"

namespace ui {
namespace {

constexpr int kMeasureAfterMs = 150;
constexpr int kSaveAfterMs = 800;
constexpr int kCitationsEveryMs = 250;
constexpr char kSourcesKey[] = "window.sources";  // order and detail
constexpr char kTickedKey[] = "window.left_out";  // parts that are not chosen: new parts start chosen

}  // namespace

Workspace::Workspace(QObject* parent) : QObject(parent), session_(jobs_) {
  const auto single = [this](QTimer& timer, int ms, void (Workspace::*then)()) {
    timer.setSingleShot(true);
    timer.setInterval(ms);
    connect(&timer, &QTimer::timeout, this, then);
  };
  single(measure_timer_, kMeasureAfterMs, &Workspace::measure);
  single(save_timer_, kSaveAfterMs, &Workspace::save_ticks);
  single(citation_timer_, kCitationsEveryMs, &Workspace::follow_citations);
  connect(&session_, &ProjectSession::opened, this, &Workspace::on_opened);
  connect(&session_, &ProjectSession::documents_changed, this, &Workspace::on_documents);
  connect(&session_, &ProjectSession::failed, this, &Workspace::message);
  connect(&session_, &ProjectSession::closed, this, [this] {
    ticks_restored_ = false;
    sources_.set_documents({}, {});
    sources_.restore({});
    sources_.forget_tokens();
    undo_.clear();
    counter_.set_subject({}, nullptr);
    trace_.reset();
    findings_.drop_all();
    emit trace_ready();
    emit findings_found({}, {});
  });
  connect(&sources_, &SourceModel::ticks_changed, this, [this] {
    measure_soon();
    if (ticks_restored_) save_timer_.start();
  });
  connect(&sources_, &SourceModel::details_changed, this, &Workspace::count_tokens);
  connect(&counter_, &TokenCounter::counted, this, [this](const std::vector<std::pair<app::PartId, std::int64_t>>& counts) {
    sources_.set_tokens(counts);
    emit budget_changed();
  });
  connect(&counter_, &TokenCounter::measured, this, [this](const app::TokenBudget& budget, std::int64_t reused) {
    budget_ = budget;
    reused_ = reused;
    budget_exact_ = true;
    count_failure_.clear();
    emit budget_changed();
    emit obstacle_changed();
  });
  connect(&counter_, &TokenCounter::failed, this, [this](const QString& why) {
    count_failure_ = why;
    emit obstacle_changed();
  });
  connect_model();
  connect(&asker_, &AskController::finished, this, &Workspace::on_finished);
  connect(&asker_, &AskController::failed, this, [this] { emit obstacle_changed(); });
  connect(&asker_, &AskController::progressed, this, [this] {
    if (prompt_ != nullptr && !asker_.run().answer.empty() && !citation_timer_.isActive()) citation_timer_.start();
  });
}

Workspace::~Workspace() {
  if (save_timer_.isActive()) save_ticks();
}

void Workspace::connect_model() {
  connect(&asker_, &AskController::model_progress, this, [this](double fraction, const QString& what) {
    jobs_.progress(model_job_, what, static_cast<qint64>(fraction * 1000), 1000);
  });
  connect(&asker_, &AskController::model_loaded, this, [this] {
    jobs_.finish(model_job_, {});
    const auto engine = asker_.engine();
    model_failure_.clear();
    budget_ = app::TokenBudget();
    budget_exact_ = false;
    if (engine != nullptr) budget_.limit = engine->info().context_length;
    sources_.forget_tokens();
    if (session_.is_open()) counter_.set_subject(session_.path(), engine);
    count_tokens();
    measure_soon();
    emit model_changed();
    emit obstacle_changed();
  });
  connect(&asker_, &AskController::model_failed, this, [this](const QString& why) {
    jobs_.finish(model_job_, why);
    model_failure_ = why;
    emit model_changed();
    emit obstacle_changed();
    emit message(why);
  });
}

void Workspace::load_model(const std::filesystem::path& model, const engine::LocalEngineOptions& options) {
  counter_.set_subject({}, nullptr);
  model_failure_.clear();
  model_job_ = jobs_.begin(tr("Loading the model %1").arg(QString::fromStdString(model.filename().string())), [this] { asker_.cancel_load(); });
  asker_.load_model(model, options);
  emit model_changed();
  emit obstacle_changed();
}

void Workspace::open_engine(app::EngineThread::Opener opener) {
  model_job_ = jobs_.begin(tr("Loading the model"), [this] { asker_.cancel_load(); });
  asker_.open_engine(std::move(opener));
}

void Workspace::on_opened() {
  prompt_.reset();
  counter_.set_subject(session_.path(), asker_.engine());
  session_.setting(kTickedKey, this, [this](const QString& json) {
    QSet<qint64> left_out;
    for (const QJsonValue value : QJsonDocument::fromJson(json.toUtf8()).array()) left_out.insert(value.toInteger());
    if (!left_out.isEmpty()) {
      std::vector<app::PartId> ticked = sources_.all_parts();
      std::erase_if(ticked, [&](app::PartId part) { return left_out.contains(part); });
      sources_.set_ticked(ticked);
    }
    ticks_restored_ = true;
  });
  session_.setting(kSourcesKey, this, [this](const QString& json) {
    SourceState state = source_state_from_json(QJsonDocument::fromJson(json.toUtf8()).object());
    state.ticked = sources_.ticked();
    if (!state.detail.empty() || !state.order.empty() || !state.passages.empty()) sources_.restore(state);
  });
  emit obstacle_changed();
}

void Workspace::on_documents() {
  sources_.set_documents(session_.documents(), session_.parts());
  counter_.refresh();
  count_tokens();
  measure_soon();
  emit obstacle_changed();
}

void Workspace::count_tokens() {
  // Chosen ones first: they are what the meter shows.
  std::vector<app::PartId> parts = sources_.ticked();
  const QSet<qint64> chosen(parts.begin(), parts.end());
  for (const app::PartId part : sources_.all_parts()) {
    if (!chosen.contains(part)) parts.push_back(part);
  }
  std::erase_if(parts, [this](app::PartId part) { return sources_.index_of(part).data(SourceModel::kExactRole).toBool(); });
  if (!parts.empty()) counter_.count(std::move(parts), sources_.details(), sources_.passages());
}

void Workspace::save_ticks() {
  const std::vector<app::PartId> ticked = sources_.ticked();
  const QSet<qint64> chosen(ticked.begin(), ticked.end());
  QJsonArray left_out;
  for (const app::PartId part : sources_.all_parts()) {
    if (!chosen.contains(part)) left_out.append(static_cast<qint64>(part));
  }
  session_.set_setting(kTickedKey, QJsonDocument(left_out).toJson(QJsonDocument::Compact).toStdString());
  SourceState state = sources_.state();
  state.ticked.clear();  // they are kept as what is left out, so that new parts begin chosen
  session_.set_setting(kSourcesKey, QJsonDocument(source_state_to_json(state)).toJson(QJsonDocument::Compact).toStdString());
}

void Workspace::set_draft(const QString& question) {
  draft_ = question;
  measure_soon();
}

void Workspace::set_earlier(std::vector<app::PastTurn> earlier) {
  earlier_ = std::move(earlier);
  measure_soon();
}

void Workspace::set_thinking(bool thinking) {
  thinking_ = thinking;
  measure_soon();
}

void Workspace::set_question_settings(const app::Question& settings) {
  settings_ = settings;
  measure_soon();
  emit question_settings_changed();
}

void Workspace::set_max_thinking(int tokens) {
  settings_.max_thinking_tokens = tokens;
  emit question_settings_changed();
}

app::Question Workspace::make_question(const QString& text) const {
  app::Question question = settings_;
  // Whether the answer is held to the words of the sources is the model's nature, not a matter of sampling.
  if (const auto engine = asker_.engine(); engine != nullptr) question.sampling.quote_constraint = engine->layout().quote_constraint;
  question.prompt.question = text.toStdString();
  question.prompt.sources.parts = sources_.ticked();
  question.prompt.sources.detail = sources_.details();
  question.prompt.sources.passages = sources_.passages();
  question.prompt.thinking = thinking_;
  question.prompt.earlier = earlier_;
  return question;
}

void Workspace::measure_soon() {
  if (!measure_timer_.isActive()) measure_timer_.start();
}

void Workspace::measure() {
  budget_exact_ = false;
  reused_ = -1;
  emit budget_changed();
  if (counter_.can_count()) counter_.measure(make_question(draft_).prompt);
}

QString Workspace::obstacle() const {
  if (!session_.is_open()) return tr("Open or make a project first.");
  if (session_.documents().empty()) return tr("Add a PDF or a folder first.");
  if (asker_.loading()) return tr("The model is being loaded.");
  if (asker_.engine() == nullptr) return model_failure_.isEmpty() ? tr("No model is loaded; choose one under Model.") : model_failure_;
  if (sources_.ticked().empty()) return tr("Tick at least one page or file in the sources.");
  if (budget_exact_ && budget_.over() > 0) return tr("The chosen sources do not fit: %1").arg(QString::fromStdString(budget_.arithmetic()));
  return count_failure_;
}

void Workspace::ask(const QString& text) {
  if (asker_.running() || !obstacle().isEmpty()) return;
  start(make_question(text));
}

QString Workspace::obstacle_to_continue() const {
  if (asker_.running() || asker_.loading()) return tr("Something else goes on; continue when it is done.");
  if (!session_.is_open() || asker_.engine() == nullptr) return tr("A project and a model are needed to continue.");
  return {};
}

void Workspace::continue_run(const app::Run& run) {
  auto prompt = app::question_of_run(run);
  if (!prompt) {
    emit message(QString::fromStdString(prompt.error().message));
    return;
  }
  app::Question question = make_question({});
  question.prompt = std::move(*prompt);
  question.beginning = app::Beginning{run.thinking, run.answer};
  start(question);
}

void Workspace::rebuild_prompt(app::RunId run, QObject* receiver, std::function<void(app::Result<std::shared_ptr<app::Prompt>>)> deliver) {
  session_.with_project(
      receiver, [run](app::Project& project) { return project.run(run); },
      [this, receiver = QPointer<QObject>(receiver), deliver = std::move(deliver)](app::Result<app::Run> saved) {
        if (receiver == nullptr) return;
        if (!saved) {
          deliver(saved.error());
          return;
        }
        auto question = app::question_of_run(*saved);
        if (!question || !counter_.can_count()) {
          deliver(question ? app::Error{app::ErrorCode::kNotFound, tr("The prompt is made with the model's own tokenizer; load the model first.").toStdString()} : question.error());
          return;
        }
        const std::int64_t expected = saved->n_prompt_tokens;
        counter_.build(*question, receiver, [expected, deliver](app::Result<std::shared_ptr<app::Prompt>> prompt) {
          // Continued runs have what was said before behind the same prompt.
          if (prompt && (*prompt)->map.n_tokens > expected) {
            deliver(app::Error{app::ErrorCode::kNotFound, tr("The sources or the model have changed since this run: its exact prompt cannot be made again.").toStdString()});
            return;
          }
          deliver(std::move(prompt));
        });
      });
}

void Workspace::start(const app::Question& question) {
  prompt_.reset();
  asker_.ask(session_.path(), question);
  // The same prompt once more, here: the chips need its map while the answer streams.
  counter_.build(question.prompt, this, [this](app::Result<std::shared_ptr<app::Prompt>> prompt) {
    if (prompt && asker_.running()) prompt_ = std::move(*prompt);
  });
}

void Workspace::follow_citations() {
  if (prompt_ == nullptr || !asker_.running()) return;
  counter_.find_citations(asker_.run().answer, prompt_, this, [this](std::vector<app::Citation> citations) {
    if (asker_.running()) emit citations_found(citations);
  });
}

void Workspace::on_finished(std::shared_ptr<const app::Answer> answer) {
  prompt_ = std::make_shared<app::Prompt>(answer->prompt);
  measure_soon();  // what is read already is more by now
  emit citations_found(answer->citations);
  emit obstacle_changed();
  if (!answer->not_saved.empty()) emit message(QString::fromStdString(answer->not_saved));
  look_for_findings([run = answer->run](app::Project&) { return app::Result<app::Run>(run); });
  if (answer->generation.trace == nullptr) return;
  const Ticket ticket = traces_.next();
  session_.with_project(
      this,
      [answer](app::Project& project) -> app::Result<Shown> {
        Shown shown;
        TRY_ASSIGN(shown.trace, app::make_run_trace(project, answer->prompt.map, answer->generation));
        shown.evidence = app::citation_evidence(*shown.trace, answer->generation.answer, answer->citations);
        return shown;
      },
      [this, ticket, id = answer->run.id](app::Result<Shown> shown) {
        if (ticket.is_current()) show_selection(id, std::move(shown));
      });
}

void Workspace::show_selection(app::RunId run, app::Result<Shown> shown) {
  if (!shown && shown.error().code != app::ErrorCode::kNotFound) emit message(QString::fromStdString(shown.error().message));
  trace_run_ = run;
  trace_ = shown ? std::move(shown->trace) : nullptr;
  evidence_ = shown ? std::move(shown->evidence) : std::vector<app::CitationEvidence>();
  emit trace_ready();
}

void Workspace::look_for_findings(std::function<app::Result<app::Run>(app::Project&)> run_of) {
  const auto engine = asker_.engine();
  const engine::PromptLayout layout = engine == nullptr ? engine::PromptLayout() : engine->layout();
  struct Found {
    std::vector<app::Finding> findings;
    QString question;
  };
  const Ticket ticket = findings_.next();
  session_.with_project(
      this,
      [run_of = std::move(run_of), layout](app::Project& project) -> app::Result<Found> {
        TRY_ASSIGN(const app::Run run, run_of(project));
        TRY_ASSIGN(const app::PromptMap map, app::PromptMap::from_json(run.prompt_map_json));
        TRY_ASSIGN(auto findings, app::parse_findings(run.answer, map, project, layout));
        return Found{std::move(findings), QString::fromStdString(run.question)};
      },
      [this, ticket](app::Result<Found> found) {
        if (ticket.is_current()) emit findings_found(found ? found->findings : std::vector<app::Finding>(), found ? found->question : QString());
      });
}

void Workspace::show_run(app::RunId run) {
  look_for_findings([run](app::Project& project) { return project.run(run); });
  const Ticket ticket = traces_.next();
  session_.with_project(
      this,
      [run](app::Project& project) -> app::Result<Shown> {
        Shown shown;
        TRY_ASSIGN(shown.trace, app::load_run_trace(project, run));
        TRY_ASSIGN(const app::Run saved, project.run(run));
        const auto citations = app::citations_from_json(saved.citations_json);
        if (citations) shown.evidence = app::citation_evidence(*shown.trace, saved.answer, *citations);
        return shown;
      },
      [this, ticket, run](app::Result<Shown> shown) {
        if (ticket.is_current()) show_selection(run, std::move(shown));
      });
}

void Workspace::load_trace(app::RunId run, QObject* receiver, std::function<void(std::shared_ptr<const app::RunTrace>)> deliver) {
  session_.with_project(
      receiver, [run](app::Project& project) { return app::load_run_trace(project, run); },
      [this, deliver = std::move(deliver)](const app::Result<std::shared_ptr<const app::RunTrace>>& trace) {
        if (!trace) emit message(QString::fromStdString(trace.error().message));
        deliver(trace ? *trace : nullptr);
      });
}

void Workspace::comparable_runs(QObject* receiver, std::function<void(std::vector<app::Run>)> deliver) {
  const std::int64_t n_prompt = trace_ == nullptr ? 0 : trace_->trace->n_prompt_tokens;
  session_.with_project(
      receiver, [](app::Project& project) { return project.runs(); },
      [n_prompt, own = trace_run_, deliver = std::move(deliver)](app::Result<std::vector<app::Run>> runs) {
        if (!runs) return;
        std::erase_if(*runs, [&](const app::Run& run) { return run.id == own || run.n_prompt_tokens != n_prompt; });
        deliver(std::move(*runs));
      });
}

}  // namespace ui
