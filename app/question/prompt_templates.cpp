#include "app/question/prompt_templates.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

namespace app {
namespace {

constexpr const char* kSetting = "prompt_templates";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

bool read_text(const nlohmann::json& object, const char* key, std::string& out) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return false;
  out = found->get<std::string>();
  return true;
}

}  // namespace

std::vector<PromptTemplate> shipped_templates() {
  const std::string findings =
      " Write each finding as one list item: the severity (error, warning or note) in brackets, the file and lines as path:first-last, one "
      "sentence on what is wrong, the code in question quoted in back quotes, and the anchor of the passage. Report only what the code shows.";
  return {
      {"Summary with citations", "Report", "Summarise the documents in at most ten sentences. After each sentence cite the passages that support it."},
      {"Contradictions", "Report", "Which statements in the documents contradict each other? Quote both sides of each contradiction and cite them."},
      {"Numbers and tables", "Report", "List the figures that the documents give for {subject}, with unit, date and source. Say where two figures disagree."},
      {"What is said about", "Report", "What do the documents say about {subject}? Quote the passages and cite them."},
      {"Open questions", "Report", "Which questions do the documents raise and leave without an answer? Cite where each is raised."},
      {"Bugs", "Code review", "Review the code for bugs: wrong results, crashes, lost data, races, leaks." + findings},
      {"Security", "Code review", "Review the code for security: unchecked input, injection, paths, secrets, unsafe defaults." + findings},
      {"Breaking changes", "Code review", "Which parts of the code would break callers, stored data or protocols if {change}?" + findings},
      {"Architecture", "Code review", "Describe how the code is built: parts, their tasks, which part uses which. Name what does not fit, with file and lines."},
  };
}

Result<std::vector<PromptTemplate>> load_templates(const Project& project) {
  TRY_ASSIGN(const auto stored, project.setting(kSetting));
  if (!stored) return shipped_templates();
  const nlohmann::json rows = nlohmann::json::parse(*stored, nullptr, /*allow_exceptions=*/false);
  const Error damaged{ErrorCode::kCorrupt, "The project's prompt templates are damaged; saving a set replaces them."};
  if (!rows.is_array()) return damaged;
  std::vector<PromptTemplate> templates;
  for (const nlohmann::json& row : rows) {
    PromptTemplate& one = templates.emplace_back();
    if (!row.is_object() || !read_text(row, "name", one.name) || !read_text(row, "group", one.group) || !read_text(row, "text", one.text)) return damaged;
  }
  return templates;
}

Result<void> save_templates(Project& project, const std::vector<PromptTemplate>& templates) {
  std::set<std::string> names;
  nlohmann::json rows = nlohmann::json::array();
  for (const PromptTemplate& one : templates) {
    if (trimmed(one.name).empty() || trimmed(one.text).empty()) return Error{ErrorCode::kInvalidInput, "A template needs a name and a text."};
    if (!names.insert(one.name).second) return Error{ErrorCode::kInvalidInput, "Two templates are called \"" + one.name + "\"; give one of them another name."};
    rows.push_back({{"name", one.name}, {"group", one.group}, {"text", one.text}});
  }
  return project.set_setting(kSetting, rows.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::vector<std::string> variables_of(const PromptTemplate& one) {
  std::vector<std::string> names;
  const std::string_view text = one.text;
  for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) break;
    const std::string name(text.substr(open + 1, close - open - 1));
    const bool is_name = !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
    if (is_name && std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

std::vector<std::string> parse_questions(std::string_view text) {
  std::vector<std::string> questions;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t n_digits = std::min(line.find_first_not_of("0123456789"), line.size());
    if (n_digits > 0 && (line.substr(n_digits).starts_with(". ") || line.substr(n_digits).starts_with(") "))) line = trimmed(line.substr(n_digits + 2));
    else if (line.starts_with("- ") || line.starts_with("* ")) line = trimmed(line.substr(2));
    if (!line.empty()) questions.emplace_back(line);
  }
  return questions;
}

}  // namespace app
