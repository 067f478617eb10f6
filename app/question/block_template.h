#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace app {

/// A piece of the layout's block line: literal text around at most one placeholder.
struct BlockPiece {
  enum class Holds { kNothing, kText, kAnchor } holds = Holds::kNothing;
  std::string literal;  // with kText and kAnchor: what stands directly before the placeholder
  std::string tail;     // kAnchor only: what stands behind it
};

/// Cuts "{anchor} {text} {anchor}\n" into the pieces that are tokenised on their own: before each
/// placeholder, one space going along with it, and behind {text}. What stands behind an anchor stays
/// with it: "[p12]\n" is one piece, as a tokenizer that knows "]\n" would take it.
std::vector<BlockPiece> cut_block_template(std::string_view block);

/// `pattern` with every {name} replaced by `value`. The value is data: placeholders in it stay as they are.
std::string fill(std::string_view pattern, std::string_view name, std::string_view value);

}  // namespace app
