#include "engine/tokenizer/bpe_tokenizer.h"

#include <algorithm>

#include "engine/tokenizer/byte_alphabet.h"

namespace engine {
namespace {

// Words repeat: in texts of this length and more a piece is merged once and copied afterwards.
constexpr std::size_t kCachedText = 2048;
constexpr std::size_t kCachedPiece = 64;

Error corrupt(const std::string& file, const std::string& what) {
  return Error{ErrorCode::kCorrupt, file + ": " + what + " Get the file again from where it came."};
}

}  // namespace

Result<std::vector<BpeTokenizer::Token>> BpeTokenizer::tokens_of(const TokenizerParts& parts) {
  // Ids are nearly dense in every vocabulary: a stray large one must not cost its memory.
  const std::size_t most = 2 * (parts.vocabulary.size() + parts.added.size()) + 65'536;
  std::vector<Token> tokens;
  const auto place = [&](const TokenizerParts::Entry& entry) -> Result<Token*> {
    if (entry.id < 0 || static_cast<std::size_t>(entry.id) >= most) {
      return corrupt(parts.file, "the token id " + std::to_string(entry.id) + " is out of range.");
    }
    const auto index = static_cast<std::size_t>(entry.id);
    if (index >= tokens.size()) tokens.resize(index + 1);
    return &tokens[index];
  };
  for (const TokenizerParts::Entry& entry : parts.vocabulary) {
    TRY_ASSIGN(Token* token, place(entry));
    if (token->known) return corrupt(parts.file, "the token id " + std::to_string(entry.id) + " stands there twice.");
    const auto bytes = bytes_of_letters(entry.text);
    *token = {bytes ? *bytes : std::string(entry.text), true, false, bytes.has_value()};
  }
  for (const TokenizerParts::Entry& entry : parts.added) {
    if (entry.text.empty()) return corrupt(parts.file, "an added token has no text.");
    TRY_ASSIGN(Token* token, place(entry));
    if (token->control && token->bytes != entry.text) {
      return corrupt(parts.file, "the added tokens " + token->bytes + " and " + std::string(entry.text) + " have the same id.");
    }
    *token = {std::string(entry.text), true, true, false};
  }
  return tokens;
}

Result<std::shared_ptr<const Tokenizer>> BpeTokenizer::make(const TokenizerParts& parts) {
  TRY_ASSIGN(std::vector<Token> tokens, tokens_of(parts));
  std::unordered_map<std::string_view, TokenId> ids;
  ids.reserve(parts.vocabulary.size());
  for (const TokenizerParts::Entry& entry : parts.vocabulary) {
    if (!ids.emplace(entry.text, entry.id).second) {
      return corrupt(parts.file, "the token \"" + std::string(entry.text) + "\" stands there twice.");
    }
  }
  std::array<TokenId, 256> byte_tokens{};
  byte_tokens.fill(-1);
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const Token& token = tokens[id];
    if (token.reachable && token.bytes.size() == 1) {
      byte_tokens[static_cast<unsigned char>(token.bytes[0])] = static_cast<TokenId>(id);
    }
  }
  const auto missing = std::find(byte_tokens.begin(), byte_tokens.end(), -1);
  if (missing != byte_tokens.end()) {
    return Error{ErrorCode::kUnsupported, parts.file + ": the vocabulary has no token for the byte " +
                                              std::to_string(missing - byte_tokens.begin()) +
                                              "; only byte-level vocabularies with all 256 are supported."};
  }

  BytePairs pairs(byte_tokens, parts.merges.size());
  std::string joined;
  for (const auto& [left, right] : parts.merges) {
    joined.assign(left).append(right);
    const auto a = ids.find(left);
    const auto b = ids.find(right);
    const auto merged = ids.find(joined);
    if (a == ids.end() || b == ids.end() || merged == ids.end()) {
      return corrupt(parts.file, "the merge of \"" + std::string(left) + "\" and \"" + std::string(right) +
                                     "\" names a token that is not in the vocabulary.");
    }
    // Text must never become a control token, whatever a file says.
    if (tokens[static_cast<std::size_t>(merged->second)].control) continue;
    pairs.add(a->second, b->second, merged->second);
  }

  std::shared_ptr<BpeTokenizer> made(new BpeTokenizer(parts.pre_tokenizer, std::move(pairs)));
  made->tokens_ = std::move(tokens);
  for (std::size_t id = 0; id < made->tokens_.size(); ++id) {
    const Token& token = made->tokens_[id];
    if (token.control && !made->controls_.emplace(token.bytes, static_cast<TokenId>(id)).second) {
      return corrupt(parts.file, "the added token " + token.bytes + " has two ids.");
    }
    if (parts.ignore_merges && token.reachable) {
      made->whole_pieces_.emplace(token.bytes, static_cast<TokenId>(id));
    }
  }
  return std::shared_ptr<const Tokenizer>(std::move(made));
}

void BpeTokenizer::encode_piece(std::string_view piece, std::vector<TokenId>& tokens) const {
  if (!whole_pieces_.empty()) {
    if (const auto whole = whole_pieces_.find(piece); whole != whole_pieces_.end()) {
      tokens.push_back(whole->second);
      return;
    }
  }
  pairs_.encode(piece, tokens);
}

std::vector<TokenId> BpeTokenizer::encode(std::string_view text) const {
  struct Place {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<TokenId> tokens;
  std::unordered_map<std::string_view, Place> seen;  // piece -> where its tokens stand in `tokens`
  const bool cached = text.size() >= kCachedText;
  std::size_t at = 0;
  for (const std::uint32_t size : pre_tokenizer_.split(text)) {
    const std::string_view piece = text.substr(at, size);
    at += size;
    const std::size_t begin = tokens.size();
    if (!cached || size > kCachedPiece) {
      encode_piece(piece, tokens);
      continue;
    }
    const auto [entry, is_new] = seen.try_emplace(piece);
    if (is_new) {
      encode_piece(piece, tokens);
      entry->second = {begin, tokens.size()};
    } else {
      for (std::size_t i = entry->second.begin; i < entry->second.end; ++i) tokens.push_back(tokens[i]);
    }
  }
  return tokens;
}

std::vector<TokenSpan> BpeTokenizer::encode_with_spans(std::string_view text) const {
  std::vector<TokenSpan> spans;
  std::uint32_t begin = 0;
  for (const TokenId id : encode(text)) {
    const auto end = static_cast<std::uint32_t>(begin + tokens_[static_cast<std::size_t>(id)].bytes.size());
    spans.push_back({id, begin, end});
    begin = end;
  }
  return spans;
}

std::int64_t BpeTokenizer::count(std::string_view text) const { return static_cast<std::int64_t>(encode(text).size()); }

std::optional<TokenId> BpeTokenizer::control(std::string_view token) const {
  const auto found = controls_.find(token);
  if (found == controls_.end()) return std::nullopt;
  return found->second;
}

bool BpeTokenizer::is_control(TokenId id) const {
  return id >= 0 && id < vocabulary_size() && tokens_[static_cast<std::size_t>(id)].control;
}

std::string_view BpeTokenizer::bytes(TokenId id) const {
  if (id < 0 || id >= vocabulary_size()) return {};
  return tokens_[static_cast<std::size_t>(id)].bytes;
}

std::string BpeTokenizer::decode(const std::vector<TokenId>& ids) const {
  std::string text;
  for (const TokenId id : ids) text += bytes(id);
  return text;
}

}  // namespace engine
