#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/heatmap/run_trace.h"
#include "app/question/citations.h"

namespace app {

enum class SelectionMark {
  kUnknown,      // nothing recorded for the sentence, or the citation points nowhere
  kDense,        // every key was selected: says nothing
  kSelected,     // the cited span was selected while the sentence was written
  kNotSelected,
};

/// The second mark of a citation, beside "quote found in the source".
struct CitationEvidence {
  SelectionMark mark = SelectionMark::kUnknown;
  engine::TokenRange tokens;  // the sentence that carries the citation
  double weight = 0;          // share of the cited span, 0..1
  int n_layers = 0;
  int rank = 0;               // among all spans of the prompt; 0: not selected
};

/// "selected while it was written (4 layers, rank 12)", "not selected while it was written"; empty for kUnknown.
std::string words_for(const CitationEvidence& evidence);

/// One per citation, same order. The sentence begins after the one before it (or after a line break) and
/// ends with the citation's anchor. Disagreement with Citation::check is worth showing.
std::vector<CitationEvidence> citation_evidence(const RunTrace& run, std::string_view answer,
                                                const std::vector<Citation>& citations);

/// The sentence of thinking or of the answer that generated token `token` stands in; the token alone when its
/// text is not known.
engine::TokenRange sentence_of_token(const RunTrace& run, std::int64_t token);

/// The tokens that wrote `words`: their first place in the answer, else in thinking; empty when they are in neither.
engine::TokenRange tokens_of_words(const RunTrace& run, std::string_view words);

/// Generated tokens whose text overlaps bytes [begin, end) of the answer; empty when not known.
engine::TokenRange tokens_of_answer(const RunTrace& run, std::uint32_t begin, std::uint32_t end);

}  // namespace app
