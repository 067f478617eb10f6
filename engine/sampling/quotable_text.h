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

/// The text of a prompt's blocks, and which tokens go on with it from any byte. Works on bytes, not on tokens: a
/// quotation may begin inside a token of the prompt ("The" for " The"). Memory: about 8 bytes per quotable byte.
class QuotableText {
 public:
  /// `quotable` are the blocks in `prompt`, ascending, anchors included.
  QuotableText(std::shared_ptr<const Tokenizer> tokenizer, std::span<const TokenId> prompt, std::span<const TokenRange> quotable);

  struct Block {
    std::uint32_t begin = 0;     // bytes of text()
    std::uint32_t end = 0;
    std::uint32_t text_end = 0;  // without white space at its end
  };
  struct Token {
    TokenId id = 0;
    std::uint32_t begin = 0;     // byte of text()
    std::uint32_t block = 0;
  };
  /// Where an occurrence of the quotation so far ends.
  struct Place {
    std::uint32_t at = 0;        // byte of text(), at most the block's end
    std::uint32_t block = 0;
  };

  const Tokenizer& tokenizer() const { return *tokenizer_; }
  std::string_view text() const { return text_; }
  std::string_view text_of(std::uint32_t block) const { return std::string_view(text_).substr(blocks_[block].begin, blocks_[block].end - blocks_[block].begin); }
  const std::vector<Block>& blocks() const { return blocks_; }
  const std::vector<Token>& tokens() const { return tokens_; }
  std::uint32_t block_of_byte(std::uint32_t byte) const { return tokens_[token_of_byte_[byte]].block; }
  bool is_whole(Place place) const { return place.at >= blocks_[place.block].text_end; }

  /// Where one token of the prompt holds the end of a block and the line's end after it, as "]\n" does: what may be written there.
  enum class LineEnd { kEither, kWith, kWithout };
  /// The tokens that go on at `place`.
  void add_next(Place place, LineEnd end, std::vector<TokenId>& ids) const;

  /// Moves the places at which `bytes` follow behind them, and drops the others.
  void go_on(std::string_view bytes, std::vector<Place>& places) const;

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::string text_;                          // of all blocks, one after another
  std::vector<Block> blocks_;
  std::vector<Token> tokens_;
  std::vector<std::uint32_t> token_of_byte_;  // index into tokens_ of the token that covers a byte
};

}  // namespace engine
