#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/answer_output.h"
#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"

namespace app::cli {
namespace {

struct RunsArguments {
  std::string project;
  RunId run = 0;
  bool json = false;
};

std::string first_line(const std::string& text, std::size_t most) {
  std::string line = text.substr(0, text.find('\n'));
  if (line.size() <= most) return line;
  line.resize(most);
  while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0u) == 0x80u) line.pop_back();
  if (!line.empty() && static_cast<unsigned char>(line.back()) >= 0xC0u) line.pop_back();
  return line + "...";
}

int show_one(const Project& project, const RunsArguments& arguments) {
  const auto run = project.run(arguments.run);
  if (!run) return fail(run.error());
  const auto citations = citations_from_json(run->citations_json);
  if (!citations) return fail(citations.error());
  if (arguments.json) {
    say_json(run_as_json(*run, *citations));
    return kOk;
  }
  say("Question: " + run->question + "\n");
  if (!run->thinking.empty()) say("\nThinking: " + run->thinking + "\n");
  say("\n" + run->answer + "\n");
  show_end(*run, *citations);
  return kOk;
}

int show_runs(const RunsArguments& arguments) {
  const auto project = open_existing(arguments.project, OpenMode::kReadOnly);
  if (!project) return fail(project.error());
  if (arguments.run > 0) return show_one(**project, arguments);
  const auto runs = (*project)->runs();
  if (!runs) return fail(runs.error());
  if (arguments.json) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const Run& run : *runs) {
      const auto citations = citations_from_json(run.citations_json);
      all.push_back(run_as_json(run, citations ? *citations : std::vector<Citation>{}));
    }
    say_json(all);
    return kOk;
  }
  for (const Run& run : *runs) {
    say(std::to_string(run.id) + "  " + run.asked_at + "  " + with_commas(run.n_prompt_tokens) + " tokens  " + first_line(run.question, 70) + "\n");
  }
  if (runs->empty()) note("Nothing has been asked in this project yet.\n");
  return kOk;
}

}  // namespace

void add_runs(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<RunsArguments>();
  CLI::App* command = program.add_subcommand("runs", "List the questions of a project, or show one with its answer");
  command->add_option("PROJECT", arguments->project, "The project file")->required();
  command->add_option("RUN", arguments->run, "Show this run")->check(CLI::PositiveNumber);
  command->add_flag("--json", arguments->json, "Print as JSON");
  command->callback([arguments, &action] { action = [arguments] { return show_runs(*arguments); }; });
}

}  // namespace app::cli
