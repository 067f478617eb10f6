#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/sampling/quotable_text.h"

namespace engine {

/// Lets an answer inside quotation continue only with text that follows in the prompt, so that
/// quotes are verbatim by construction. One constraint serves one generation.
///
///   const auto text = std::make_shared<const QuotableText>(tokenizer, request.prompt, request.quotable);
///   QuoteConstraint constraint(text, layout.quotes, end_ids);
///   const bool answering = text.in_answer();  // GenerationText, before the token is known
///   choice = sampler.sample(logits, answering ? constraint.allowed() : std::span<const TokenId>());
///   if (answering) constraint.push(choice.id);
///
/// QuoteStyle::kLines: a line of the answer that begins as a block begins must go on as that block
/// to its end, anchor included; then a new line or the end may follow. Other lines are free.
/// QuoteStyle::kMarks: text after an opening quotation mark must occur in a block; the closing mark
/// may always follow.
///
/// A step costs as much as the quotation so far has occurrences.
class QuoteConstraint {
 public:
  /// `end_ids` end the answer.
  QuoteConstraint(std::shared_ptr<const QuotableText> text, QuoteStyle style, std::vector<TokenId> end_ids);

  /// kLines, before the answer begins: it quotes these blocks (indices of the text's), each once, and ends.
  void hold_to(std::vector<std::uint32_t> blocks);

  /// What may follow now, ascending; empty: anything. Valid until the next call.
  std::span<const TokenId> allowed();

  /// The answer's next token.
  void push(TokenId id);

 private:
  enum class State {
    kFree,       // outside quotation
    kLineStart,  // kLines: the next token decides
    kOpened,     // kMarks: right after an opening mark
    kQuoting,
  };
  void find_first_tokens();
  void push_line(std::string_view bytes);
  void push_marks(std::string_view bytes);
  std::string_view open_mark(std::string_view bytes);
  void begin_at_blocks(std::string_view bytes);
  void begin_anywhere(std::string_view bytes);
  void go_on(std::string_view bytes);
  void collect_next();

  std::shared_ptr<const QuotableText> text_;
  QuoteStyle style_;
  std::vector<TokenId> end_ids_;                // kLines: end the answer
  TokenId new_line_ = 0;
  bool is_held_ = false;
  std::vector<std::uint32_t> held_;             // blocks that are still to be quoted
  std::vector<TokenId> first_tokens_;           // kMarks: what a quotation may begin with
  std::vector<std::vector<TokenId>> closing_;   // kMarks: tokens that begin with the closing mark, by kind of mark

  State state_;
  std::vector<QuotableText::Place> places_;     // where each occurrence of the quotation so far ends
  std::size_t mark_ = 0;                        // kind of the open mark
  std::string tail_;                            // kMarks: end of the free text, for marks cut between tokens
  std::vector<TokenId> allowed_;
};

}  // namespace engine
