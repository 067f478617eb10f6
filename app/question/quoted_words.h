#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace app {

/// Which words of an answer an anchor speaks for. They point into the answer.
struct QuotedWords {
  std::vector<std::string_view> candidates;  // the likeliest first
  bool claimed = false;  // the answer presents them as a quotation: not to find them is a fault
};

/// The words between the two anchors of "[p12] the sentence [p12]".
QuotedWords words_between(std::string_view answer, std::size_t begin, std::size_t end);

/// The words before an anchor: a code block, words in quotation marks or back quotes, else the
/// statement itself, which is a claimed quotation only of a model that does nothing but quote.
QuotedWords words_before(std::string_view answer, std::size_t begin, std::size_t end, bool quotes_only);

}  // namespace app
