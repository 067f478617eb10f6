#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace engine {

/// Where the document blocks stand in the conversation.
enum class DocumentsIn { kSystem, kUser };

/// What counts as quotation for the quote constraint: text between quotation marks, or every line of
/// the answer that begins as a block of the prompt begins.
enum class QuoteStyle { kMarks, kLines };

/// How the lines begin in which a model that finds words thinks, see FindConstraint. Empty: it does not.
struct ThinkingLines {
  std::string list;     // "Looking for:"
  std::string found;    // "Found"
  std::string nothing;  // "Nothing found": the whole line
};

/// How documents, anchors and question are laid out for one model: the file longleaf.json in the
/// model's folder, or the defaults below for a model that brings none.
///
/// Placeholders: {title} in heading, {anchor} and {text} in block, {n} in anchor, {question} in question, {words} in question_words.
struct PromptLayout {
  std::string name;                 // empty: the folder's name
  std::string about;                // one honest sentence for the user: what the model can do
  std::int64_t good_tokens = 0;     // prompts up to this length are what it is good at; 0: its context
  std::string chat;                 // encoder: "deepseek_v32"; empty: by architecture
  std::string system = "Answer from the documents below. After each statement cite the anchor of the passage that supports it, like [p12].\n";
  DocumentsIn documents_in = DocumentsIn::kUser;
  std::vector<std::string> documents_open;  // control tokens before the first heading or block, by name
  std::string documents_open_text;          // plain text after those
  std::string heading = "# {title}\n";      // empty: no heading lines
  std::string block = "{text} {anchor}\n";
  std::string anchor = "[p{n}]";
  std::string question = "\n{question}";
  std::string question_words;               // for a model that finds words: what it is asked, {words} being those of the question that stand together in a passage; empty: the question as it is typed
  bool thinking = true;                     // the model can think
  ThinkingLines thinking_lines;             // "thinking_list", "thinking_found", "thinking_nothing"; held to the prompt where quotes are
  bool quote_constraint = false;            // default of SamplingOptions::quote_constraint
  QuoteStyle quotes = QuoteStyle::kMarks;   // "marks" or "lines"
  int max_block_tokens = 160;               // longer sentences are split into several blocks
  int max_anchor = 0;                       // largest anchor number the model knows; 0: no limit
  double temperature = 0.0;
  double top_p = 1.0;
  int max_new_tokens = 2048;

  /// Reads longleaf.json; defaults where the file does not exist; an error where it is malformed.
  static Result<PromptLayout> load(const std::filesystem::path& model_folder);
};

}  // namespace engine
