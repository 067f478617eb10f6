#include <array>
#include <cstdio>
#include <fstream>
#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/answer_output.h"
#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"
#include "app/question/findings.h"
#include "app/question/run_export.h"
#include "app/question/run_facts.h"

namespace app::cli {
namespace {

struct RunsArguments {
  std::string project;
  RunId run = 0;
  std::string as;
  std::string out;
  std::string find;
  bool json = false;
  bool csv = false;
  bool explain = false;
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

std::string decimals(double value, const char* format) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

/// How the run was asked, what it took and what it consulted, a line each.
int explain_one(const Project& project, const Run& run) {
  const auto facts = run_facts(run);
  if (!facts) return fail(facts.error());
  const auto line = [](const char* name, const std::string& value) { say(std::string(name) + std::string(14 - std::string_view(name).size(), ' ') + value + "\n"); };
  line("Asked", run.asked_at + ", Longleaf " + facts->program);
  line("Model", facts->model + ", " + facts->architecture + ", hash " + facts->model_hash);
  line("Device", facts->device + ", context of " + with_commas(facts->context_length) + " tokens");
  line("Sources", std::to_string(facts->n_sources) + " pages and files" + (facts->n_shortened > 0 ? ", " + std::to_string(facts->n_shortened) + " of them shortened" : "") +
                      (facts->n_earlier > 0 ? ", behind " + std::to_string(facts->n_earlier) + " earlier turns" : ""));
  line("Selection", facts->selection_mode + (facts->top_k > 0 ? ", top " + std::to_string(facts->top_k) : "") + (facts->keep ? ", newest tokens and headings kept" : ""));
  line("Sampling", (facts->temperature > 0 ? "temperature " + decimals(facts->temperature, "%.2f") + ", top p " + decimals(facts->top_p, "%.2f") + ", seed " + std::to_string(facts->seed) : "the likeliest token") +
                       (facts->quote_constraint ? ", quotes held to the sources" : "") + (facts->thinking ? ", with thinking" : ", without thinking"));
  line("Prompt", with_commas(run.n_prompt_tokens) + " tokens, " + with_commas(run.n_cached_tokens) + " reused; first token after " + decimals(run.prefill_seconds, "%.2f s") +
                     (prefill_rate(run) > 0 ? ", " + decimals(prefill_rate(run), "%.0f tokens/s") : ""));
  line("Written", with_commas(run.n_generated_tokens) + " tokens in " + decimals(run.decode_seconds, "%.2f s") + ", " + decimals(decode_rate(run), "%.0f tokens/s") + "; ended by: " + run.end);
  const auto trace = load_run_trace(project, run.id);
  if (!trace) {
    line("Consulted", trace.error().message);
    return kOk;
  }
  const RunCoverage coverage = run_coverage(**trace);
  if (!coverage.sparse) line("Consulted", "nothing was sparse in this run: every token saw all keys");
  else line("Consulted", std::to_string(coverage.n_consulted) + " of " + std::to_string(coverage.n_parts) + " pages and files while writing; " + with_commas(coverage.n_unread_tokens) + " of " + with_commas(coverage.n_tokens) + " source tokens not");
  if (coverage.recall) line("Recall", decimals(*coverage.recall * 100, "%.1f %%") + " of dense attention kept, on sampled queries");
  return kOk;
}

int show_one(const Project& project, const RunsArguments& arguments) {
  const auto run = project.run(arguments.run);
  if (!run) return fail(run.error());
  const auto citations = citations_from_json(run->citations_json);
  if (!citations) return fail(citations.error());
  if (arguments.explain) return explain_one(project, *run);
  if (!arguments.as.empty()) return export_one(project, *run, *citations, arguments);
  const auto trace = load_run_trace(project, arguments.run);  // not every run recorded one
  const auto evidence = trace ? citation_evidence(**trace, run->answer, *citations) : std::vector<CitationEvidence>();
  if (arguments.json) {
    say_json(run_as_json(*run, *citations, evidence));
    return kOk;
  }
  say("Question: " + run->question + "\n");
  if (!run->thinking.empty()) say("\nThinking: " + run->thinking + "\n");
  say("\n" + run->answer + "\n");
  show_end(*run, *citations, evidence);
  return kOk;
}

int show_runs(const RunsArguments& arguments) {
  const auto project = open_existing(arguments.project, OpenMode::kReadOnly);
  if (!project) return fail(project.error());
  if (arguments.run > 0) return show_one(**project, arguments);
  auto runs = (*project)->runs();
  if (!runs) return fail(runs.error());
  const RunFilter filter(arguments.find);
  std::erase_if(*runs, [&](const Run& run) { return !filter.matches(run); });
  if (arguments.csv) {
    say(runs_csv(*runs));
    return kOk;
  }
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
  if (runs->empty()) note(arguments.find.empty() ? "Nothing has been asked in this project yet.\n" : "No question or answer holds these words.\n");
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
  command->add_option("--find", arguments->find, "Only runs whose question, answer or thinking hold these words");
  command->add_flag("--csv", arguments->csv, "Print the list as a table with tokens, seconds and rates");
  command->add_flag("--explain", arguments->explain, "Say how the run was asked, what it took and what it consulted");
  command->add_option("--out", arguments->out, "Write the export to this file");
  command->add_flag("--json", arguments->json, "Print as JSON");
  command->callback([arguments, &action] { action = [arguments] { return show_runs(*arguments); }; });
}

}  // namespace app::cli
