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
  if (!arguments.picture.empty()) {
    const auto written = write_trace_picture(**run, arguments.layer, arguments.picture);
    if (!written) return fail(written.error());
    note("Wrote " + arguments.picture + "\n");
  }
  if (arguments.json) say(trace_json(**run, arguments.layer, arguments.passages));
  else if (arguments.picture.empty()) say(trace_table(**run, arguments.layer, arguments.passages));
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
  command->add_flag("--json", arguments->json, "Print as JSON");
  command->callback([arguments, &action] { action = [arguments] { return show_trace(*arguments); }; });
}

}  // namespace app::cli
