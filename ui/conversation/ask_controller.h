#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/question/engine_thread.h"
#include "ui/background_task.h"

namespace ui {

/// What is known of a run while it goes on and after it: the value that the conversation shows.
struct RunView {
  QString question;
  std::string thinking;
  std::string answer;
  std::int64_t n_prefilled = 0;
  std::int64_t n_prompt = 0;
  std::int64_t n_cached = 0;
  std::int64_t n_generated = 0;
  double seconds = 0;             // since it was asked
  double thinking_seconds = 0;
  double decode_rate = 0;         // tokens/s
  double prefill_rate = 0;
  std::int64_t live_token = -1;              // the token that live_layers belongs to
  std::vector<engine::BlockSet> live_layers; // what it selected, per layer
  bool running = false;
  std::string end;                // "end", "length", "cancelled"; empty while it runs
  QString error;
};

/// Asks on the engine's thread and brings what comes back to the window: the pieces are gathered, so
/// that at most one event is on its way, thirty times a second at most.
class AskController final : public QObject {
  Q_OBJECT

 public:
  explicit AskController(QObject* parent = nullptr);
  ~AskController() override;

  app::EngineThread& engine_thread() { return *engine_; }
  std::shared_ptr<const engine::Engine> engine() const { return engine_->engine(); }

  void load_model(const std::filesystem::path& model, const engine::LocalEngineOptions& options);
  /// An engine of the caller's making: a fake in tests.
  void open_engine(app::EngineThread::Opener opener);
  void cancel_load();
  bool loading() const { return loading_; }

  void ask(const std::filesystem::path& project, const app::Question& question);
  void stop();
  /// While it thinks: the thinking is closed and the answer begins.
  void answer_now();
  bool running() const { return run_.running; }
  const RunView& run() const { return run_; }

  /// Asks a saved run again under another selection; `tried` or `try_failed` follows. Questions wait.
  void try_run(const std::filesystem::path& project, app::RunId run, const engine::SelectionOptions& selection);
  void stop_trying();

 signals:
  void model_progress(double fraction, const QString& what);
  void model_loaded();
  void model_failed(const QString& message);
  void started();
  void progressed();
  void finished(std::shared_ptr<const app::Answer> answer);
  void failed(const QString& message);
  void try_progress(qint64 n_done, qint64 n_total);
  void tried(std::shared_ptr<const app::Experiment> experiment);
  void try_failed(const QString& message);

 private:
  class Observer;
  class TryObserver;

  void take_over();
  void on_loaded(app::Result<engine::EngineInfo> result);

  RunView run_;
  QElapsedTimer clock_;
  QTimer poll_;
  double prefill_began_ = 0;
  double decode_began_ = 0;
  bool loading_ = false;
  app::EngineThread::JobId load_job_ = 0;
  app::EngineThread::JobId ask_job_ = 0;
  app::EngineThread::JobId try_job_ = 0;
  Tickets loads_;
  Tickets runs_;
  Tickets tries_;
  std::shared_ptr<Observer> observer_;
  std::stop_source enough_;  // thought enough
  std::unique_ptr<app::EngineThread> engine_;
};

}  // namespace ui
