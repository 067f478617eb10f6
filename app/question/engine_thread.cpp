#include "app/question/engine_thread.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <utility>

namespace app {
namespace {

const Error kStopped{ErrorCode::kCancelled, "Stopped."};

/// Runs `work` at the thread's entry: what the standard library throws becomes an error.
template <typename T>
Result<T> guarded(const std::function<Result<T>()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kOutOfMemory, "There is not enough memory for this; choose fewer sources or a smaller model."};
  } catch (const std::exception& fault) {
    return Error{ErrorCode::kInvalidInput, std::string("The engine stopped unexpectedly (") + fault.what() + "); please try again."};
  }
}

}  // namespace

struct EngineThread::State {
  struct Job {
    JobId id = 0;
    std::stop_source stop;
    std::function<void(std::stop_token)> work;  // gets a stopped token where the job is only to be finished off
  };

  mutable std::mutex mutex;  // guards what follows, up to the thread
  std::condition_variable_any wake;
  std::deque<Job> waiting;
  JobId running = 0;
  std::stop_source running_stop;
  JobId n_jobs = 0;
  std::shared_ptr<engine::Engine> shared_engine;

  // Only the engine's thread touches these.
  std::filesystem::path project_path;
  std::unique_ptr<Project> project;
  std::shared_ptr<const engine::Tokenizer> tokenizer;
  std::unique_ptr<PromptBuilder> builder;

  std::jthread thread{[this](std::stop_token stop) { run(stop); }};

  JobId add(std::function<void(std::stop_token)> work) {
    const std::lock_guard lock(mutex);
    waiting.push_back({++n_jobs, {}, std::move(work)});
    wake.notify_one();
    return n_jobs;
  }

  void run(std::stop_token stop) {
    while (true) {
      std::unique_lock lock(mutex);
      running = 0;
      wake.wait(lock, stop, [this] { return !waiting.empty(); });
      if (waiting.empty()) break;
      Job job = std::move(waiting.front());
      waiting.pop_front();
      running = job.id;
      running_stop = job.stop;
      if (stop.stop_requested()) job.stop.request_stop();
      lock.unlock();
      job.work(job.stop.get_token());
    }
    forget_project();
  }

  void set_engine(std::unique_ptr<engine::Engine> engine) {
    std::shared_ptr<engine::Engine> old = std::move(engine);
    builder.reset();
    tokenizer.reset();
    const std::lock_guard lock(mutex);
    shared_engine.swap(old);
  }

  std::shared_ptr<engine::Engine> current() const {
    const std::lock_guard lock(mutex);
    return shared_engine;
  }

  void forget_project() {
    builder.reset();
    tokenizer.reset();
    project.reset();
    project_path.clear();
  }

  /// Project and builder for the next job; the model of it.
  Result<std::shared_ptr<engine::Engine>> prepare(const std::filesystem::path& path) {
    auto engine = current();
    if (!engine) return Error{ErrorCode::kNotFound, "No model is loaded; choose one first."};
    if (project == nullptr || project_path != path) {
      forget_project();
      TRY_ASSIGN(project, Project::open(path));
      project_path = path;
    }
    if (builder == nullptr) {
      tokenizer = engine->tokenizer();
      builder = std::make_unique<PromptBuilder>(*project, *tokenizer, engine->layout(), engine->info().context_length);
    }
    builder->refresh();
    return engine;
  }

  Result<Experiment> experiment(const std::filesystem::path& path, RunId id, const engine::SelectionOptions& selection,
                                engine::GenerationObserver& observer, std::stop_token stop) {
    TRY_ASSIGN(const auto engine, prepare(path));
    TRY_ASSIGN(const Run run, project->run(id));
    return run_experiment(*project, *engine, *builder, run, selection, observer, std::move(stop));
  }

  Result<Answer> answer(const std::filesystem::path& path, const Question& question, engine::GenerationObserver& observer,
                        std::stop_token stop) {
    TRY_ASSIGN(const auto engine, prepare(path));
    TRY_ASSIGN(Answer given, answer_question(*project, *engine, *builder, question, observer, stop));
    // Answer::not_saved tells the user; the answer itself must not get lost.
    static_cast<void>(save_answer(*project, given));
    return given;
  }
};

EngineThread::EngineThread() : state_(std::make_unique<State>()) {}

EngineThread::~EngineThread() {
  cancel_all();
  state_->thread.request_stop();
  state_->thread.join();
}

EngineThread::JobId EngineThread::load(std::filesystem::path model, engine::LocalEngineOptions options, engine::LoadObserver observer,
                                       std::function<void(Result<engine::EngineInfo>)> done) {
  auto opener = [model = std::move(model), options = std::move(options)](const engine::LoadObserver& progress, std::stop_token stop) {
    return engine::open_local_engine(model, options, progress, stop);
  };
  return open(std::move(opener), std::move(observer), std::move(done));
}

EngineThread::JobId EngineThread::open(Opener opener, engine::LoadObserver observer, std::function<void(Result<engine::EngineInfo>)> done) {
  return state_->add([this, opener = std::move(opener), observer = std::move(observer), done = std::move(done)](std::stop_token stop) {
    done(guarded<engine::EngineInfo>([&]() -> Result<engine::EngineInfo> {
      if (stop.stop_requested()) return kStopped;
      // Two models at once may be more than the memory holds.
      state_->set_engine(nullptr);
      TRY_ASSIGN(auto engine, opener(observer, stop));
      engine::EngineInfo info = engine->info();
      state_->set_engine(std::move(engine));
      return info;
    }));
  });
}

EngineThread::JobId EngineThread::unload(std::function<void()> done) {
  return state_->add([this, done = std::move(done)](std::stop_token) {
    state_->set_engine(nullptr);
    if (done) done();
  });
}

EngineThread::JobId EngineThread::ask(std::filesystem::path project, Question question, std::shared_ptr<engine::GenerationObserver> observer,
                                      std::function<void(Result<Answer>)> done) {
  return state_->add([this, project = std::move(project), question = std::move(question), observer = std::move(observer),
                      done = std::move(done)](std::stop_token stop) {
    done(guarded<Answer>([&]() -> Result<Answer> {
      if (stop.stop_requested()) return kStopped;
      return state_->answer(project, question, *observer, stop);
    }));
  });
}

EngineThread::JobId EngineThread::experiment(std::filesystem::path project, RunId run, engine::SelectionOptions selection,
                                             std::shared_ptr<engine::GenerationObserver> observer, std::function<void(Result<Experiment>)> done) {
  return state_->add([this, project = std::move(project), run, selection = std::move(selection), observer = std::move(observer),
                      done = std::move(done)](std::stop_token stop) {
    done(guarded<Experiment>([&]() -> Result<Experiment> {
      if (stop.stop_requested()) return kStopped;
      return state_->experiment(project, run, selection, *observer, stop);
    }));
  });
}

EngineThread::JobId EngineThread::close_project(std::function<void()> done) {
  return state_->add([this, done = std::move(done)](std::stop_token) {
    state_->forget_project();
    if (done) done();
  });
}

void EngineThread::cancel(JobId job) {
  const std::lock_guard lock(state_->mutex);
  if (state_->running == job) {
    state_->running_stop.request_stop();
    return;
  }
  // A waiting job keeps its place and ends at once when its turn comes, so that `done` is always called.
  for (State::Job& waiting : state_->waiting) {
    if (waiting.id == job) waiting.stop.request_stop();
  }
}

void EngineThread::cancel_all() {
  const std::lock_guard lock(state_->mutex);
  if (state_->running != 0) state_->running_stop.request_stop();
  for (State::Job& waiting : state_->waiting) waiting.stop.request_stop();
}

bool EngineThread::busy() const {
  const std::lock_guard lock(state_->mutex);
  return state_->running != 0 || !state_->waiting.empty();
}

std::shared_ptr<const engine::Engine> EngineThread::engine() const { return state_->current(); }

}  // namespace app
