#include "app/heatmap/page_heat.h"

#include <algorithm>

namespace app {

namespace {

/// Weight of bytes [begin, end) inside `block`.
double weight_of_bytes(const KeyHeat& heat, const PromptBlock& block, std::uint32_t begin, std::uint32_t end) {
  const std::int64_t n_bytes = std::max<std::int64_t>(1, std::int64_t{block.end} - block.begin);
  const std::int64_t n_tokens = block.last_token - block.first_token;
  const std::int64_t first = block.first_token + n_tokens * (std::int64_t{begin} - block.begin) / n_bytes;
  const std::int64_t last = block.first_token + (n_tokens * (std::int64_t{end} - block.begin) + n_bytes - 1) / n_bytes;
  return range_weight(heat, first, std::clamp(last, first + 1, std::max(first + 1, block.last_token)));
}

void add_words(const KeyHeat& heat, const PromptBlock& block, const PartText& text, PageHeat& page) {
  auto word = std::lower_bound(text.words.begin(), text.words.end(), block.begin,
                               [](const Word& a, std::uint32_t begin) { return a.end <= begin; });
  for (; word != text.words.end() && word->begin < block.end; ++word) {
    page.boxes.push_back({word->box, weight_of_bytes(heat, block, std::max(word->begin, block.begin), std::min(word->end, block.end))});
  }
}

void add_span_boxes(const KeyHeat& heat, const PromptBlock& block, const PartText& text, PageHeat& page) {
  for (const Span& span : text.spans) {
    if (span.begin >= block.end || span.end <= block.begin) continue;
    const double weight = weight_of_bytes(heat, block, std::max(span.begin, block.begin), std::min(span.end, block.end));
    for (const Box& box : span.boxes) page.boxes.push_back({box, weight});
  }
}

void add_lines(const KeyHeat& heat, const PromptBlock& block, const PartText& text, PageHeat& page) {
  const auto limit = std::min<std::size_t>(block.end, text.text.size());
  std::size_t begin = std::min<std::size_t>(block.begin, limit);
  auto line = static_cast<std::int32_t>(std::count(text.text.begin(), text.text.begin() + static_cast<std::ptrdiff_t>(begin), '\n')) + 1;
  while (begin < limit) {
    const std::size_t end = std::min(text.text.find('\n', begin), limit);
    const double weight = end > begin ? weight_of_bytes(heat, block, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)) : 0.0;
    if (!page.lines.empty() && page.lines.back().line == line) {
      page.lines.back().weight = std::max(page.lines.back().weight, weight);
    } else {
      page.lines.push_back({line, weight});
    }
    begin = end + 1;
    ++line;
  }
}

}  // namespace

PageHeat page_heat(const KeyHeat& heat, const PromptMap& map, PartId part, const PartText& text) {
  PageHeat page;
  page.part = part;
  page.sparse = heat.sparse;
  page.confidence = text.confidence;
  const bool is_page = text.width_pt > 0 || !text.words.empty();
  for (const PromptBlock& block : map.blocks) {
    if (block.part != part || block.end <= block.begin) continue;
    page.in_prompt = true;
    if (!text.words.empty()) {
      add_words(heat, block, text, page);
    } else if (is_page) {
      add_span_boxes(heat, block, text, page);
    } else {
      add_lines(heat, block, text, page);
    }
  }
  for (const BoxHeat& box : page.boxes) page.maximum = std::max(page.maximum, box.weight);
  for (const LineHeat& line : page.lines) page.maximum = std::max(page.maximum, line.weight);
  return page;
}

}  // namespace app
