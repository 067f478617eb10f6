#include <memory>

#include "app/cli/asking.h"
#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"

namespace app::cli {
namespace {

struct AskArguments {
  std::string project;
  std::string question;
  std::vector<RunId> after;
  bool json = false;
  ModelArguments model;
  SourceArguments sources;
  AnswerArguments answer;
};

/// The runs that this question follows, as the earlier turns of one conversation.
Result<std::vector<PastTurn>> past_turns(const Project& project, const std::vector<RunId>& runs) {
  std::vector<PastTurn> turns;
  for (const RunId id : runs) {
    TRY_ASSIGN(const Run run, project.run(id));
    turns.push_back({run.question, run.answer});
  }
  return turns;
}

int ask_one(const AskArguments& arguments) {
  const StopOnInterrupt interrupt;
  const auto project = open_existing(arguments.project, OpenMode::kReadWrite);
  if (!project) return fail(project.error());
  Question question;
  question.prompt.question = arguments.question;
  auto choice = arguments.sources.choose(**project);
  if (!choice) return fail(choice.error());
  question.prompt.sources = std::move(*choice);
  auto earlier = past_turns(**project, arguments.after);
  if (!earlier) return fail(earlier.error());
  question.prompt.earlier = std::move(*earlier);

  const auto engine = open_model(arguments.model, interrupt.token());
  if (!engine) return fail(engine.error());
  arguments.answer.apply(question, (*engine)->layout());
  const auto tokenizer = (*engine)->tokenizer();
  PromptBuilder builder(**project, *tokenizer, (*engine)->layout(), (*engine)->info().context_length);
  return Asking{**project, **engine, builder, arguments.json, interrupt.token()}.run_and_tell(question);
}

}  // namespace

void add_ask(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<AskArguments>();
  CLI::App* command = program.add_subcommand("ask", "Ask a question about chosen pages and files");
  command->add_option("PROJECT", arguments->project, "The project file")->required();
  command->add_option("QUESTION", arguments->question, "What you want to know")->required();
  command->add_option("--after", arguments->after, "Follow up on these runs, oldest first");
  command->add_flag("--json", arguments->json, "Print the answer with its citations as JSON");
  arguments->model.add_to(*command);
  arguments->sources.add_to(*command);
  arguments->answer.add_to(*command);
  command->callback([arguments, &action] { action = [arguments] { return ask_one(*arguments); }; });
}

}  // namespace app::cli
