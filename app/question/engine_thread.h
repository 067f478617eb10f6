#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>

#include "app/question/ask.h"
#include "app/question/experiment.h"
#include "engine/engine.h"
#include "engine/local/local_engine.h"

namespace app {

/// The one thread on which a model lives: a queue of jobs, done one after the other.
///
/// All functions may be called from any thread and return at once. Every job's `done` is called
/// exactly once on the engine's thread, also when the job was cancelled (kCancelled) or the queue is
/// taken down; observers run there too. The destructor stops what runs, drops the rest and joins.
class EngineThread {
 public:
  using JobId = std::int64_t;
  using Opener = std::function<Result<std::unique_ptr<engine::Engine>>(const engine::LoadObserver&, std::stop_token)>;

  EngineThread();
  ~EngineThread();
  EngineThread(const EngineThread&) = delete;
  EngineThread& operator=(const EngineThread&) = delete;

  /// Puts the model of this folder or file in the place of the present one, which is let go first.
  JobId load(std::filesystem::path model, engine::LocalEngineOptions options, engine::LoadObserver observer,
             std::function<void(Result<engine::EngineInfo>)> done);
  /// The same with an engine of the caller's making (a server, a fake in tests).
  JobId open(Opener opener, engine::LoadObserver observer, std::function<void(Result<engine::EngineInfo>)> done);
  JobId unload(std::function<void()> done = {});

  /// Asks the loaded model; the project is opened on the engine's thread and stays open there for the
  /// next question. Fails with kNotFound when no model is loaded.
  JobId ask(std::filesystem::path project, Question question, std::shared_ptr<engine::GenerationObserver> observer,
            std::function<void(Result<Answer>)> done);
  /// run_experiment over a saved run: see experiment.h. Its text is not observed.
  JobId experiment(std::filesystem::path project, RunId run, engine::SelectionOptions selection,
                   std::shared_ptr<engine::GenerationObserver> observer, std::function<void(Result<Experiment>)> done);
  /// Lets go of the project of the last question, so that its file can be moved.
  JobId close_project(std::function<void()> done = {});

  /// Stops a job, or takes it out of the queue.
  void cancel(JobId job);
  void cancel_all();
  bool busy() const;

  /// The loaded engine, null when there is none. Only its thread-safe functions may be called, which
  /// is all but `generate`. Holding it keeps the model in memory.
  std::shared_ptr<const engine::Engine> engine() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace app
