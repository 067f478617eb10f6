#include <memory>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"
#include "app/cli/trace_output.h"
#include "app/heatmap/heat_matrix.h"

namespace app::cli {
namespace {

struct TraceArguments {
  std::string project;
  RunId run = 0;
  int layer = kAllLayers;
  int passages = 20;
  std::string picture;
  PictureArguments look;
  RunId compare = 0;
  std::string table;
  std::string file;
  bool json = false;
};

int show_trace(const TraceArguments& arguments) {
  const auto project = open_existing(arguments.project, OpenMode::kReadOnly);
  if (!project) return fail(project.error());
  const auto run = load_run_trace(**project, arguments.run);
  if (!run) return fail(run.error());
  if (arguments.layer >= (*run)->trace->n_layers) {
    return fail({ErrorCode::kInvalidInput, "The model has layers 0 to " + std::to_string((*run)->trace->n_layers - 1) + "."});
  }
  if (!arguments.file.empty()) {
    const auto bytes = (*project)->run_trace(arguments.run);
    const auto written = bytes ? write_bytes(*bytes, arguments.file) : Result<void>(bytes.error());
    if (!written) return fail(written.error());
  }
  if (!arguments.table.empty()) {
    const auto written = write_trace_table(**run, arguments.table, arguments.layer);
    if (!written) return fail(written.error());
  }
  if (!arguments.picture.empty()) {
    PictureArguments look = arguments.look;
    look.layer = arguments.layer;
    if (arguments.compare > 0) {
      auto other = load_run_trace(**project, arguments.compare);
      if (!other) return fail(other.error());
      look.compared = std::move(*other);
    }
    const auto written = write_trace_picture(**run, look, arguments.picture);
    if (!written) return fail(written.error());
    note("Wrote " + arguments.picture + "\n");
  }
  if (arguments.json) say(trace_json(**run, arguments.layer, arguments.passages));
  else if (arguments.picture.empty() && arguments.table.empty() && arguments.file.empty()) say(trace_table(**run, arguments.layer, arguments.passages));
  return kOk;
}

}  // namespace

void add_trace(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<TraceArguments>();
  CLI::App* command = program.add_subcommand("trace", "Show what a run selected, as a table or a picture; needs no model");
  command->add_option("PROJECT", arguments->project, "The project file")->required();
  command->add_option("RUN", arguments->run, "Number of the run (see: runs)")->required()->check(CLI::PositiveNumber);
  command->add_option("--layer", arguments->layer, "One layer, from 0 (default: the mean of all)")->check(CLI::Range(0, 100000));
  command->add_option("--passages", arguments->passages, "How many passages are listed")->check(CLI::Range(1, 100000))->capture_default_str();
  command->add_option("--picture", arguments->picture, "Write the map as PNG, or as SVG or CSV when the name ends so");
  command->add_option("--rows", arguments->look.rows, "Rows of the picture")->check(CLI::IsMember({"prompt", "answer", "both"}))->capture_default_str();
  command->add_option("--mix", arguments->look.mix, "How layers become one")->check(CLI::IsMember({"mean", "max", "any"}))->capture_default_str();
  command->add_option("--colours", arguments->look.colours, "Scale of the picture")->check(CLI::IsMember({"cividis", "magma"}))->capture_default_str();
  command->add_flag("--linear", arguments->look.linear, "Even steps in place of a logarithmic scale");
  command->add_flag("--dark", arguments->look.dark, "On dark paper");
  command->add_flag("--hide-first", arguments->look.without_sink, "Leave out the first block, which nearly every query selects");
  command->add_option("--hide-newest", arguments->look.without_newest, "Leave out this many tokens before each query")->check(CLI::Range(0, 131072));
  command->add_option("--caption", arguments->look.caption, "The line under the picture");
  command->add_option("--compare", arguments->compare, "Subtract: this other run over the same prompt minus RUN")->check(CLI::PositiveNumber);
  command->add_option("--table", arguments->table, "Write a table as CSV: passages.csv, layers.csv, distance.csv or agreement.csv, by the file's name");
  command->add_option("--file", arguments->file, "Write the trace itself (docs/trace-format.md)");
  command->add_flag("--json", arguments->json, "Print as JSON");
  command->callback([arguments, &action] { action = [arguments] { return show_trace(*arguments); }; });
}

}  // namespace app::cli
