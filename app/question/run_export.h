#pragma once

#include <string>
#include <vector>

#include "app/question/citations.h"

namespace app {

/// The mark of a citation in words: "verified", "near", "not found there", ...
const char* words_for(const Citation& citation);

/// A run as a document: question, answer with numbered sources in the place of anchors, the list of
/// these sources with their check, thinking, and what ran. Texts of model and documents are data: in
/// HTML everything is escaped, nothing is loaded and nothing can run.
std::string run_to_markdown(const Run& run, const std::vector<Citation>& citations);
std::string run_to_html(const Run& run, const std::vector<Citation>& citations);

}  // namespace app
