#include "engine/tokenizer/prompt_layout.h"

#include <algorithm>
#include <array>
#include <limits>

#include "engine/base/json.h"

namespace engine {
namespace {

constexpr std::int64_t kMaxTokens = std::int64_t{1} << 31;
constexpr std::size_t kMaxTemplate = 16'384;
constexpr std::int64_t kMaxOpen = 16;

constexpr std::array<std::string_view, 24> kKeys = {
    "name", "about", "good_tokens", "chat", "system", "documents_in", "documents_open", "documents_open_text",
    "heading", "block", "anchor", "question", "question_words", "thinking", "quote_constraint", "quotes", "max_block_tokens", "max_anchor",
    "temperature", "top_p", "max_new_tokens", "thinking_list", "thinking_found", "thinking_nothing"};

Result<void> read_text(const JsonValue& root, std::string_view key, std::string& text) {
  TRY_ASSIGN(text, root.string_or(key, text));
  if (text.size() <= kMaxTemplate) return {};
  return root.find(key)->error(ErrorCode::kCorrupt, "is longer than " + std::to_string(kMaxTemplate) + " bytes.");
}

/// A template that misses its placeholder would lose the document or the question without a word.
Result<void> need(const JsonValue& root, std::string_view key, const std::string& text, std::string_view placeholder) {
  if (text.find(placeholder) != std::string::npos) return {};
  const auto value = root.find(key);
  return (value ? *value : root).error(ErrorCode::kCorrupt, "must hold " + std::string(placeholder) + ".");
}

Result<void> read_texts(const JsonValue& root, PromptLayout& layout) {
  TRY(read_text(root, "name", layout.name));
  TRY(read_text(root, "about", layout.about));
  TRY(read_text(root, "chat", layout.chat));
  TRY(read_text(root, "system", layout.system));
  TRY(read_text(root, "documents_open_text", layout.documents_open_text));
  TRY(read_text(root, "heading", layout.heading));
  TRY(read_text(root, "block", layout.block));
  TRY(read_text(root, "anchor", layout.anchor));
  TRY(read_text(root, "question", layout.question));
  TRY(read_text(root, "question_words", layout.question_words));
  TRY(read_text(root, "thinking_list", layout.thinking_lines.list));
  TRY(read_text(root, "thinking_found", layout.thinking_lines.found));
  TRY(read_text(root, "thinking_nothing", layout.thinking_lines.nothing));
  if (!layout.heading.empty()) TRY(need(root, "heading", layout.heading, "{title}"));
  TRY(need(root, "block", layout.block, "{text}"));
  TRY(need(root, "block", layout.block, "{anchor}"));
  TRY(need(root, "anchor", layout.anchor, "{n}"));
  TRY(need(root, "question", layout.question, "{question}"));
  if (!layout.question_words.empty()) TRY(need(root, "question_words", layout.question_words, "{words}"));
  return {};
}

Result<void> read_documents(const JsonValue& root, PromptLayout& layout) {
  TRY_ASSIGN(const std::string where, root.string_or("documents_in", "user"));
  if (where != "user" && where != "system") {
    return root.find("documents_in")->error(ErrorCode::kCorrupt, "must be \"user\" or \"system\", not \"" + where + "\".");
  }
  layout.documents_in = where == "system" ? DocumentsIn::kSystem : DocumentsIn::kUser;
  TRY_ASSIGN(const std::string quotes, root.string_or("quotes", "marks"));
  if (quotes != "marks" && quotes != "lines") {
    return root.find("quotes")->error(ErrorCode::kCorrupt, "must be \"marks\" or \"lines\", not \"" + quotes + "\".");
  }
  layout.quotes = quotes == "lines" ? QuoteStyle::kLines : QuoteStyle::kMarks;
  const auto open = root.find("documents_open");
  if (!open) return {};
  TRY(open->array());
  if (open->size() > kMaxOpen) return open->error(ErrorCode::kCorrupt, "names more than 16 tokens.");
  for (std::int64_t i = 0; i < open->size(); ++i) {
    TRY_ASSIGN(const std::string_view token, (*open)[i].string());
    layout.documents_open.emplace_back(token);
  }
  return {};
}

Result<void> read_numbers(const JsonValue& root, PromptLayout& layout) {
  TRY_ASSIGN(layout.good_tokens, root.integer_or("good_tokens", layout.good_tokens, 0, kMaxTokens));
  TRY_ASSIGN(layout.thinking, root.boolean_or("thinking", layout.thinking));
  TRY_ASSIGN(layout.quote_constraint, root.boolean_or("quote_constraint", layout.quote_constraint));
  TRY_ASSIGN(const std::int64_t block_tokens, root.integer_or("max_block_tokens", layout.max_block_tokens, 8, 65'536));
  TRY_ASSIGN(const std::int64_t max_anchor, root.integer_or("max_anchor", layout.max_anchor, 0, 1'000'000'000));
  TRY_ASSIGN(const std::int64_t new_tokens, root.integer_or("max_new_tokens", layout.max_new_tokens, 1, 1'048'576));
  layout.max_block_tokens = static_cast<int>(block_tokens);
  layout.max_anchor = static_cast<int>(max_anchor);
  layout.max_new_tokens = static_cast<int>(new_tokens);
  TRY_ASSIGN(layout.temperature, root.number_or("temperature", layout.temperature, 0.0, 100.0));
  TRY_ASSIGN(layout.top_p, root.number_or("top_p", layout.top_p, std::numeric_limits<double>::min(), 1.0));
  return {};
}

}  // namespace

Result<PromptLayout> PromptLayout::load(const std::filesystem::path& model_folder) {
  PromptLayout layout;
  auto file = JsonDocument::read(model_folder / "longleaf.json", {.max_bytes = 1 << 20, .max_depth = 4});
  if (!file && file.error().code == ErrorCode::kNotFound) {
    layout.name = model_folder.filename().string();
    return layout;
  }
  if (!file) return std::move(file).error();
  const JsonValue root = file->root();
  TRY(root.object());
  for (std::int64_t i = 0; i < root.size(); ++i) {
    // A misspelt key would silently leave its default.
    if (std::find(kKeys.begin(), kKeys.end(), root[i].key()) == kKeys.end()) {
      return root[i].error(ErrorCode::kCorrupt, "is not a key that is known here.");
    }
  }
  TRY(read_texts(root, layout));
  TRY(read_documents(root, layout));
  TRY(read_numbers(root, layout));
  if (layout.name.empty()) layout.name = model_folder.filename().string();
  return layout;
}

}  // namespace engine
