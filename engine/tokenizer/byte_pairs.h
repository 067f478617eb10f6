#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/tokenizer/tokenizer.h"

namespace engine {

/// The merges of a byte-level BPE and the merge loop. Immutable after the last `add`; thread safe then.
class BytePairs {
 public:
  /// `byte_tokens[b]` is the token of the single byte b.
  BytePairs(const std::array<TokenId, 256>& byte_tokens, std::size_t n_merges);

  /// Merges are added in rank order; a pair added twice keeps the later rank, as the reference does.
  void add(TokenId left, TokenId right, TokenId merged);

  /// Merges the adjacent pair of lowest rank, the leftmost of equals, until none is left. Appends
  /// the tokens of `piece`. O(n log n): documents hold pieces of 100 KB and more.
  void encode(std::string_view piece, std::vector<TokenId>& tokens) const;

 private:
  struct Merge {
    std::uint64_t pair = kNone;
    std::uint32_t rank = 0;
    TokenId merged = 0;
  };
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  const Merge* find(TokenId left, TokenId right) const;
  std::size_t slot(std::uint64_t pair) const;
  void encode_short(std::string_view piece, std::vector<TokenId>& tokens) const;
  void encode_long(std::string_view piece, std::vector<TokenId>& tokens) const;

  std::array<TokenId, 256> byte_tokens_;
  std::vector<Merge> table_;  // open addressing, a power of two, at most half full
  int shift_ = 0;
  std::uint32_t next_rank_ = 0;
};

}  // namespace engine
