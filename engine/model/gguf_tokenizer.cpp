#include "engine/model/gguf_tokenizer.h"

#include <string>
#include <utility>
#include <vector>

#include "engine/tokenizer/bpe_tokenizer.h"
#include "engine/tokenizer/pre_tokenizer.h"

namespace engine {
namespace {

// tokenizer.ggml.token_type
constexpr std::int64_t kNormal = 1;
constexpr std::int64_t kUnused = 5;
constexpr std::int64_t kByte = 6;
constexpr std::size_t kMaxTokens = std::size_t{1} << 24;

}  // namespace

Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const GgufFile& file) {
  TRY_ASSIGN(const std::string_view model, file.string("tokenizer.ggml.model"));
  if (model != "gpt2") {
    return file.error(ErrorCode::kUnsupported, "tokenizer.ggml.model",
                      "is \"" + std::string(model) + "\"; only \"gpt2\", byte-level BPE, is supported.");
  }
  TRY_ASSIGN(const std::string_view pre, file.string("tokenizer.ggml.pre"));
  TRY_ASSIGN(PreTokenizer pre_tokenizer, PreTokenizer::from_name(pre));
  TokenizerParts parts{file.name(), {}, {}, {}, std::move(pre_tokenizer), false};
  TRY_ASSIGN(const std::vector<std::string_view> tokens, file.strings("tokenizer.ggml.tokens"));
  TRY_ASSIGN(const std::vector<std::int64_t> types, file.integers("tokenizer.ggml.token_type"));
  if (types.size() != tokens.size() || tokens.size() > kMaxTokens) {
    return file.error(ErrorCode::kCorrupt, "tokenizer.ggml.token_type", "must have one entry for each token.");
  }
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const TokenizerParts::Entry entry{tokens[id], static_cast<TokenId>(id)};
    // Rows that fill up the embedding carry made-up names; they are never written nor read.
    if (types[id] == kUnused) continue;
    if (types[id] == kNormal || types[id] == kByte) {
      parts.vocabulary.push_back(entry);
    } else {
      parts.added.push_back(entry);
    }
  }
  TRY_ASSIGN(const std::vector<std::string_view> merges, file.strings("tokenizer.ggml.merges"));
  for (const std::string_view merge : merges) {
    // The byte alphabet has no space: the only one stands between the two.
    const auto space = merge.find(' ');
    if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos) {
      return file.error(ErrorCode::kCorrupt, "tokenizer.ggml.merges", "must hold two tokens with one space between them.");
    }
    parts.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  return BpeTokenizer::make(parts);
}

}  // namespace engine
