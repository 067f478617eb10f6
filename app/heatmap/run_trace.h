#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/project/project.h"
#include "app/question/prompt_builder.h"
#include "engine/engine.h"
#include "engine/trace/selection_trace.h"

namespace app {

/// One run as the views of selections show it: what was selected, what the positions are, and their
/// names and texts. Made off the main thread, never changed afterwards, shared freely.
struct RunTrace {
  std::shared_ptr<const engine::SelectionTrace> trace;  // never null
  PromptMap map;
  std::vector<std::string> block_texts;                 // per block of the map
  std::map<PartId, std::string> part_labels;            // "p. 14", "src/wal.cc"
  std::map<DocumentId, std::string> document_titles;
  std::vector<std::string> token_texts;                 // per generated token; empty when not known

  std::vector<engine::TokenText> token_ranges;          // bytes of thinking or answer; empty when not known

  /// "report.pdf, p. 14"; for files of a tree the path alone.
  std::string label(PartId part, DocumentId document) const;
  std::string label(const PromptBlock& block) const { return label(block.part, block.document); }
};

/// A saved run. kNotFound: it was asked with the trace off. Texts of sources that have left the project
/// stay empty, the selections can still be shown.
Result<std::shared_ptr<const RunTrace>> load_run_trace(const Project& project, RunId run);

/// The run that has just ended. Fails with kNotFound when `generation` has no trace.
Result<std::shared_ptr<const RunTrace>> make_run_trace(const Project& project, const PromptMap& map,
                                                       const engine::Generation& generation);

/// The trace of `generation` as it is saved with the run, with the place of each token's text; empty
/// when there is none.
std::string trace_bytes(const engine::Generation& generation, const std::string& prompt_map_json);

}  // namespace app
