#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "app/document/page.h"
#include "app/question/prompt_builder.h"
#include "engine/tokenizer/tokenizer.h"

namespace app {

/// The text of one block: a span of a part, or a piece of one that was too long.
struct BlockText {
  std::uint32_t begin = 0;  // bytes of the part's text, without blanks at the ends
  std::uint32_t end = 0;
  bool is_heading = false;  // a section heading: an anchor of the selection
  std::vector<engine::TokenId> ids;  // of `lead` and the text together
};

struct BlockRules {
  std::string_view lead;     // what is tokenised together with the text in front of it
  int max_block_tokens = 0;  // longer spans are split at blanks into blocks of about equal length; 0: never
};

/// A part's blocks in reading order, tokenised. A part with text but without spans is taken whole, so
/// that nothing is left out in silence.
std::vector<BlockText> make_blocks(const PartText& part, Detail detail, const engine::Tokenizer& tokenizer, const BlockRules& rules);

}  // namespace app
