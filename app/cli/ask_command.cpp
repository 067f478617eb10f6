#include <fstream>
#include <memory>
#include <sstream>

#include "app/cli/asking.h"
#include "app/cli/commands.h"
#include "app/cli/console.h"
#include "app/cli/options.h"
#include "app/question/prompt_templates.h"

namespace app::cli {
namespace {

struct AskArguments {
  std::string project;
  std::string question;
  std::string questions_file;
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

/// The question of the command line, or the lines of --questions: all of them share one prefix.
Result<std::vector<std::string>> questions_of(const AskArguments& arguments) {
  if (arguments.questions_file.empty()) {
    if (arguments.question.empty()) return Error{ErrorCode::kInvalidInput, "Give a question, or a file of questions with --questions."};
    return std::vector<std::string>{arguments.question};
  }
  std::ifstream file(arguments.questions_file);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return Error{ErrorCode::kIo, "The questions in " + arguments.questions_file + " could not be read."};
  auto questions = parse_questions(text.str());
  if (questions.empty()) return Error{ErrorCode::kInvalidInput, arguments.questions_file + " holds no question; write one in each line."};
  return questions;
}

int ask_all(const AskArguments& arguments) {
  const StopOnInterrupt interrupt;
  const auto project = open_existing(arguments.project, OpenMode::kReadWrite);
  if (!project) return fail(project.error());
  const auto questions = questions_of(arguments);
  if (!questions) return fail(questions.error());
  Question question;
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
  const Asking asking{**project, **engine, builder, arguments.json, interrupt.token()};
  for (const std::string& words : *questions) {
    if (questions->size() > 1) note("\nQuestion: " + words + "\n");
    question.prompt.question = words;
    if (const int code = asking.run_and_tell(question); code != kOk) return code;
  }
  return kOk;
}

}  // namespace

void add_ask(CLI::App& program, Action& action) {
  auto arguments = std::make_shared<AskArguments>();
  CLI::App* command = program.add_subcommand("ask", "Ask a question about chosen pages and files");
  command->add_option("PROJECT", arguments->project, "The project file")->required();
  command->add_option("QUESTION", arguments->question, "What you want to know");
  command->add_option("--questions", arguments->questions_file, "Ask each line of this file; the documents are read once");
  command->add_option("--after", arguments->after, "Follow up on these runs, oldest first");
  command->add_flag("--json", arguments->json, "Print the answer with its citations as JSON");
  arguments->model.add_to(*command);
  arguments->sources.add_to(*command);
  arguments->answer.add_to(*command);
  command->callback([arguments, &action] { action = [arguments] { return ask_all(*arguments); }; });
}

}  // namespace app::cli
