#include "app/settings/sample.h"

#include "engine/base/json.h"

namespace app {
namespace {

Result<std::string> text_of(const engine::JsonValue& object, std::string_view key) {
  TRY_ASSIGN(const auto value, object.at(key));
  TRY_ASSIGN(const auto text, value.string());
  return std::string(text);
}

Result<SampleQuestion> read_question(const engine::JsonValue& object) {
  SampleQuestion out;
  TRY_ASSIGN(out.question, text_of(object, "question"));
  TRY_ASSIGN(out.document, text_of(object, "document"));
  TRY_ASSIGN(out.answer, text_of(object, "answer"));
  TRY_ASSIGN(out.place, text_of(object, "place"));
  out.narrow.documents = {out.document};
  TRY_ASSIGN(out.narrow.pages, object.string_or("pages", ""));
  if (const auto files = object.find("files")) {
    TRY(files->array());
    for (std::int64_t i = 0; i < files->size(); ++i) {
      TRY_ASSIGN(const auto glob, (*files)[i].string());
      out.narrow.files.emplace_back(glob);
    }
  }
  return out;
}

}  // namespace

Result<Sample> Sample::load(const std::filesystem::path& folder) {
  TRY_ASSIGN(const auto document, engine::JsonDocument::read(folder / "sample.json"));
  const engine::JsonValue root = document.root();
  Sample sample;
  TRY_ASSIGN(sample.title, text_of(root, "title"));
  TRY_ASSIGN(const auto sources, root.at("sources"));
  TRY(sources.array());
  for (std::int64_t i = 0; i < sources.size(); ++i) {
    TRY_ASSIGN(const auto name, sources[i].string());
    const std::filesystem::path path(name);
    if (path.has_parent_path() || name.empty() || name.starts_with('.')) {
      return Error{ErrorCode::kInvalidInput, "sample.json: \"" + std::string(name) + "\" must be a file or folder beside it."};
    }
    sample.sources.push_back(std::filesystem::absolute(folder / path));
  }
  TRY_ASSIGN(const auto questions, root.at("questions"));
  TRY(questions.array());
  for (std::int64_t i = 0; i < questions.size(); ++i) {
    TRY_ASSIGN(auto question, read_question(questions[i]));
    sample.questions.push_back(std::move(question));
  }
  return sample;
}

Result<SourceChoice> sample_choice(const Project& project, PromptBuilder& builder, const engine::PromptLayout& layout,
                                   const SampleQuestion& question) {
  SourceChoice everything;
  TRY_ASSIGN(everything.parts, select_parts(project, {}));
  PromptQuestion whole;
  whole.question = question.question;
  whole.sources = everything;
  TRY_ASSIGN(const TokenBudget budget, builder.measure(whole));
  const std::int64_t n_tokens = budget.total() - budget.reserve;
  if (budget.over() == 0 && (layout.good_tokens == 0 || n_tokens <= layout.good_tokens)) return everything;
  SourceChoice narrow;
  TRY_ASSIGN(narrow.parts, select_parts(project, question.narrow));
  return narrow;
}

}  // namespace app
