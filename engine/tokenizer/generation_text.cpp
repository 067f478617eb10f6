#include "engine/tokenizer/generation_text.h"

#include <algorithm>
#include <utility>

namespace engine {

std::int64_t GenerationText::token_at(std::uint64_t source) const {
  // The last token that begins at or before `source`: empty ones before it have no text.
  const auto after = std::upper_bound(source_begins_.begin(), source_begins_.end(), source);
  return std::max<std::int64_t>(0, after - source_begins_.begin() - 1);
}

std::vector<GenerationText::Piece> GenerationText::take(std::vector<ThinkingSplitter::Piece> pieces) {
  std::vector<Piece> made;
  for (ThinkingSplitter::Piece& piece : pieces) {
    std::string& text = texts_[piece.channel == Channel::kAnswer ? 1 : 0];
    released_.push_back({piece.channel, piece.source_begin, piece.source_begin + piece.text.size(),
                         static_cast<std::uint32_t>(text.size())});
    text += piece.text;
    made.push_back({piece.channel, std::move(piece.text), token_at(piece.source_begin)});
  }
  return made;
}

std::vector<GenerationText::Piece> GenerationText::push(TokenId id) {
  source_begins_.push_back(source_size_);
  const std::string text = decoder_.push(id);
  source_size_ += text.size();
  return take(splitter_.push(text));
}

std::vector<GenerationText::Piece> GenerationText::finish() {
  const std::string text = decoder_.finish();
  source_size_ += text.size();
  std::vector<Piece> pieces = take(splitter_.push(text));
  for (Piece& piece : take(splitter_.finish())) pieces.push_back(std::move(piece));
  return pieces;
}

std::vector<GenerationText::Place> GenerationText::places() const {
  std::vector<Place> places;
  places.reserve(source_begins_.size());
  std::size_t at = 0;
  for (std::size_t token = 0; token < source_begins_.size(); ++token) {
    const std::uint64_t begin = source_begins_[token];
    const std::uint64_t end = token + 1 < source_begins_.size() ? source_begins_[token + 1] : source_size_;
    while (at < released_.size() && released_[at].source_end <= begin) ++at;
    if (at == released_.size()) {
      const Channel channel = released_.empty() ? Channel::kAnswer : released_.back().channel;
      const auto size = static_cast<std::uint32_t>(texts_[channel == Channel::kAnswer ? 1 : 0].size());
      places.push_back({channel, size, size});
      continue;
    }
    const Released& piece = released_[at];
    const std::uint64_t first = std::clamp(begin, piece.source_begin, piece.source_end);
    const std::uint64_t last = std::clamp(end, piece.source_begin, piece.source_end);
    places.push_back({piece.channel, static_cast<std::uint32_t>(piece.text_begin + (first - piece.source_begin)),
                      static_cast<std::uint32_t>(piece.text_begin + (last - piece.source_begin))});
  }
  return places;
}

}  // namespace engine
