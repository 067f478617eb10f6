#pragma once

#include <cstdint>
#include <memory>
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
  bool opens = false;            // stands before its quote; the same anchor follows at the quote's end
  std::string label;             // "report.pdf, p. 14" or "src/wal.cc:120-124": what the window shows
};

/// An anchor as it stands in a text, in the layout's form.
struct AnchorMention {
  std::uint32_t begin = 0;       // bytes
  std::uint32_t end = 0;
  std::int32_t anchor = 0;
};

/// All anchors in `text`, also in lists like [p3, p4]. Needs no project: for text that still streams.
std::vector<AnchorMention> find_anchors(std::string_view text, const engine::PromptLayout& layout);

/// Where an anchor may have begun at the end of a text that still streams; its size when none has.
std::size_t unfinished_anchor(std::string_view text, const engine::PromptLayout& layout);

/// Checks citations again and again while an answer streams: keeps the texts of the cited parts.
/// `map` and `project` must outlive it. One thread.
class CitationFinder {
 public:
  CitationFinder(const PromptMap& map, const Project& project, const engine::PromptLayout& layout);
  ~CitationFinder();
  Result<std::vector<Citation>> find(std::string_view answer);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Finds anchors written in the model's layout and checks the quoted words against the block.
Result<std::vector<Citation>> find_citations(std::string_view answer, const PromptMap& map, const Project& project,
                                             const engine::PromptLayout& layout);

std::string citations_to_json(const std::vector<Citation>& citations);
Result<std::vector<Citation>> citations_from_json(std::string_view json);

}  // namespace app
