#include "app/cli/asking.h"

#include <nlohmann/json.hpp>

#include "app/cli/console.h"

namespace app::cli {

Result<Answer> Asking::run(const Question& question) const {
  TRY_ASSIGN(const Prompt prompt, builder.build(question.prompt));
  const engine::PromptLayout& layout = engine.layout();
  if (layout.good_tokens > 0 && prompt.map.n_tokens > layout.good_tokens) {
    note("Note: this prompt has " + with_commas(prompt.map.n_tokens) + " tokens, and " + engine.info().name + " is good to about " +
         with_commas(layout.good_tokens) + "; fewer pages may answer better.\n");
  }
  TerminalObserver observer(json ? TerminalObserver::Show::kProgressOnly : TerminalObserver::Show::kEverything, prompt.map, project, layout);
  TRY_ASSIGN(Answer answer, answer_question(project, engine, builder, question, observer, stop));
  observer.finish();
  static_cast<void>(save_answer(project, answer));  // not_saved says why, below
  std::vector<CitationEvidence> evidence;
  if (answer.generation.trace != nullptr) {
    TRY_ASSIGN(const auto trace, make_run_trace(project, answer.prompt.map, answer.generation));
    evidence = citation_evidence(*trace, answer.generation.answer, answer.citations);
  }
  if (json) {
    nlohmann::ordered_json out = run_as_json(answer.run, answer.citations, evidence);
    if (!answer.not_saved.empty()) out["not_saved"] = answer.not_saved;
    say_json(out);
  } else {
    show_end(answer.run, answer.citations, evidence);
  }
  if (!answer.not_saved.empty()) note("The answer was not saved: " + answer.not_saved + "\n");
  return answer;
}

int Asking::run_and_tell(const Question& question) const {
  const auto answer = run(question);
  if (!answer) return fail(answer.error());
  return answer->run.end == "cancelled" ? kCancelled : kOk;
}

}  // namespace app::cli
