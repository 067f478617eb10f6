#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/tokenizer/split_pattern.h"

namespace engine {

/// Cuts a text into the pieces inside which byte pairs are merged: one Split after another, each
/// over the pieces of the one before; matches and the gaps between them are both pieces.
/// Immutable; thread safe.
class PreTokenizer {
 public:
  /// `value` is "pre_tokenizer" of a tokenizer.json: Split (Isolated), Digits and ByteLevel without
  /// added space, alone or in a Sequence that ends in ByteLevel. The rest is refused by name.
  static Result<PreTokenizer> from_json(const JsonValue& value);
  /// The known pre-tokenizer of a GGUF file (tokenizer.ggml.pre), refused by name otherwise.
  static Result<PreTokenizer> from_name(std::string_view name);

  /// Sizes in bytes of the consecutive pieces; they add up to text.size(). Bytes that are not UTF-8
  /// are pieces of their own.
  std::vector<std::uint32_t> split(std::string_view text) const;

 private:
  explicit PreTokenizer(std::vector<SplitPattern> stages) : stages_(std::move(stages)) {}
  static Result<void> add_stage(const JsonValue& value, std::vector<SplitPattern>& stages, bool& done);
  void split_valid(std::string_view text, SplitPattern::Scratch& scratch, std::vector<std::uint32_t>& sizes) const;

  std::vector<SplitPattern> stages_;
};

}  // namespace engine
