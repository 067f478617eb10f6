#include "engine/sampling/quotable_text.h"

#include <algorithm>
#include <utility>

namespace engine {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

QuotableText::QuotableText(std::shared_ptr<const Tokenizer> tokenizer, std::span<const TokenId> prompt, std::span<const TokenRange> quotable)
    : tokenizer_(std::move(tokenizer)) {
  std::int64_t done = 0;
  for (const TokenRange& range : quotable) {
    const std::int64_t begin = std::max(range.begin, done);
    const std::int64_t end = std::min<std::int64_t>(range.end, static_cast<std::int64_t>(prompt.size()));
    if (begin >= end) continue;
    Block block;
    block.begin = static_cast<std::uint32_t>(text_.size());
    for (const TokenId id : prompt.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin))) {
      if (tokenizer_->is_control(id)) continue;
      const std::string_view bytes = tokenizer_->bytes(id);
      token_of_byte_.insert(token_of_byte_.end(), bytes.size(), static_cast<std::uint32_t>(tokens_.size()));
      tokens_.push_back({id, static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(blocks_.size())});
      text_ += bytes;
    }
    block.end = static_cast<std::uint32_t>(text_.size());
    block.text_end = block.end;
    while (block.text_end > block.begin && is_space(text_[block.text_end - 1])) --block.text_end;
    if (block.end > block.begin) blocks_.push_back(block);
    done = end;
  }
}

void QuotableText::add_next(Place place, LineEnd line_end, std::vector<TokenId>& ids) const {
  const Block& block = blocks_[place.block];
  if (place.at >= block.end) return;
  const std::string_view text = text_;
  const std::uint32_t index = token_of_byte_[place.at];
  const std::uint32_t end = index + 1 < tokens_.size() ? tokens_[index + 1].begin : static_cast<std::uint32_t>(text_.size());
  const bool holds_line_end = place.at < block.text_end && end > block.text_end;
  if (!holds_line_end || line_end != LineEnd::kWithout) {
    // Inside a token of the prompt: whatever writes the rest of it.
    ids.push_back(tokens_[index].begin == place.at ? tokens_[index].id : tokenizer_->encode(text.substr(place.at, end - place.at)).front());
  }
  // "]" and a line break may be one token of the prompt: without this the answer could never end there.
  if (holds_line_end && line_end != LineEnd::kWith) {
    ids.push_back(tokenizer_->encode(text.substr(place.at, block.text_end - place.at)).front());
  }
}

void QuotableText::go_on(std::string_view bytes, std::vector<Place>& places) const {
  const std::string_view text = text_;
  std::erase_if(places, [&](const Place& place) { return !text.substr(place.at, blocks_[place.block].end - place.at).starts_with(bytes); });
  for (Place& place : places) place.at += static_cast<std::uint32_t>(bytes.size());
}

}  // namespace engine
