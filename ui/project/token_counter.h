#pragma once

#include <QObject>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "app/question/citations.h"
#include "app/question/prompt_builder.h"
#include "engine/engine.h"
#include "ui/background_task.h"

namespace ui {

/// Counts what parts and whole prompts take, with the loaded model's own tokenizer, on a thread of
/// its own with its own connection to the project.
class TokenCounter final : public QObject {
  Q_OBJECT

 public:
  explicit TokenCounter(QObject* parent = nullptr);
  ~TokenCounter() override;

  /// The project and model to count for; a null engine stops counting.
  void set_subject(const std::filesystem::path& project, std::shared_ptr<const engine::Engine> engine);
  bool can_count() const { return state_ != nullptr; }
  /// Counts these parts, in this order and with this much of each; replaces what still waited.
  void count(std::vector<app::PartId> parts, std::map<app::PartId, app::Detail> detail, std::map<app::PartId, app::Passages> passages = {});
  /// The exact arithmetic of a prompt; only the newest request is answered.
  void measure(const app::PromptQuestion& question);
  /// The prompt itself, for showing it and for following its citations while the answer streams.
  void build(const app::PromptQuestion& question, QObject* receiver, std::function<void(app::Result<std::shared_ptr<app::Prompt>>)> deliver);
  /// Where the citations of a text that still streams point to.
  void find_citations(const std::string& answer, std::shared_ptr<app::Prompt> prompt, QObject* receiver,
                      std::function<void(std::vector<app::Citation>)> deliver);
  /// Any other work with the builder on its thread. `work(Project&, PromptBuilder&, PromptLayout)` gives a Result.
  template <typename Work, typename Deliver>
  void with_builder(QObject* receiver, Work work, Deliver deliver) {
    if (state_ == nullptr) return;
    run_in_background(
        thread_, receiver, Ticket(),
        [state = state_, work = std::move(work)](std::stop_token) mutable
        -> std::invoke_result_t<Work&, app::Project&, app::PromptBuilder&, const engine::PromptLayout&> {
          TRY_ASSIGN(app::PromptBuilder * builder, state->ready());
          return work(*state->project, *builder, state->engine->layout());
        },
        std::move(deliver), Turn::kFirst);
  }
  /// The project has new documents.
  void refresh();

 signals:
  void counted(const std::vector<std::pair<app::PartId, std::int64_t>>& counts);
  /// `reused`: prompt tokens that the engine would find read already; -1 where that is not known.
  void measured(const app::TokenBudget& budget, std::int64_t reused);
  void failed(const QString& message);

 private:
  /// Touched on the thread only.
  struct State {
    std::filesystem::path path;
    std::shared_ptr<const engine::Engine> engine;
    std::shared_ptr<const engine::Tokenizer> tokenizer;
    std::unique_ptr<app::Project> project;
    std::unique_ptr<app::PromptBuilder> builder;

    /// Opened with the first use, on the thread.
    app::Result<app::PromptBuilder*> ready();
  };

  std::shared_ptr<State> state_;
  Tickets counts_;
  Tickets measures_;
  Tickets citations_;
  BackgroundThread thread_;
};

}  // namespace ui
