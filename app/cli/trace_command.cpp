#include <map>
#include <memory>
#include <utility>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"
#include "app/cli/trace_output.h"
#include "app/heatmap/evidence.h"

namespace app::cli {
namespace {

const std::map<std::string, HeatPhase> kPhases{{"written", HeatPhase::kGenerated}, {"thinking", HeatPhase::kThinking},     {"answer", HeatPhase::kAnswer},
                                               {"prompt", HeatPhase::kPrefill},    {"question", HeatPhase::kPrefill}, {"thinking-only", HeatPhase::kThinkingOnly}};

struct TraceArguments {
  std::string project;
  RunId run = 0;
  int layer = 0;  // from 1; 0: all
  std::string phase = "written";
  std::string words;
  int passages = 20;
  std::string picture;
  PictureArguments look;
  RunId compare = 0;
  double least_alike = -1;
  std::string table;
  std::string file;
  bool json = false;
};

/// The queries that the arguments ask about.
Result<HeatScope> scope_of(const TraceArguments& arguments, const RunTrace& run) {
  HeatScope scope = arguments.look.scope;
  if (arguments.layer > run.trace->n_layers) return Error{ErrorCode::kInvalidInput, "The model has layers 1 to " + std::to_string(run.trace->n_layers) + "."};
  if (arguments.layer > 0) scope.layer = arguments.layer - 1;
  scope.phase = kPhases.at(arguments.phase);
  if (arguments.phase == "question") scope.tokens = run.map.question;
  if (arguments.words.empty()) return scope;
  scope.tokens = tokens_of_words(run, arguments.words);
  if (scope.tokens->end <= scope.tokens->begin) return Error{ErrorCode::kNotFound, "Neither thinking nor the answer of this run has the words \"" + arguments.words + "\"; copy them from `runs`."};
  return scope;
}

/// Pictures, tables and the trace itself, as far as they were asked for.
Result<void> write_files(const TraceArguments& arguments, const Project& project, const RunTrace& run, const PictureArguments& look) {
  if (!arguments.file.empty()) {
    TRY_ASSIGN(const std::string bytes, project.run_trace(arguments.run));
    TRY(write_bytes(bytes, arguments.file));
  }
  if (!arguments.table.empty()) TRY(write_trace_table(run, look, arguments.table));
  if (!arguments.picture.empty()) {
    TRY(write_trace_picture(run, look, arguments.picture));
    note("Wrote " + arguments.picture + "\n");
  }
  return {};
}

int show_trace(const TraceArguments& arguments) {
  const auto project = open_existing(arguments.project, OpenMode::kReadOnly);
  if (!project) return fail(project.error());
  const auto run = load_run_trace(**project, arguments.run);
  if (!run) return fail(run.error());
  const auto scope = scope_of(arguments, **run);
  if (!scope) return fail(scope.error());
  PictureArguments look = arguments.look;
  look.scope = *scope;
  if (arguments.compare > 0) {
    auto other = load_run_trace(**project, arguments.compare);
    if (!other) return fail(other.error());
    look.compared = std::move(*other);
  }
  const auto written = write_files(arguments, **project, **run, look);
  if (!written) return fail(written.error());
  if (look.compared != nullptr && arguments.least_alike >= 0) {
    const auto comparison = compare_traces(**run, *look.compared, arguments.least_alike);
    if (!comparison) return fail(comparison.error());
    say(comparison->text);
    return comparison->is_close ? kOk : kFailed;
  }
  if (arguments.json) say(trace_json(**run, *scope, arguments.passages));
  else if (arguments.picture.empty() && arguments.table.empty() && arguments.file.empty()) say(trace_summary(**run, *scope, arguments.passages));
  return kOk;
}

void add_picture_options(CLI::App& command, const std::shared_ptr<TraceArguments>& arguments) {
  command.add_option("--picture", arguments->picture, "Write a picture with its caption as PNG, or as SVG when the name ends so");
  command.add_option("--view", arguments->look.view, "What the picture shows")->check(CLI::IsMember({"map", "layers", "measures"}))->capture_default_str();
  command.add_option("--rows", arguments->look.rows, "Rows of the map")->check(CLI::IsMember({"prompt", "answer", "both"}))->capture_default_str();
  command.add_option("--mix", arguments->look.mix, "How layers become one")->check(CLI::IsMember({"mean", "max", "any"}))->capture_default_str();
  command.add_option("--colours", arguments->look.colours, "Scale of the picture")->check(CLI::IsMember({"cividis", "magma"}))->capture_default_str();
  command.add_flag("--linear", arguments->look.linear, "Even steps in place of a logarithmic scale");
  command.add_flag("--dark", arguments->look.dark, "On dark paper");
  command.add_option("--caption", arguments->look.caption, "The line under the picture");
  command.add_option("--table", arguments->table, "Write a table as CSV, by the end of its name: passages, sources, map, layers, distance, recall, agreement or differences.csv");
}

}  // namespace

void add_trace(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<TraceArguments>();
  CLI::App* command = program.add_subcommand("trace", "Show what a run selected, as text, table or picture; needs no model");
  command->add_option("PROJECT", arguments->project, "The project file")->required();
  command->add_option("RUN", arguments->run, "Number of the run (see: runs)")->required()->check(CLI::PositiveNumber);
  command->add_option("--layer", arguments->layer, "One layer, from 1 (default: all)")->check(CLI::Range(1, 100000));
  command->add_option("--phase", arguments->phase, "Whose selections: what was written, or only a part; thinking-only is what the answer let go")
      ->check(CLI::IsMember({"written", "thinking", "answer", "thinking-only", "prompt", "question"}))->capture_default_str();
  command->add_option("--words", arguments->words, "Only what these words of thinking or answer selected");
  command->add_option("--passages", arguments->passages, "How many passages are listed")->check(CLI::Range(1, 100000))->capture_default_str();
  command->add_flag("--hide-first", arguments->look.scope.without_sink, "Leave out the first block, which nearly every query selects");
  command->add_option("--hide-newest", arguments->look.scope.without_newest, "Leave out this many tokens before each query")->check(CLI::Range(0, 131072));
  add_picture_options(*command, arguments);
  CLI::Option* compare = command->add_option("--compare", arguments->compare, "Subtract: this other run over the same prompt minus RUN")->check(CLI::PositiveNumber);
  command->add_option("--least-alike", arguments->least_alike, "Print how alike both select, layer by layer, and fail where it is less than this (0 to 1)")->check(CLI::Range(0.0, 1.0))->needs(compare);
  command->add_option("--file", arguments->file, "Write the trace itself (docs/trace-format.md)");
  command->add_flag("--json", arguments->json, "Print as JSON");
  command->callback([arguments, &action] { action = [arguments] { return show_trace(*arguments); }; });
}

}  // namespace app::cli
