#include "ui/conversation/ask_controller.h"

namespace ui {
namespace {

constexpr int kShowEveryMs = 33;
constexpr int kTellEveryMs = 100;

}  // namespace

/// Written by the engine's thread, read by the window's: what came since the last look.
class AskController::Observer final : public engine::GenerationObserver {
 public:
  struct News {
    std::string thinking;
    std::string answer;
    std::int64_t n_prefilled = 0;
    std::int64_t n_prompt = 0;
    std::int64_t n_cached = 0;
    std::int64_t n_generated = 0;
    std::int64_t live_token = -1;
    std::vector<engine::BlockSet> live_layers;
    bool any = false;
  };

  void on_prefill(std::int64_t n_done, std::int64_t n_total, std::int64_t n_cached) override {
    const std::lock_guard lock(mutex_);
    news_.n_prefilled = n_done;
    news_.n_prompt = n_total;
    news_.n_cached = n_cached;
    news_.any = true;
  }

  void on_text(engine::Channel channel, std::string_view text, std::int64_t first_token) override {
    const std::lock_guard lock(mutex_);
    (channel == engine::Channel::kThinking ? news_.thinking : news_.answer).append(text);
    news_.n_generated = first_token + 1;
    news_.any = true;
  }

  void on_token_selection(std::int64_t token, std::span<const engine::BlockSet> layers) override {
    const std::lock_guard lock(mutex_);
    news_.n_generated = token + 1;
    if (news_.live_token < 0) {  // thirty copies a second are enough for the eye
      news_.live_token = token;
      news_.live_layers.assign(layers.begin(), layers.end());
    }
    news_.any = true;
  }

  /// The new pieces of text and the latest numbers.
  News take() {
    const std::lock_guard lock(mutex_);
    News news = news_;
    news_.live_token = -1;
    news_.thinking.clear();
    news_.answer.clear();
    news_.any = false;
    return news;
  }

 private:
  std::mutex mutex_;
  News news_;
};

AskController::AskController(QObject* parent) : QObject(parent), engine_(std::make_unique<app::EngineThread>()) {
  poll_.setInterval(kShowEveryMs);
  connect(&poll_, &QTimer::timeout, this, &AskController::take_over);
}

/// Tells how far the prompt of an experiment is read, ten times a second at most.
class AskController::TryObserver final : public engine::GenerationObserver {
 public:
  explicit TryObserver(std::function<void(qint64, qint64)> tell) : tell_(std::move(tell)) { clock_.start(); }
  void on_prefill(std::int64_t n_done, std::int64_t n_total, std::int64_t) override {
    if (clock_.elapsed() < kTellEveryMs && n_done < n_total) return;
    clock_.restart();
    tell_(n_done, n_total);
  }
  void on_text(engine::Channel, std::string_view, std::int64_t) override {}

 private:
  std::function<void(qint64, qint64)> tell_;
  QElapsedTimer clock_;
};

AskController::~AskController() {
  loads_.drop_all();
  tries_.drop_all();
  runs_.drop_all();
  engine_.reset();
}

void AskController::load_model(const std::filesystem::path& model, const engine::LocalEngineOptions& options) {
  loading_ = true;
  const Ticket ticket = loads_.next();
  const QPointer<QObject> self(this);
  load_job_ = engine_->load(
      model, options,
      [this, self, ticket](double fraction, const std::string& what) {
        deliver_to_window(self, ticket, [this, fraction, what] { emit model_progress(fraction, QString::fromStdString(what)); });
      },
      [this, self, ticket](app::Result<engine::EngineInfo> result) {
        deliver_to_window(self, ticket, [this, result = std::move(result)]() mutable { on_loaded(std::move(result)); });
      });
}

void AskController::open_engine(app::EngineThread::Opener opener) {
  loading_ = true;
  const Ticket ticket = loads_.next();
  const QPointer<QObject> self(this);
  load_job_ = engine_->open(std::move(opener), {}, [this, self, ticket](app::Result<engine::EngineInfo> result) {
    deliver_to_window(self, ticket, [this, result = std::move(result)]() mutable { on_loaded(std::move(result)); });
  });
}

void AskController::on_loaded(app::Result<engine::EngineInfo> result) {
  loading_ = false;
  if (result) emit model_loaded();
  else emit model_failed(QString::fromStdString(result.error().message));
}

void AskController::cancel_load() {
  if (loading_) engine_->cancel(load_job_);
}

void AskController::ask(const std::filesystem::path& project, const app::Question& question) {
  if (run_.running) return;
  run_ = RunView();
  run_.question = QString::fromStdString(question.prompt.question);
  if (question.beginning) {
    run_.thinking = question.beginning->thinking;
    run_.answer = question.beginning->answer;
  }
  run_.running = true;
  prefill_began_ = decode_began_ = 0;
  clock_.start();
  observer_ = std::make_shared<Observer>();
  enough_ = std::stop_source();
  app::Question asked = question;
  asked.answer_now = enough_.get_token();
  const Ticket ticket = runs_.next();
  const QPointer<QObject> self(this);
  ask_job_ = engine_->ask(project, asked, observer_, [this, self, ticket](app::Result<app::Answer> result) {
    auto shared = std::make_shared<app::Result<app::Answer>>(std::move(result));
    deliver_to_window(self, ticket, [this, shared] {
      take_over();
      poll_.stop();
      run_.running = false;
      if (!*shared) {
        const bool cancelled = shared->error().code == app::ErrorCode::kCancelled;
        run_.end = cancelled ? "cancelled" : "error";
        if (!cancelled) run_.error = QString::fromStdString(shared->error().message);
        emit failed(run_.error);
        return;
      }
      auto answer = std::make_shared<app::Answer>(std::move(**shared));
      run_.thinking = answer->generation.thinking;
      run_.answer = answer->generation.answer;
      run_.end = answer->run.end;
      run_.n_generated = static_cast<std::int64_t>(answer->generation.tokens.size());
      run_.n_prompt = answer->generation.n_prompt_tokens;
      run_.n_cached = answer->generation.n_cached_tokens;
      emit finished(std::move(answer));
    });
  });
  poll_.start();
  emit started();
}

void AskController::try_run(const std::filesystem::path& project, app::RunId run, const engine::SelectionOptions& selection) {
  const Ticket ticket = tries_.next();
  const QPointer<QObject> self(this);
  auto observer = std::make_shared<TryObserver>([this, self, ticket](qint64 n_done, qint64 n_total) {
    deliver_to_window(self, ticket, [this, n_done, n_total] { emit try_progress(n_done, n_total); });
  });
  try_job_ = engine_->experiment(project, run, selection, std::move(observer), [this, self, ticket](app::Result<app::Experiment> result) {
    auto shared = std::make_shared<app::Result<app::Experiment>>(std::move(result));
    deliver_to_window(self, ticket, [this, shared] {
      if (*shared) emit tried(std::make_shared<const app::Experiment>(std::move(**shared)));
      else emit try_failed(QString::fromStdString(shared->error().message));
    });
  });
}

void AskController::stop_trying() { engine_->cancel(try_job_); }

void AskController::stop() {
  if (run_.running) engine_->cancel(ask_job_);
}

void AskController::answer_now() {
  if (run_.running) enough_.request_stop();
}

void AskController::take_over() {
  if (observer_ == nullptr) return;
  Observer::News news = observer_->take();
  const double now = static_cast<double>(clock_.elapsed()) / 1000.0;
  run_.seconds = now;
  if (news.n_prompt > 0) {
    if (prefill_began_ == 0) prefill_began_ = now;
    run_.n_prefilled = news.n_prefilled;
    run_.n_prompt = news.n_prompt;
    run_.n_cached = news.n_cached;
    const double taken = now - prefill_began_;
    if (news.n_generated == 0 && taken > 0.1) run_.prefill_rate = static_cast<double>(news.n_prefilled - news.n_cached) / taken;
  }
  if (news.n_generated > 0) {
    if (decode_began_ == 0) decode_began_ = now;
    run_.n_generated = news.n_generated;
    if (now - decode_began_ > 0.1) run_.decode_rate = static_cast<double>(news.n_generated) / (now - decode_began_);
  }
  if (news.live_token >= 0) {
    run_.live_token = news.live_token;
    run_.live_layers = std::move(news.live_layers);
  }
  run_.thinking += news.thinking;
  run_.answer += news.answer;
  if (run_.answer.empty() && decode_began_ > 0) run_.thinking_seconds = now - decode_began_;
  if (run_.running) emit progressed();
}

}  // namespace ui
