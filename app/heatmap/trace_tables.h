#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/heatmap/heat_matrix.h"
#include "app/heatmap/key_heat.h"
#include "app/heatmap/run_trace.h"

namespace app {

/// The table twins of the pictures of a run. Layers are counted from 1, as the window shows them.
enum class TraceTable {
  kPassages,     // rank,source,first_token,end_token,selected_share,layers,text
  kSources,      // source,tokens,question_share,thinking_share,answer_share,state
  kMap,          // query_source,key_source,share
  kLayers,       // layer,source,share
  kDistance,     // first_distance,end_distance,share
  kRecall,       // layer,dense_attention_kept
  kAgreement,    // layer,other_layer,jaccard,kept_when_reused
  kDifferences,  // source,share,other_share,change: largest change first, needs `compared`
};

struct TableOptions {
  MatrixOptions matrix = {};  // for kMap
  HeatScope scope = {};       // for the others; kSources takes its layer and what is left out
  std::shared_ptr<const RunTrace> compared = nullptr;
};

/// CSV with a header line. Takes up to a few seconds for long prompts with many layers: any thread.
std::string trace_table(const RunTrace& run, TraceTable table, const TableOptions& options);

/// All of them, in the order above.
const std::vector<TraceTable>& trace_tables();
/// "passages", "sources", ... : what the table is called on the command line and in file names.
std::string_view trace_table_name(TraceTable table);
std::optional<TraceTable> trace_table_named(std::string_view name);

/// One field for CSV. Text that a spreadsheet would take for a formula gets a quote mark in front.
std::string csv_field(const std::string& text);

}  // namespace app
