#include "app/heatmap/evidence.h"

#include <algorithm>

#include "app/heatmap/source_heat.h"

namespace app {

namespace {

bool ends_sentence(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c == '\n') return true;
  return (c == '.' || c == '!' || c == '?') && at + 1 < text.size() && (text[at + 1] == ' ' || text[at + 1] == '\n');
}

/// Where the sentence of the anchor at `anchor` begins: after the sentence before, or after the citation
/// before when that one stands in the same sentence only as its own end.
std::uint32_t sentence_begin(std::string_view answer, std::uint32_t anchor) {
  auto at = static_cast<std::size_t>(std::min<std::size_t>(anchor, answer.size()));
  // Blanks and the full stop right before the anchor close this sentence, not the one before.
  while (at > 0 && (answer[at - 1] == ' ' || answer[at - 1] == '.' || answer[at - 1] == '"')) --at;
  while (at > 0 && !ends_sentence(answer, at - 1)) --at;
  return static_cast<std::uint32_t>(at);
}

const PromptBlock* cited_block(const PromptMap& map, const Citation& citation) {
  return citation.in_prompt ? map.by_anchor(citation.anchor) : nullptr;
}

}  // namespace

std::string words_for(const CitationEvidence& evidence) {
  switch (evidence.mark) {
    case SelectionMark::kUnknown:
      return {};
    case SelectionMark::kDense:
      return "nothing was sparse, so every key was selected";
    case SelectionMark::kSelected:
      return "selected while it was written (" + std::to_string(evidence.n_layers) + " layers, rank " + std::to_string(evidence.rank) + ")";
    case SelectionMark::kNotSelected:
      return "not selected while it was written";
  }
  return {};
}

engine::TokenRange tokens_of_answer(const RunTrace& run, std::uint32_t begin, std::uint32_t end) {
  engine::TokenRange found;
  const auto n = static_cast<std::int64_t>(run.token_ranges.size());
  for (std::int64_t token = run.trace->n_thinking; token < n; ++token) {
    const engine::TokenText& text = run.token_ranges[static_cast<std::size_t>(token)];
    if (text.begin >= end || text.end <= begin) continue;
    if (found.end == 0) found.begin = token;
    found.end = token + 1;
  }
  return found;
}

engine::TokenRange tokens_of_words(const RunTrace& run, std::string_view words) {
  const auto n = static_cast<std::int64_t>(run.token_texts.size());
  const std::int64_t border = std::min(run.trace->n_thinking, n);
  for (const engine::TokenRange part : {engine::TokenRange{border, n}, engine::TokenRange{0, border}}) {
    std::string text;
    std::vector<std::size_t> ends;
    for (std::int64_t i = part.begin; i < part.end; ++i) ends.push_back((text += run.token_texts[static_cast<std::size_t>(i)]).size());
    const std::size_t at = text.find(words);
    if (words.empty() || at == std::string::npos) continue;
    const auto first = std::ranges::upper_bound(ends, at) - ends.begin();
    const auto last = std::ranges::lower_bound(ends, at + words.size()) - ends.begin();
    return {part.begin + first, part.begin + last + 1};
  }
  return {};
}

engine::TokenRange sentence_of_token(const RunTrace& run, std::int64_t token) {
  const bool is_thinking = token < run.trace->n_thinking;
  const std::int64_t first = is_thinking ? 0 : run.trace->n_thinking;
  const std::int64_t last = std::min(is_thinking ? run.trace->n_thinking : run.trace->n_generated, static_cast<std::int64_t>(run.token_texts.size()));
  std::string text;
  std::vector<std::size_t> ends;  // of each token in `text`
  for (std::int64_t i = first; i < last; ++i) ends.push_back((text += run.token_texts[static_cast<std::size_t>(i)]).size());
  if (token < first || token >= last) return {token, token + 1};
  // A token closes its sentence when one ends inside it or right behind it, before the next one's blank.
  const auto closes = [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i - first);
    for (std::size_t at = index == 0 ? 0 : ends[index - 1]; at < ends[index]; ++at) {
      if (ends_sentence(text, at)) return true;
    }
    return false;
  };
  engine::TokenRange sentence{token, token + 1};
  while (sentence.begin > first && !closes(sentence.begin - 1)) --sentence.begin;
  while (sentence.end < last && !closes(sentence.end - 1)) ++sentence.end;
  return sentence;
}

std::vector<CitationEvidence> citation_evidence(const RunTrace& run, std::string_view answer,
                                                const std::vector<Citation>& citations) {
  std::vector<CitationEvidence> evidence(citations.size());
  for (std::size_t i = 0; i < citations.size(); ++i) {
    const PromptBlock* block = cited_block(run.map, citations[i]);
    CitationEvidence& out = evidence[i];
    out.tokens = tokens_of_answer(run, sentence_begin(answer, citations[i].begin), citations[i].end);
    if (block == nullptr || out.tokens.end <= out.tokens.begin) continue;
    HeatScope scope;
    scope.tokens = out.tokens;
    const KeyHeat heat = make_key_heat(*run.trace, scope);
    if (heat.n_queries == 0) continue;
    out.mark = heat.sparse ? SelectionMark::kNotSelected : SelectionMark::kDense;
    if (!heat.sparse) continue;
    for (const SpanHeat& span : rank_spans(heat, run.map)) {
      if (&run.map.blocks[span.block] != block) continue;
      out.mark = SelectionMark::kSelected;
      out.weight = span.weight;
      out.n_layers = span.n_layers;
      out.rank = span.rank;
    }
  }
  return evidence;
}

}  // namespace app
