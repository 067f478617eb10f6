#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/question/citations.h"

namespace app {

enum class Severity : std::uint8_t { kNote, kWarning, kError };

/// One finding of a review: what the answer says about a place in a file, and whether that place exists.
struct Finding {
  Severity severity = Severity::kWarning;
  std::string title;             // one line
  std::string text;              // the rest of the item, as written
  std::string path;              // as written; the project's own spelling when found
  std::int32_t first_line = 0;   // 1-based, inclusive; 0: the answer named none
  std::int32_t last_line = 0;
  PartId part = 0;               // valid when place_exists
  bool place_exists = false;     // the project has this file with these lines
  std::string quote;             // code in back quotes or a code block; may be empty
  QuoteCheck check = QuoteCheck::kNoQuote;  // whether the quoted code stands at (or within 3 lines of) the lines
  std::uint32_t begin = 0;       // bytes of the item in the answer
  std::uint32_t end = 0;
};

/// Reads findings from an answer: items of a list, or headings, that name a file with a line
/// ("src/wal.cc:120", "src/wal.cc:120-124") or cite an anchor of the prompt. Severity by its first word
/// in brackets, bold or before a colon: error, critical, high, bug -> kError; warning, medium -> kWarning;
/// note, low, info, style -> kNote. Works on unfinished answers too.
Result<std::vector<Finding>> parse_findings(std::string_view answer, const PromptMap& map, const Project& project,
                                            const engine::PromptLayout& layout);

/// A report that a person can read; places that do not exist are marked.
std::string findings_to_markdown(const std::vector<Finding>& findings, std::string_view title);

/// SARIF 2.1.0 for editors and build servers. `version` is the program's. Findings without an existing
/// place are left out, since a viewer would jump to nowhere; the run's properties count them.
std::string findings_to_sarif(const std::vector<Finding>& findings, std::string_view version);

}  // namespace app
