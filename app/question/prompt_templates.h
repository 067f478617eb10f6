#pragma once

#include <string>
#include <vector>

#include "app/project/project.h"

namespace app {

/// A question that can be asked again: {name} in its text is a variable.
struct PromptTemplate {
  std::string name;       // "Bugs", unique in the project
  std::string group;      // "Report", "Code review"
  std::string text;
  friend bool operator==(const PromptTemplate&, const PromptTemplate&) = default;
};

/// The set that the program brings: report analysis and code review.
std::vector<PromptTemplate> shipped_templates();

/// The project's own set; the shipped one where it has none yet.
Result<std::vector<PromptTemplate>> load_templates(const Project& project);
/// Refuses an empty or doubled name and an empty text.
Result<void> save_templates(Project& project, const std::vector<PromptTemplate>& templates);

/// Names of the variables in a text, in order, each once.
std::vector<std::string> variables_of(const PromptTemplate& one);

/// A list of questions, one a line: blank lines and lines that begin with # are left out, numbers and
/// dashes of a list are taken off.
std::vector<std::string> parse_questions(std::string_view text);

}  // namespace app
