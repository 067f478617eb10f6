#include "app/heatmap/source_heat.h"

#include <algorithm>
#include <map>

namespace app {

namespace {

struct KeyRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

KeyRange keys_of(const KeyHeat& heat, std::int64_t begin, std::int64_t end) {
  const auto n = static_cast<std::int64_t>(heat.share.size());
  const std::int64_t first = std::clamp<std::int64_t>(begin / heat.granularity, 0, n);
  const std::int64_t last = std::clamp<std::int64_t>((end + heat.granularity - 1) / heat.granularity, first, n);
  return {static_cast<std::size_t>(first), static_cast<std::size_t>(last)};
}

int most_layers(const KeyHeat& heat, std::int64_t begin, std::int64_t end) {
  const KeyRange keys = keys_of(heat, begin, end);
  std::uint16_t most = 0;
  for (std::size_t key = keys.begin; key < keys.end; ++key) most = std::max(most, heat.n_layers[key]);
  return most;
}

}  // namespace

double range_weight(const KeyHeat& heat, std::int64_t begin, std::int64_t end) {
  if (end <= begin) return 0;
  const KeyRange keys = keys_of(heat, begin, end);
  double sum = 0;
  for (std::size_t key = keys.begin; key < keys.end; ++key) {
    const std::int64_t first = static_cast<std::int64_t>(key) * heat.granularity;
    const std::int64_t overlap = std::min(end, first + heat.granularity) - std::max(begin, first);
    sum += heat.share[key] * static_cast<double>(overlap);
  }
  return sum / static_cast<double>(end - begin);
}

std::vector<PartStretch> part_stretches(const PromptMap& map) {
  std::vector<PartStretch> stretches;
  std::map<DocumentId, int> documents;
  for (const PromptBlock& block : map.blocks) {
    if (!stretches.empty() && stretches.back().part == block.part) {
      stretches.back().end = block.last_token;
      continue;
    }
    const int index = documents.try_emplace(block.document, static_cast<int>(documents.size())).first->second;
    stretches.push_back({block.first_token, block.last_token, block.part, block.document, index});
  }
  return stretches;
}

std::vector<SpanHeat> rank_spans(const KeyHeat& heat, const PromptMap& map, std::size_t limit) {
  std::vector<SpanHeat> spans;
  for (std::size_t i = 0; i < map.blocks.size(); ++i) {
    const PromptBlock& block = map.blocks[i];
    const double weight = range_weight(heat, block.first_token, block.last_token);
    if (weight > 0) spans.push_back({i, weight, most_layers(heat, block.first_token, block.last_token), 0});
  }
  std::stable_sort(spans.begin(), spans.end(), [](const SpanHeat& a, const SpanHeat& b) { return a.weight > b.weight; });
  if (limit > 0 && spans.size() > limit) spans.resize(limit);
  for (std::size_t i = 0; i < spans.size(); ++i) spans[i].rank = static_cast<int>(i) + 1;
  return spans;
}

std::vector<PartHeat> part_heat(const KeyHeat& heat, const PromptMap& map) {
  std::vector<PartHeat> parts;
  std::map<PartId, std::size_t> known;
  for (const PromptBlock& block : map.blocks) {
    const auto [at, is_new] = known.try_emplace(block.part, parts.size());
    if (is_new) parts.push_back({block.part, block.document, 0, 0, 0, false});
    PartHeat& part = parts[at->second];
    const std::int64_t n_tokens = block.last_token - block.first_token;
    const double weight = range_weight(heat, block.first_token, block.last_token);
    part.n_tokens += n_tokens;
    part.weight += weight * static_cast<double>(n_tokens);
    part.peak = std::max(part.peak, weight);
    part.selected = part.selected || weight > 0;
  }
  for (PartHeat& part : parts) part.weight /= static_cast<double>(std::max<std::int64_t>(1, part.n_tokens));
  return parts;
}

UnreadReport unread_report(const engine::SelectionTrace& trace, const PromptMap& map) {
  UnreadReport report;
  HeatScope generated;
  const KeyHeat answer = make_key_heat(trace, generated);
  HeatScope asking;
  asking.phase = HeatPhase::kPrefill;
  asking.tokens = map.question;
  const KeyHeat question = make_key_heat(trace, asking);
  const auto by_question = part_heat(question, map);
  const auto by_answer = part_heat(answer, map);
  report.sparse = answer.sparse;
  report.n_parts = static_cast<std::int64_t>(by_answer.size());
  for (const PromptBlock& block : map.blocks) report.n_tokens += block.last_token - block.first_token;
  if (!report.sparse) return report;
  for (std::size_t i = 0; i < by_answer.size(); ++i) {
    if (by_answer[i].selected) continue;
    report.not_by_answer.push_back(by_answer[i]);
    if (!by_question[i].selected && question.n_queries > 0) report.never.push_back(by_answer[i]);
  }
  for (std::size_t i = 0; i < map.blocks.size(); ++i) {
    const PromptBlock& block = map.blocks[i];
    if (range_weight(answer, block.first_token, block.last_token) > 0) continue;
    report.spans.push_back(i);
    report.n_unread_tokens += block.last_token - block.first_token;
  }
  return report;
}

}  // namespace app
