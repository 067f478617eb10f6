#include "app/question/block_template.h"

#include <algorithm>

namespace app {
namespace {

constexpr std::string_view kText = "{text}";
constexpr std::string_view kAnchor = "{anchor}";

void add_literal(std::vector<BlockPiece>& pieces, std::string_view literal) {
  if (!pieces.empty() && pieces.back().holds == BlockPiece::Holds::kAnchor) pieces.back().tail += literal;
  else pieces.push_back({BlockPiece::Holds::kNothing, std::string(literal), {}});
}

}  // namespace

std::vector<BlockPiece> cut_block_template(std::string_view block) {
  std::vector<BlockPiece> pieces;
  while (!block.empty()) {
    const std::size_t text = block.find(kText);
    const std::size_t anchor = block.find(kAnchor);
    const std::size_t at = std::min(text, anchor);
    if (at == std::string_view::npos) {
      add_literal(pieces, block);
      break;
    }
    const std::size_t n_literal = at > 0 && block[at - 1] == ' ' ? at - 1 : at;
    if (n_literal > 0) add_literal(pieces, block.substr(0, n_literal));
    const bool is_text = text < anchor;
    pieces.push_back({is_text ? BlockPiece::Holds::kText : BlockPiece::Holds::kAnchor, std::string(block.substr(n_literal, at - n_literal)), {}});
    block.remove_prefix(at + (is_text ? kText.size() : kAnchor.size()));
  }
  return pieces;
}

std::string fill(std::string_view pattern, std::string_view name, std::string_view value) {
  const std::string placeholder = "{" + std::string(name) + "}";
  std::string filled;
  for (std::size_t at = pattern.find(placeholder); at != std::string_view::npos; at = pattern.find(placeholder)) {
    filled.append(pattern.substr(0, at)).append(value);
    pattern.remove_prefix(at + placeholder.size());
  }
  return filled.append(pattern);
}

}  // namespace app
