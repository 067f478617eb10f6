#include "ui/project/token_counter.h"

#include <QElapsedTimer>

namespace ui {
namespace {

constexpr int kBatchMs = 60;

}  // namespace

app::Result<app::PromptBuilder*> TokenCounter::State::ready() {
  if (builder == nullptr) {
    TRY_ASSIGN(project, app::Project::open(path, app::OpenMode::kReadOnly));
    tokenizer = engine->tokenizer();
    builder = std::make_unique<app::PromptBuilder>(*project, *tokenizer, engine->layout(), engine->info().context_length);
  }
  return builder.get();
}

TokenCounter::TokenCounter(QObject* parent) : QObject(parent) {}

TokenCounter::~TokenCounter() {
  counts_.drop_all();
  measures_.drop_all();
  citations_.drop_all();
}

void TokenCounter::set_subject(const std::filesystem::path& project, std::shared_ptr<const engine::Engine> engine) {
  counts_.drop_all();
  measures_.drop_all();
  citations_.drop_all();
  thread_.cancel();
  if (state_ != nullptr) thread_.post([old = std::exchange(state_, nullptr)](std::stop_token) mutable { old.reset(); });
  if (engine == nullptr || project.empty()) return;
  state_ = std::make_shared<State>();
  state_->path = project;
  state_->engine = std::move(engine);
}

void TokenCounter::refresh() {
  if (state_ == nullptr) return;
  thread_.post([state = state_](std::stop_token) {
    if (state->builder != nullptr) state->builder->refresh();
  });
}

void TokenCounter::count(std::vector<app::PartId> parts, std::map<app::PartId, app::Detail> detail, std::map<app::PartId, app::Passages> passages) {
  if (state_ == nullptr) return;
  const Ticket ticket = counts_.next();
  const QPointer<QObject> self(this);
  // In batches: a measurement that the reader waits for takes its turn in between.
  struct Asked {
    app::PartId part = 0;
    app::Detail detail = app::Detail::kFull;
    app::Passages passages;
  };
  struct Batch {
    static void run(TokenCounter* counter, QPointer<QObject> self, std::shared_ptr<State> state, Ticket ticket,
                    std::shared_ptr<std::vector<Asked>> parts, std::size_t from, std::stop_token stop) {
      if (!ticket.is_current()) return;
      auto builder = state->ready();
      if (!builder) return;
      std::vector<std::pair<app::PartId, std::int64_t>> counts;
      QElapsedTimer clock;
      clock.start();
      while (from < parts->size() && clock.elapsed() < kBatchMs && !stop.stop_requested()) {
        const Asked& asked = (*parts)[from++];
        const auto count = (*builder)->count_part(asked.part, asked.detail, asked.passages);
        if (count) counts.emplace_back(asked.part, *count);
      }
      deliver_to_window(self, ticket, [counter, counts = std::move(counts)] { emit counter->counted(counts); });
      if (from >= parts->size() || stop.stop_requested()) return;
      counter->thread_.post([=](std::stop_token next) { run(counter, self, state, ticket, parts, from, next); });
    }
  };
  auto list = std::make_shared<std::vector<Asked>>();
  for (const app::PartId part : parts) {
    const auto how = detail.find(part);
    const auto only = passages.find(part);
    list->push_back({part, how == detail.end() ? app::Detail::kFull : how->second, only == passages.end() ? app::Passages() : only->second});
  }
  thread_.post([this, self, state = state_, ticket, list](std::stop_token stop) { Batch::run(this, self, state, ticket, list, 0, stop); });
}

void TokenCounter::measure(const app::PromptQuestion& question) {
  if (state_ == nullptr) return;
  struct Measured {
    app::TokenBudget budget;
    std::int64_t reused = -1;
  };
  run_in_background(
      thread_, this, measures_.next(),
      [state = state_, question](std::stop_token) -> app::Result<Measured> {
        TRY_ASSIGN(app::PromptBuilder * builder, state->ready());
        Measured measured;
        TRY_ASSIGN(measured.budget, builder->measure(question));
        if (measured.budget.over() > 0 || question.sources.parts.empty()) return measured;
        app::PromptQuestion asked = question;
        if (asked.question.empty()) asked.question = "?";  // the sources come before it: what is read of them is the same
        if (const auto prompt = builder->build(asked)) measured.reused = state->engine->cached_prefix(prompt->request.prompt);
        return measured;
      },
      [this](app::Result<Measured> result) {
        if (result) emit measured(result->budget, result->reused);
        else emit failed(QString::fromStdString(result.error().message));
      },
      Turn::kFirst);
}

void TokenCounter::build(const app::PromptQuestion& question, QObject* receiver,
                         std::function<void(app::Result<std::shared_ptr<app::Prompt>>)> deliver) {
  if (state_ == nullptr) return;
  run_in_background(
      thread_, receiver, Ticket(),
      [state = state_, question](std::stop_token) -> app::Result<std::shared_ptr<app::Prompt>> {
        TRY_ASSIGN(app::PromptBuilder * builder, state->ready());
        TRY_ASSIGN(app::Prompt prompt, builder->build(question));
        return std::make_shared<app::Prompt>(std::move(prompt));
      },
      std::move(deliver), Turn::kFirst);
}

void TokenCounter::find_citations(const std::string& answer, std::shared_ptr<app::Prompt> prompt, QObject* receiver,
                                  std::function<void(std::vector<app::Citation>)> deliver) {
  if (state_ == nullptr) return;
  run_in_background(
      thread_, receiver, citations_.next(),
      [state = state_, answer, prompt](std::stop_token) {
        if (!state->ready()) return std::vector<app::Citation>();
        auto found = app::find_citations(answer, prompt->map, *state->project, state->engine->layout());
        return found ? std::move(*found) : std::vector<app::Citation>();
      },
      std::move(deliver), Turn::kFirst);
}

}  // namespace ui
