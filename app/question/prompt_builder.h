#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/project/project.h"
#include "engine/engine.h"

namespace app {

/// What the user ticked: parts in the order in which they go into the prompt.
struct SourceChoice {
  std::vector<PartId> parts;
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
  std::int64_t total() const { return instructions + sources + question + reserve; }
  std::int64_t over() const { return total() > limit ? total() - limit : 0; }
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
  std::vector<PastTurn> earlier;       // follow-up: earlier turns of this conversation
};

/// Makes the exact token sequence. Counts exactly, never cuts: an over-budget prompt is an error that
/// shows the arithmetic. Token ids of parts are cached between calls (one builder per thread).
class PromptBuilder {
 public:
  PromptBuilder(const Project& project, const engine::Tokenizer& tokenizer, const engine::PromptLayout& layout,
                std::int64_t context_length);
  ~PromptBuilder();
  Result<Prompt> build(const PromptQuestion& question);
  /// As `build`, but an over-budget result is returned with budget.over() > 0 and no tokens.
  Result<TokenBudget> measure(const PromptQuestion& question);
  /// Tokens this part takes in a prompt, anchors and heading included.
  Result<std::int64_t> count_part(PartId part);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace app
