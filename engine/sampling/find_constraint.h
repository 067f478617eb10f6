#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/sampling/quotable_text.h"
#include "engine/tokenizer/prompt_layout.h"

namespace engine {

/// Holds the thinking of a model that finds words to what stands in the prompt, as QuoteConstraint does with an answer's
/// quotations. Such a model thinks in lines (PromptLayout::thinking_lines):
///
///   Looking for: wiregrass cover, plots      what it looks for, as it likes
///   Found wiregrass cover rose. [p41]        a passage from the first of these words on, to its closing anchor
///   Nothing found                            in the place of all Found lines
///
/// A Found line goes on as one passage does that holds the first words, and all of them where there is one. No passage is
/// found twice, and while another one holds all of the words the thinking does not end, up to kMaxFound passages. What
/// stands nowhere is not found. Letter case (of ASCII) is set aside; letters, digits
/// and _ are one word, and -, . and apostrophes between them do not end it.
///
/// One constraint serves one generation. Used like QuoteConstraint, while the model thinks.
class FindConstraint {
 public:
  static constexpr std::size_t kMaxFound = 4;

  /// `end_of_thinking` may be empty: then the end is free.
  FindConstraint(std::shared_ptr<const QuotableText> text, ThinkingLines lines, std::vector<TokenId> end_of_thinking);

  /// What may follow now, ascending; empty: anything. Valid until the next call.
  std::span<const TokenId> allowed();
  /// The thinking's next token.
  void push(TokenId id);

  /// The blocks that were found so far (indices of the text's), in that order.
  const std::vector<std::uint32_t>& found() const { return found_; }

 private:
  enum class State { kList, kLineStart, kFinding, kFree };

  void read_list();
  void begin_passage();
  void end_passage();
  bool wants_more(std::uint32_t current) const;

  std::shared_ptr<const QuotableText> text_;
  ThinkingLines lines_;
  std::vector<TokenId> end_of_thinking_;
  std::vector<TokenId> found_ids_;              // "Found"
  std::vector<TokenId> nothing_ids_;            // "Nothing found"

  State state_ = State::kList;
  std::string line_;                            // so far
  std::size_t n_line_tokens_ = 0;
  std::vector<QuotableText::Place> starts_;     // of the first words, one for each block that may be found
  bool are_complete_ = false;                   // these blocks hold all of the words
  std::vector<QuotableText::Place> places_;
  std::vector<std::uint32_t> found_;
  std::vector<TokenId> allowed_;
};

}  // namespace engine
