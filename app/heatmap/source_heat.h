#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "app/heatmap/key_heat.h"
#include "app/question/prompt_builder.h"

namespace app {

/// One block of the prompt (a sentence, a few lines) with how much of it was selected.
struct SpanHeat {
  std::size_t block = 0;     // index in PromptMap::blocks
  double weight = 0;         // mean share over its tokens, 0..1
  int n_layers = 0;          // layers that selected any of it
  int rank = 0;              // 1 is the heaviest
};

/// A page or file as a whole.
struct PartHeat {
  PartId part = 0;
  DocumentId document = 0;
  std::int64_t n_tokens = 0;
  double weight = 0;         // mean share over its tokens
  double peak = 0;           // its heaviest span
  bool selected = false;     // anything of it
};

/// A run of prompt positions of one page or file, as the rulers show it.
struct PartStretch {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  PartId part = 0;
  DocumentId document = 0;
  int document_index = 0;    // in the order of the prompt, for its tint
};

/// In the order of the prompt; what lies between sources belongs to none.
std::vector<PartStretch> part_stretches(const PromptMap& map);

/// Every span that was selected at all, heaviest first; of equal ones the earlier in the prompt first.
/// `limit` 0: all.
std::vector<SpanHeat> rank_spans(const KeyHeat& heat, const PromptMap& map, std::size_t limit = 0);

/// Every part of the prompt, in the order of the prompt.
std::vector<PartHeat> part_heat(const KeyHeat& heat, const PromptMap& map);

/// Weight of prompt positions [begin, end).
double range_weight(const KeyHeat& heat, std::int64_t begin, std::int64_t end);

/// What of the prompt was never selected.
struct UnreadReport {
  /// False: nothing was sparse in this run, every key was seen, and the lists are empty.
  bool sparse = false;
  std::int64_t n_parts = 0;
  std::int64_t n_tokens = 0;           // of sources in the prompt
  std::int64_t n_unread_tokens = 0;    // in spans that no generated token selected
  std::vector<PartHeat> not_by_answer; // no generated token selected anything of these parts
  std::vector<PartHeat> never;         // and no query of the question either
  std::vector<std::size_t> spans;      // blocks of the map that no generated token selected
};

/// Careful by design: a span that shares a selected block of 64 counts as selected.
UnreadReport unread_report(const engine::SelectionTrace& trace, const PromptMap& map);

}  // namespace app
