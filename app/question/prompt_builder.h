#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/project/project.h"
#include "engine/engine.h"

namespace app {

/// How much of a part goes into the prompt.
enum class Detail : std::uint8_t {
  kFull,
  kOutline,  // pages: headings, captions and the first sentence under each heading; files: the lines that declare something
  kName,     // the heading line only
};

/// Bytes of a part's text, half open: passages of it that were chosen.
using Passages = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

/// What the user ticked: parts in the order in which they go into the prompt.
struct SourceChoice {
  std::vector<PartId> parts;
  std::map<PartId, Detail> detail;  // parts that are not here are kFull
  std::map<PartId, Passages> passages = {};  // of these parts only the blocks that such a passage touches
};

/// One block of the prompt and where it comes from.
struct PromptBlock {
  std::int32_t anchor = 0;          // the number in [p12]; 0: a heading line
  PartId part = 0;
  DocumentId document = 0;
  std::uint32_t begin = 0;          // bytes of the part's text
  std::uint32_t end = 0;
  std::int64_t first_token = 0;     // half-open range of prompt positions, anchors included
  std::int64_t last_token = 0;
};

/// Token ranges and anchors -> source spans. Saved with the run, so that it can be shown without a model.
struct PromptMap {
  std::vector<PromptBlock> blocks;         // ascending by token
  std::vector<engine::TokenRange> headings;
  engine::TokenRange question;
  std::int64_t n_tokens = 0;

  const PromptBlock* by_anchor(std::int32_t anchor) const;
  const PromptBlock* by_token(std::int64_t position) const;
  std::string to_json() const;
  static Result<PromptMap> from_json(std::string_view json);
};

/// The arithmetic of the context: all in tokens.
struct TokenBudget {
  std::int64_t limit = 0;         // the model's context
  std::int64_t instructions = 0;  // system text, markers
  std::int64_t sources = 0;
  std::int64_t question = 0;
  std::int64_t reserve = 0;       // kept for thinking and answer
  std::int64_t earlier = 0;       // earlier questions and answers of this conversation
  std::int64_t total() const { return instructions + sources + earlier + question + reserve; }
  std::int64_t over() const { return total() > limit ? total() - limit : 0; }
  /// "instructions 21 + sources 140233 + question 14 + reserve 2048 = 142316 tokens, limit 131072"
  std::string arithmetic() const;
};

struct Prompt {
  engine::GenerationRequest request;   // tokens, anchors, quotable ranges; sampling from the layout
  PromptMap map;
  TokenBudget budget;
  std::string text;                    // exactly what was tokenised, control tokens by name
};

struct PastTurn {
  std::string question;
  std::string answer;
};

struct PromptQuestion {
  std::string question;
  SourceChoice sources;
  bool thinking = true;
  std::int64_t reserve = 0;            // 0: the layout's max_new_tokens
  std::vector<PastTurn> earlier = {};   // follow-up: earlier turns of this conversation
  bool mask_secrets = false;            // what looks like a secret (secrets.h) goes in as stars, byte for byte
};

/// Makes the exact token sequence. Where the layout asks for words, the question is put into words first
/// (question_words.h); `text` shows what was sent. Counts exactly, never cuts: an over-budget prompt is an error that
/// shows the arithmetic. Token ids of parts are cached between calls (one builder per thread).
///
/// How a block becomes tokens (training uses the same rule): the layout's block line is cut before
/// each placeholder, one space in front of it going along, and behind {text}; every piece is tokenised
/// on its own. "[p12] the text [p12]\n" is the pieces "[p12]", " the text", " [p12]\n".
/// Heading lines, the text that opens the documents, the question and the chat format's own texts are
/// one piece each. A block's text has no blanks at its ends; blanks and line breaks inside it stay.
class PromptBuilder {
 public:
  /// `project` and `tokenizer` must outlive the builder; the layout is copied.
  PromptBuilder(const Project& project, const engine::Tokenizer& tokenizer, const engine::PromptLayout& layout,
                std::int64_t context_length);
  ~PromptBuilder();
  Result<Prompt> build(const PromptQuestion& question);
  /// As `build`, but an over-budget result is returned with budget.over() > 0 and no tokens.
  Result<TokenBudget> measure(const PromptQuestion& question);
  /// Tokens this part takes in a prompt, heading and anchors included (its first anchor being 1: larger
  /// numbers may take a token more; `measure` counts exactly).
  Result<std::int64_t> count_part(PartId part, Detail detail = Detail::kFull, const Passages& passages = {});
  /// The project's documents have changed: parts are looked up again (their cached tokens stay).
  void refresh();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace app
