#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/tokenizer/byte_pairs.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/tokenizer.h"

namespace engine {

/// What a tokenizer is made of, whichever file it came from. The views point into that file.
struct TokenizerParts {
  struct Entry {
    std::string_view text;
    TokenId id = 0;
  };
  std::string file;                // for errors
  std::vector<Entry> vocabulary;   // in the byte alphabet
  std::vector<std::pair<std::string_view, std::string_view>> merges;  // in rank order
  std::vector<Entry> added;        // control tokens, as they are written
  PreTokenizer pre_tokenizer;
  bool ignore_merges = false;      // a piece that is itself an entry is not merged
};

class BpeTokenizer final : public Tokenizer {
 public:
  /// Refuses ids twice or out of range, merges of unknown tokens, and vocabularies without one of
  /// the 256 bytes: those could not write every text.
  static Result<std::shared_ptr<const Tokenizer>> make(const TokenizerParts& parts);

  std::vector<TokenId> encode(std::string_view text) const override;
  std::vector<TokenSpan> encode_with_spans(std::string_view text) const override;
  std::int64_t count(std::string_view text) const override;
  std::optional<TokenId> control(std::string_view token) const override;
  bool is_control(TokenId id) const override;
  std::string_view bytes(TokenId id) const override;
  std::string decode(const std::vector<TokenId>& ids) const override;
  std::int64_t vocabulary_size() const override { return static_cast<std::int64_t>(tokens_.size()); }

 private:
  struct Token {
    std::string bytes;
    bool known = false;
    bool control = false;
    bool reachable = false;  // by text: written in the byte alphabet and no control token
  };

  BpeTokenizer(PreTokenizer pre_tokenizer, BytePairs pairs)
      : pre_tokenizer_(std::move(pre_tokenizer)), pairs_(std::move(pairs)) {}
  static Result<std::vector<Token>> tokens_of(const TokenizerParts& parts);
  void encode_piece(std::string_view piece, std::vector<TokenId>& tokens) const;

  PreTokenizer pre_tokenizer_;
  BytePairs pairs_;
  std::vector<Token> tokens_;  // by id
  std::unordered_map<std::string_view, TokenId> controls_;
  std::unordered_map<std::string_view, TokenId> whole_pieces_;  // only with ignore_merges
};

}  // namespace engine
