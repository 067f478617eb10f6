#include <fstream>
#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/answer_output.h"
#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"
#include "app/question/findings.h"
#include "app/question/run_export.h"

namespace app::cli {
namespace {

struct RunsArguments {
  std::string project;
  RunId run = 0;
  std::string as;
  std::string out;
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

/// The run in the form that --as names.
Result<std::string> exported(const Project& project, const Run& run, const std::vector<Citation>& citations, const std::string& as) {
  if (as == "markdown") return run_to_markdown(run, citations);
  if (as == "html") return run_to_html(run, citations);
  TRY_ASSIGN(const PromptMap map, PromptMap::from_json(run.prompt_map_json));
  TRY_ASSIGN(const auto findings, parse_findings(run.answer, map, project, engine::PromptLayout{}));
  return as == "sarif" ? findings_to_sarif(findings, LONGLEAF_VERSION) : findings_to_markdown(findings, run.question);
}

int export_one(const Project& project, const Run& run, const std::vector<Citation>& citations, const RunsArguments& arguments) {
  const auto text = exported(project, run, citations, arguments.as);
  if (!text) return fail(text.error());
  if (arguments.out.empty()) {
    say(*text);
    return kOk;
  }
  std::ofstream file(arguments.out, std::ios::binary | std::ios::trunc);
  file << *text;
  file.close();
  if (file) return kOk;
  return fail({ErrorCode::kIo, "The export could not be written to " + arguments.out + "; is there room, and may this folder be written to?"});
}

int show_one(const Project& project, const RunsArguments& arguments) {
  const auto run = project.run(arguments.run);
  if (!run) return fail(run.error());
  const auto citations = citations_from_json(run->citations_json);
  if (!citations) return fail(citations.error());
  if (!arguments.as.empty()) return export_one(project, *run, *citations, arguments);
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
  command->add_option("--as", arguments->as, "Export the run; findings and sarif read its answer as a code review")
      ->check(CLI::IsMember({"markdown", "html", "findings", "sarif"}));
  command->add_option("--out", arguments->out, "Write the export to this file");
  command->add_flag("--json", arguments->json, "Print as JSON");
  command->callback([arguments, &action] { action = [arguments] { return show_runs(*arguments); }; });
}

}  // namespace app::cli
