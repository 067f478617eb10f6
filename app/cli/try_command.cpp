#include <array>
#include <cstdio>
#include <fstream>
#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"
#include "app/question/experiment.h"
#include "engine/trace/selection_names.h"

namespace app::cli {
namespace {

struct TryArguments {
  std::string project;
  RunId run = 0;
  std::vector<std::string> pinned;
  std::vector<std::string> muted;
  std::string select;
  int top_k = 0;
  std::string table;
  bool json = false;
  ModelArguments model;
};

class ReadingProgress final : public engine::GenerationObserver {
 public:
  void on_prefill(std::int64_t n_done, std::int64_t n_total, std::int64_t) override {
    line_.show("Reading " + with_commas(n_done) + " of " + with_commas(n_total) + " tokens");
  }
  void on_text(engine::Channel, std::string_view, std::int64_t) override {}
  void clear() { line_.clear(); }

 private:
  ProgressLine line_;
};

std::string decimals(double value, const char* format) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string describe(const Trial& trial) {
  return decimals(trial.mean_recall() * 100, "%.1f %% of dense attention kept, ") + decimals(trial.tokens_per_second, "%.0f tokens/s");
}

/// The text with what the other one has not in brackets.
std::string marked(const Trial& trial) {
  std::string text;
  bool open = false;
  for (std::size_t i = 0; i < trial.token_texts.size(); ++i) {
    const bool differs = trial.is_common[i] == 0;
    if (differs != open) text += differs ? "{" : "}";
    open = differs;
    text += trial.token_texts[i];
  }
  return text + (open ? "}" : "");
}

void show(const Experiment& experiment) {
  say("As asked:   " + describe(experiment.base) + "\n  " + marked(experiment.base) + "\n\n");
  say("Otherwise:  " + describe(experiment.other) + "\n  " + marked(experiment.other) + "\n\n");
  say(std::to_string(experiment.n_changed()) + " of " + std::to_string(experiment.base.token_texts.size()) + " tokens changed (in braces). Caused a change of " +
      decimals(experiment.log_probability_change(), "%+.3f") + " in the log-probability of the first text.\n");
}

nlohmann::ordered_json as_json(const Experiment& experiment) {
  const auto trial = [](const Trial& one) {
    return nlohmann::ordered_json{{"thinking", one.thinking}, {"answer", one.answer}, {"recall", one.recall}, {"mean_recall", one.mean_recall()}, {"tokens_per_second", one.tokens_per_second}};
  };
  return {{"as_asked", trial(experiment.base)},
          {"otherwise", trial(experiment.other)},
          {"tokens", experiment.base.token_texts.size()},
          {"tokens_changed", experiment.n_changed()},
          {"log_probability_change", experiment.log_probability_change()}};
}

int try_run(const TryArguments& arguments) {
  const StopOnInterrupt interrupt;
  const auto project = open_existing(arguments.project, OpenMode::kReadOnly);
  if (!project) return fail(project.error());
  const auto run = (*project)->run(arguments.run);
  if (!run) return fail(run.error());
  const auto asked = asked_question(*run);
  if (!asked) return fail(asked.error());
  const auto trace = load_run_trace(**project, arguments.run);
  if (!trace) return fail(trace.error());
  engine::SelectionOptions selection = asked->selection;
  if (!arguments.select.empty()) {
    selection.mode = engine::selection_mode_named(arguments.select);
  }
  if (arguments.top_k > 0) selection.top_k = arguments.top_k;
  auto pinned = ranges_of(**trace, arguments.pinned);
  if (!pinned) return fail(pinned.error());
  auto muted = ranges_of(**trace, arguments.muted);
  if (!muted) return fail(muted.error());
  selection.pinned = std::move(*pinned);
  selection.muted = std::move(*muted);
  const auto engine = open_model(arguments.model, interrupt.token());
  if (!engine) return fail(engine.error());
  const auto tokenizer = (*engine)->tokenizer();
  PromptBuilder builder(**project, *tokenizer, (*engine)->layout(), (*engine)->info().context_length);
  ReadingProgress progress;
  const auto experiment = run_experiment(**project, **engine, builder, *run, selection, progress, interrupt.token());
  progress.clear();
  if (!experiment) return fail(experiment.error());
  if (arguments.json) say_json(as_json(*experiment));
  else show(*experiment);
  if (arguments.table.empty()) return kOk;
  std::ofstream file(arguments.table, std::ios::binary);
  file << experiment_csv(*experiment);
  file.close();
  return file ? kOk : fail({ErrorCode::kIo, "The table could not be written to " + arguments.table + ": is there room, and may you write there?"});
}

}  // namespace

void add_try(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<TryArguments>();
  CLI::App* command = program.add_subcommand("try", "Ask a run again with passages pinned or muted, or with another selection, and show what that caused");
  command->add_option("PROJECT", arguments->project, "The project file")->required();
  command->add_option("RUN", arguments->run, "Number of the run (see: runs)")->required()->check(CLI::PositiveNumber);
  command->add_option("--pin", arguments->pinned, "Passages that every token selects: their numbers, or a page or file by name");
  command->add_option("--mute", arguments->muted, "Passages that no token selects");
  command->add_option("--select", arguments->select, "Another way to select")->check(CLI::IsMember({"indexer", "blocks", "dense"}));
  command->add_option("--top-k", arguments->top_k, "Another number of keys per query")->check(CLI::Range(1, 131072));
  command->add_option("--table", arguments->table, "Write every token with its log-probabilities as CSV");
  command->add_flag("--json", arguments->json, "Print as JSON");
  arguments->model.add_to(*command);
  command->callback([arguments, &action] { action = [arguments] { return try_run(*arguments); }; });
}

}  // namespace app::cli
