#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"

namespace engine {

using TokenId = std::int32_t;

/// One token of a text and the bytes it covers there.
struct TokenSpan {
  TokenId id = 0;
  std::uint32_t begin = 0;  // byte offsets in the encoded text
  std::uint32_t end = 0;
};

/// Byte-level BPE as the model's own tokenizer.json describes it: its Split regexes, merges, added
/// tokens. Nothing about one model is known here. Immutable and thread safe after `load`.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Reads tokenizer.json (and tokenizer_config.json where present) from a model folder.
  static Result<std::shared_ptr<const Tokenizer>> load(const std::filesystem::path& folder);

  /// Tokens of a text that is data: added and special tokens are never matched inside it, invalid
  /// UTF-8 survives as bytes, and decoding gives the same bytes again.
  virtual std::vector<TokenId> encode(std::string_view text) const = 0;
  virtual std::vector<TokenSpan> encode_with_spans(std::string_view text) const = 0;
  virtual std::int64_t count(std::string_view text) const = 0;

  /// The id of an added token ("<｜User｜>"), exactly spelled; nothing when there is none.
  virtual std::optional<TokenId> control(std::string_view token) const = 0;
  virtual bool is_control(TokenId id) const = 0;

  /// The bytes of one token; empty for ids outside the vocabulary. Control tokens give their name.
  virtual std::string_view bytes(TokenId id) const = 0;
  virtual std::string decode(const std::vector<TokenId>& ids) const = 0;

  virtual std::int64_t vocabulary_size() const = 0;  // ids at and above it are never sampled
};

/// Gives back only complete UTF-8 while tokens stream in; invalid bytes become U+FFFD.
class StreamDecoder {
 public:
  explicit StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer) : tokenizer_(std::move(tokenizer)) {}
  std::string push(TokenId id);
  std::string finish();

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::string pending_;
};

}  // namespace engine
