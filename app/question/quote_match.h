#pragma once

#include <cstdint>
#include <string_view>

#include "app/question/citations.h"

namespace app {

struct QuoteMatch {
  QuoteCheck check = QuoteCheck::kNotFound;
  std::uint32_t begin = 0;  // bytes of the source, valid unless kNotFound
  std::uint32_t end = 0;
};

/// Looks for the quoted words in a source text. kVerified: byte for byte. kNear: the same words with
/// other blanks, line breaks, quotation marks or hyphens, or with a few letters changed (one in 16,
/// from 12 letters on); never with other digits, since a changed number is another statement.
/// Time: quote x source in the worst case; both are cut off at 8,000 bytes for the last step.
QuoteMatch match_quote(std::string_view quote, std::string_view source);

}  // namespace app
