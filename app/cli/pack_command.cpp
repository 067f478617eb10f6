#include <fstream>
#include <memory>

#include <nlohmann/json.hpp>

#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"
#include "app/question/model_prompt.h"

namespace app::cli {
namespace {

struct PackArguments {
  std::string project;
  std::string question = "What do these documents say?";
  std::string out;
  std::int64_t reserve = 0;
  bool no_thinking = false;
  bool json = false;
  bool tokens = false;
  ModelArguments model;
  SourceArguments sources;
};

nlohmann::ordered_json as_json(const Prompt& prompt, bool with_tokens) {
  nlohmann::ordered_json out{
      {"tokens", prompt.map.n_tokens},
      {"budget",
       {{"limit", prompt.budget.limit},
        {"instructions", prompt.budget.instructions},
        {"sources", prompt.budget.sources},
        {"question", prompt.budget.question},
        {"reserve", prompt.budget.reserve}}},
      {"passages", prompt.request.quotable.size()},
      {"text", prompt.text},
  };
  if (with_tokens) out["ids"] = prompt.request.prompt;
  return out;
}

int write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file) return kOk;
  return fail({ErrorCode::kIo, "The prompt could not be written to " + path + "; is there room, and may this folder be written to?"});
}

int pack(const PackArguments& arguments) {
  const auto project = open_existing(arguments.project, OpenMode::kReadOnly);
  if (!project) return fail(project.error());
  const auto folder = arguments.model.folder();
  if (!folder) return fail(folder.error());
  const auto model = ModelPrompt::load(*folder);
  if (!model) return fail(model.error());
  PromptQuestion question;
  question.question = arguments.question;
  question.thinking = !arguments.no_thinking;
  question.reserve = arguments.reserve;
  auto choice = arguments.sources.choose(**project);
  if (!choice) return fail(choice.error());
  question.sources = std::move(*choice);
  const std::int64_t context = arguments.model.context > 0 ? std::min(arguments.model.context, model->context_length) : model->context_length;
  PromptBuilder builder(**project, *model->tokenizer, model->layout, context);
  const auto prompt = builder.build(question);
  if (!prompt) return fail(prompt.error());
  if (model->layout.good_tokens > 0 && prompt->map.n_tokens > model->layout.good_tokens) {
    note("Note: " + model->layout.name + " is good to about " + with_commas(model->layout.good_tokens) + " tokens.\n");
  }
  note(prompt->budget.arithmetic() + "; " + with_commas(static_cast<std::int64_t>(prompt->request.quotable.size())) + " passages\n");
  if (!arguments.out.empty()) return write_file(arguments.out, prompt->text);
  if (arguments.json) say_json(as_json(*prompt, arguments.tokens));
  else say(prompt->text + "\n");
  return kOk;
}

}  // namespace

void add_pack(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<PackArguments>();
  CLI::App* command = program.add_subcommand("pack", "Show or save the exact prompt with its token counts; loads no weights");
  command->add_option("PROJECT", arguments->project, "The project file")->required();
  command->add_option("--question", arguments->question, "The question at its end")->capture_default_str();
  command->add_option("--out", arguments->out, "Write the prompt to this file");
  command->add_option("--reserve", arguments->reserve, "Tokens kept for thinking and answer")->check(CLI::Range(0, 131072));
  command->add_flag("--no-thinking", arguments->no_thinking, "As for an answer without thinking");
  command->add_flag("--json", arguments->json, "Print prompt and counts as JSON");
  command->add_flag("--ids", arguments->tokens, "With --json: the token ids too");
  arguments->model.add_to(*command);
  arguments->sources.add_to(*command);
  command->callback([arguments, &action] { action = [arguments] { return pack(*arguments); }; });
}

}  // namespace app::cli
