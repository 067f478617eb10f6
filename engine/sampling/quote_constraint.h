#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/tokenizer/tokenizer.h"

namespace engine {

/// Lets an answer inside quotation continue only with text that follows in the prompt, so that
/// quotes are verbatim by construction. One constraint serves one generation.
///
///   QuoteConstraint constraint(tokenizer, request.prompt, request.quotable, layout.quotes, end_ids);
///   const bool answering = text.in_answer();  // GenerationText, before the token is known
///   choice = sampler.sample(logits, answering ? constraint.allowed() : std::span<const TokenId>());
///   if (answering) constraint.push(choice.id);
///
/// QuoteStyle::kLines: a line of the answer that begins as a block begins must go on as that block
/// to its end, anchor included; then a new line or the end may follow. Other lines are free.
/// QuoteStyle::kMarks: text after an opening quotation mark must occur in a block; the closing mark
/// may always follow.
///
/// Works on bytes, not on tokens: a quotation may begin inside a token of the prompt ("The" for
/// " The"). Memory: about 8 bytes per quotable byte. A step costs as much as the quotation so far has
/// occurrences.
class QuoteConstraint {
 public:
  /// `quotable` are the blocks in `prompt`, ascending, anchors included. `end_ids` end the answer.
  QuoteConstraint(std::shared_ptr<const Tokenizer> tokenizer, std::span<const TokenId> prompt,
                  std::span<const TokenRange> quotable, QuoteStyle style, std::vector<TokenId> end_ids);

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
  struct Block {
    std::uint32_t begin = 0;     // bytes of text_
    std::uint32_t end = 0;
    std::uint32_t text_end = 0;  // without white space at its end
  };
  struct Token {
    TokenId id = 0;
    std::uint32_t begin = 0;
    std::uint32_t block = 0;
  };

  void read_blocks(std::span<const TokenId> prompt, std::span<const TokenRange> quotable);
  void find_first_tokens();
  void push_line(std::string_view bytes);
  void push_marks(std::string_view bytes);
  std::string_view open_mark(std::string_view bytes);
  void begin_at_blocks(std::string_view bytes);
  void begin_anywhere(std::string_view bytes);
  void go_on(std::string_view bytes);
  void collect_next();
  /// The block that a quotation ending at `place` lies in; place > 0.
  const Block& block_before(std::uint32_t place) const { return blocks_[tokens_[token_of_byte_[place - 1]].block]; }

  std::shared_ptr<const Tokenizer> tokenizer_;
  QuoteStyle style_;
  std::vector<TokenId> line_ends_;              // kLines: what may follow a whole block
  std::string text_;                            // of all blocks, one after another
  std::vector<Block> blocks_;
  std::vector<Token> tokens_;
  std::vector<std::uint32_t> token_of_byte_;    // index into tokens_ of the token that covers a byte
  std::vector<TokenId> first_tokens_;           // kMarks: what a quotation may begin with
  std::vector<std::vector<TokenId>> closing_;   // kMarks: tokens that begin with the closing mark, by kind of mark

  State state_;
  std::vector<std::uint32_t> places_;           // where in text_ each occurrence of the quotation so far ends
  std::size_t mark_ = 0;                        // kind of the open mark
  std::string tail_;                            // kMarks: end of the free text, for marks cut between tokens
  std::vector<TokenId> allowed_;
};

}  // namespace engine
