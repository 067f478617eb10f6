#include <algorithm>
#include <memory>

#include "app/cli/asking.h"
#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/ingest_paths.h"
#include "app/cli/options.h"
#include "app/cli/trace_output.h"
#include "app/heatmap/heat_matrix.h"
#include "app/settings/paths.h"
#include "app/settings/sample.h"

namespace app::cli {
namespace {

struct SampleArguments {
  std::string project;
  std::string picture;
  bool all = false;
  bool json = false;
  ModelArguments model;
};

/// Reads the sources that the project has not got yet, so that a second run starts at once.
Result<void> read_sources(Project& project, const Sample& sample, std::stop_token stop) {
  TRY_ASSIGN(const auto documents, project.documents());
  for (const std::filesystem::path& source : sample.sources) {
    const bool is_there = std::ranges::any_of(documents, [&](const Document& document) { return document.title == source.filename() && document.finished; });
    if (is_there) continue;
    const auto id = ingest_path(project, source, {}, stop);
    if (!id) return id.error();
  }
  return {};
}

int ask_sample(const SampleArguments& arguments, Project& project, const Sample& sample, std::stop_token stop) {
  const auto engine = open_model(arguments.model, stop);
  if (!engine) return fail(engine.error());
  const engine::PromptLayout& layout = (*engine)->layout();
  note((*engine)->info().name + " on " + (*engine)->info().device + ". " + layout.about + "\n\n");
  const auto tokenizer = (*engine)->tokenizer();
  PromptBuilder builder(project, *tokenizer, layout, (*engine)->info().context_length);
  const std::size_t n_questions = arguments.all ? sample.questions.size() : std::min<std::size_t>(1, sample.questions.size());
  for (std::size_t i = 0; i < n_questions; ++i) {
    Question question;
    question.prompt.question = sample.questions[i].question;
    auto choice = sample_choice(project, builder, layout, sample.questions[i]);
    if (!choice) return fail(choice.error());
    question.prompt.sources = std::move(*choice);
    note("Question: " + question.prompt.question + "\n");
    const auto answer = Asking{project, **engine, builder, arguments.json, stop}.run(question);
    if (!answer) return fail(answer.error());
    if (answer->run.end == "cancelled") return kCancelled;
    if (i > 0 || arguments.picture.empty()) continue;
    const auto trace = make_run_trace(project, answer->prompt.map, answer->generation);
    if (!trace) return fail(trace.error());
    const auto written = write_trace_picture(**trace, {}, arguments.picture);
    if (!written) return fail(written.error());
  }
  return kOk;
}

int run_sample(const SampleArguments& arguments) {
  const StopOnInterrupt interrupt;
  const auto resources = resources_folder();
  if (!resources) return fail({ErrorCode::kNotFound, "The sample is not where this program looks (sample/ in its resources); set LONGLEAF_RESOURCES."});
  const auto sample = Sample::load(*resources / "sample");
  if (!sample) return fail(sample.error());
  const auto project = Project::open(arguments.project);
  if (!project) return fail(project.error());
  if (const auto read = read_sources(**project, *sample, interrupt.token()); !read) return fail(read.error());
  return ask_sample(arguments, **project, *sample, interrupt.token());
}

}  // namespace

void add_sample(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<SampleArguments>();
  CLI::App* command = program.add_subcommand("sample", "Make the sample project and ask its first question");
  command->add_option("--project", arguments->project, "The project file to make or to go on with")->required();
  command->add_option("--picture", arguments->picture, "Write the map of what was selected as PNG");
  command->add_flag("--all", arguments->all, "Ask all of its questions");
  command->add_flag("--json", arguments->json, "Print the answers as JSON");
  arguments->model.add_to(*command);
  command->callback([arguments, &action] { action = [arguments] { return run_sample(*arguments); }; });
}

}  // namespace app::cli
