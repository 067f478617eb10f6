#pragma once

#include <QObject>
#include <QTimer>
#include <QUndoStack>

#include <functional>
#include <memory>
#include <vector>

#include "app/heatmap/evidence.h"
#include "app/heatmap/run_trace.h"
#include "app/question/findings.h"
#include "ui/conversation/ask_controller.h"
#include "ui/project/jobs.h"
#include "ui/project/project_session.h"
#include "ui/project/token_counter.h"
#include "ui/sources/source_model.h"

namespace ui {

/// What the window works with, without a single widget: the project, the chosen sources, the model,
/// the budget of the next question and the run that goes on. Views listen to it.
class Workspace final : public QObject {
  Q_OBJECT

 public:
  explicit Workspace(QObject* parent = nullptr);
  ~Workspace() override;

  ProjectSession& session() { return session_; }
  SourceModel& sources() { return sources_; }
  Jobs& jobs() { return jobs_; }
  QUndoStack& undo() { return undo_; }
  AskController& asker() { return asker_; }
  TokenCounter& counter() { return counter_; }

  void load_model(const std::filesystem::path& model, const engine::LocalEngineOptions& options);
  void open_engine(app::EngineThread::Opener opener);

  /// The question as it is typed: it counts in the budget.
  void set_draft(const QString& question);
  /// Earlier turns that go along with the next question.
  void set_earlier(std::vector<app::PastTurn> earlier);
  void set_thinking(bool thinking);
  bool thinking() const { return thinking_; }
  app::Question make_question(const QString& text) const;
  void ask(const QString& question);
  /// Goes on where this run was stopped, with the sources that it had.
  void continue_run(const app::Run& run);
  /// Why this run cannot be continued now; empty when it can.
  QString obstacle_to_continue() const;
  /// The prompt of a saved run, made again; an error where model or sources are others by now.
  void rebuild_prompt(app::RunId run, QObject* receiver, std::function<void(app::Result<std::shared_ptr<app::Prompt>>)> deliver);
  /// Why asking is not possible now; empty when it is.
  QString obstacle() const;
  const app::TokenBudget& budget() const { return budget_; }
  bool budget_is_exact() const { return budget_exact_; }
  /// Prompt tokens of the next question that are read already; -1 where that is not known.
  std::int64_t reused() const { return reused_; }
  /// Sampling, selection, reserve and trace level of the questions to come.
  void set_question_settings(const app::Question& settings);
  const app::Question& question_settings() const { return settings_; }
  void set_max_thinking(int tokens);

  /// The prompt of the run that goes on or has just ended.
  std::shared_ptr<const app::Prompt> prompt() const { return prompt_; }
  /// Loads what a saved run selected and found; `trace_ready` and `findings_found` follow.
  void show_run(app::RunId run);
  const std::shared_ptr<const app::RunTrace>& trace() const { return trace_; }
  /// The run of `trace` and, per citation of its answer, whether the span was selected.
  app::RunId trace_run() const { return trace_run_; }
  const std::vector<app::CitationEvidence>& evidence() const { return evidence_; }
  /// Loads another run's selections, to be compared with `trace`; delivered to `deliver`, null where there are none.
  void load_trace(app::RunId run, QObject* receiver, std::function<void(std::shared_ptr<const app::RunTrace>)> deliver);
  /// Saved runs over the same prompt length as `trace`, newest first, without its own.
  void comparable_runs(QObject* receiver, std::function<void(std::vector<app::Run>)> deliver);

 signals:
  void budget_changed();
  void obstacle_changed();
  void question_settings_changed();
  void model_changed();
  void citations_found(const std::vector<app::Citation>& citations);
  void trace_ready();
  /// The findings of the run that is shown; empty where its answer holds none.
  void findings_found(const std::vector<app::Finding>& findings, const QString& question);
  void message(const QString& text);

 private:
  void on_opened();
  void on_documents();
  void count_tokens();
  void measure_soon();
  void measure();
  void on_finished(std::shared_ptr<const app::Answer> answer);
  void start(const app::Question& question);
  void follow_citations();
  void look_for_findings(std::function<app::Result<app::Run>(app::Project&)> run_of);
  void save_ticks();
  void connect_model();

  Jobs jobs_;
  QUndoStack undo_;
  ProjectSession session_;
  SourceModel sources_;
  AskController asker_;
  TokenCounter counter_;
  QTimer measure_timer_;
  QTimer save_timer_;
  QTimer citation_timer_;
  QString draft_;
  std::vector<app::PastTurn> earlier_;
  bool thinking_ = true;
  bool ticks_restored_ = false;
  app::Question settings_;
  app::TokenBudget budget_;
  bool budget_exact_ = false;
  std::int64_t reused_ = -1;
  QString count_failure_;
  QString model_failure_;
  int model_job_ = 0;
  std::shared_ptr<app::Prompt> prompt_;
  struct Shown {
    std::shared_ptr<const app::RunTrace> trace;
    std::vector<app::CitationEvidence> evidence;
  };
  void show_selection(app::RunId run, app::Result<Shown> shown);

  std::shared_ptr<const app::RunTrace> trace_;
  std::vector<app::CitationEvidence> evidence_;
  app::RunId trace_run_ = 0;
  Tickets traces_;
  Tickets findings_;
};

}  // namespace ui
