#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/question/prompt_builder.h"

namespace app {

enum class QuoteCheck { kNoQuote, kVerified, kNear, kNotFound };

/// One [p12] in an answer.
struct Citation {
  std::uint32_t begin = 0;       // bytes of the anchor in the answer
  std::uint32_t end = 0;
  std::int32_t anchor = 0;
  bool in_prompt = false;        // the prompt had such a block
  QuoteCheck check = QuoteCheck::kNoQuote;
  std::string quote;             // the words before (or between) the anchor that were compared
  PartId part = 0;               // where it points: valid when in_prompt
  DocumentId document = 0;
  std::uint32_t source_begin = 0;  // bytes of the part's text: the quote where found, else the block
  std::uint32_t source_end = 0;
  std::string label;             // "report.pdf, p. 14" or "src/wal.cc:120-124": what the window shows
};

/// Finds anchors written in the model's layout and checks the quoted words against the block.
Result<std::vector<Citation>> find_citations(std::string_view answer, const PromptMap& map, const Project& project,
                                             const engine::PromptLayout& layout);

std::string citations_to_json(const std::vector<Citation>& citations);
Result<std::vector<Citation>> citations_from_json(std::string_view json);

}  // namespace app
