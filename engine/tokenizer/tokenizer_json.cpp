#include "engine/base/json.h"
#include "engine/tokenizer/bpe_tokenizer.h"

namespace engine {
namespace {

constexpr std::int64_t kMaxId = (std::int64_t{1} << 31) - 1;
constexpr JsonLimits kLimits = {.max_bytes = std::int64_t{256} << 20, .max_depth = 32};

/// Everything in the file that would change tokens and that is not implemented, by name.
Result<void> refuse_unsupported(const JsonValue& root, const JsonValue& model) {
  if (const auto normalizer = root.find("normalizer")) {
    const auto parts = normalizer->find("normalizers");
    if (!parts || !parts->is_array() || parts->size() > 0) {
      TRY_ASSIGN(const std::string type, normalizer->string_or("type", ""));
      return normalizer->error(ErrorCode::kUnsupported,
                               "changes the text (" + type + "); only tokenizers without a normalizer are supported.");
    }
  }
  TRY_ASSIGN(const std::string type, model.string_or("type", "BPE"));
  if (type != "BPE") return model.error(ErrorCode::kUnsupported, "is of the type \"" + type + "\"; only BPE is supported.");
  TRY_ASSIGN(const bool byte_fallback, model.boolean_or("byte_fallback", false));
  if (byte_fallback) return model.error(ErrorCode::kUnsupported, "uses byte_fallback; only byte-level BPE is supported.");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    TRY_ASSIGN(const std::string affix, model.string_or(key, ""));
    if (!affix.empty()) return model.error(ErrorCode::kUnsupported, std::string("uses ") + key + ", which is not supported.");
  }
  if (const auto decoder = root.find("decoder")) {
    TRY_ASSIGN(const std::string decoder_type, decoder->string_or("type", ""));
    if (decoder_type != "ByteLevel") {
      return decoder->error(ErrorCode::kUnsupported, "is of the type \"" + decoder_type + "\"; only ByteLevel is supported.");
    }
  }
  return {};
}

Result<void> read_merges(const JsonValue& merges, TokenizerParts& parts) {
  TRY(merges.array());
  parts.merges.reserve(static_cast<std::size_t>(merges.size()));
  for (std::int64_t i = 0; i < merges.size(); ++i) {
    const JsonValue merge = merges[i];
    if (merge.is_array()) {
      if (merge.size() != 2) return merge.error(ErrorCode::kCorrupt, "must be two tokens.");
      TRY_ASSIGN(const std::string_view left, merge[0].string());
      TRY_ASSIGN(const std::string_view right, merge[1].string());
      parts.merges.emplace_back(left, right);
      continue;
    }
    TRY_ASSIGN(const std::string_view text, merge.string());
    const auto space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos) {
      return merge.error(ErrorCode::kCorrupt, "must be two tokens with one space between them.");
    }
    parts.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
  }
  return {};
}

Result<void> read_vocabulary(const JsonValue& vocabulary, TokenizerParts& parts) {
  TRY(vocabulary.object());
  parts.vocabulary.reserve(static_cast<std::size_t>(vocabulary.size()));
  for (std::int64_t i = 0; i < vocabulary.size(); ++i) {
    TRY_ASSIGN(const std::int64_t id, vocabulary[i].integer(0, kMaxId));
    parts.vocabulary.push_back({vocabulary[i].key(), static_cast<TokenId>(id)});
  }
  return {};
}

Result<void> read_added(const JsonValue& added, TokenizerParts& parts) {
  TRY(added.array());
  for (std::int64_t i = 0; i < added.size(); ++i) {
    TRY_ASSIGN(const JsonValue id_value, added[i].at("id"));
    TRY_ASSIGN(const std::int64_t id, id_value.integer(0, kMaxId));
    TRY_ASSIGN(const JsonValue content_value, added[i].at("content"));
    TRY_ASSIGN(const std::string_view content, content_value.string());
    parts.added.push_back({content, static_cast<TokenId>(id)});
  }
  return {};
}

/// tokenizer_config.json may name control tokens that tokenizer.json leaves out.
Result<void> read_config(const JsonValue& root, TokenizerParts& parts) {
  const auto decoder = root.find("added_tokens_decoder");
  if (!decoder) return {};
  TRY(decoder->object());
  for (std::int64_t i = 0; i < decoder->size(); ++i) {
    const JsonValue entry = (*decoder)[i];
    const std::string digits(entry.key());
    if (digits.empty() || digits.size() > 9 || digits.find_first_not_of("0123456789") != std::string::npos) {
      return entry.error(ErrorCode::kCorrupt, "must be called by a token id.");
    }
    const auto id = static_cast<TokenId>(std::stol(digits));
    TRY_ASSIGN(const JsonValue content_value, entry.at("content"));
    TRY_ASSIGN(const std::string_view content, content_value.string());
    parts.added.push_back({content, id});
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Tokenizer>> Tokenizer::load(const std::filesystem::path& folder) {
  TRY_ASSIGN(const JsonDocument file, JsonDocument::read(folder / "tokenizer.json", kLimits));
  const JsonValue root = file.root();
  TRY_ASSIGN(const JsonValue model, root.at("model"));
  TRY(refuse_unsupported(root, model));
  TRY_ASSIGN(const JsonValue pre_tokenizer, root.at("pre_tokenizer"));
  TRY_ASSIGN(PreTokenizer split, PreTokenizer::from_json(pre_tokenizer));
  TRY_ASSIGN(const bool ignore_merges, model.boolean_or("ignore_merges", false));
  TokenizerParts parts{"tokenizer.json", {}, {}, {}, std::move(split), ignore_merges};
  TRY_ASSIGN(const JsonValue vocabulary, model.at("vocab"));
  TRY(read_vocabulary(vocabulary, parts));
  TRY_ASSIGN(const JsonValue merges, model.at("merges"));
  TRY(read_merges(merges, parts));
  if (const auto added = root.find("added_tokens")) TRY(read_added(*added, parts));

  auto config = JsonDocument::read(folder / "tokenizer_config.json", kLimits);
  if (config) {
    TRY(read_config(config->root(), parts));
  } else if (config.error().code != ErrorCode::kNotFound) {
    return std::move(config).error();
  }
  return BpeTokenizer::make(parts);
}

}  // namespace engine
