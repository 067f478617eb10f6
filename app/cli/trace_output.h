#pragma once

#include <filesystem>
#include <string>

#include "app/heatmap/run_trace.h"
#include "app/project/project.h"

namespace app::cli {

/// What a run selected, as text: one line per page or file, the passages that were selected most, and
/// what was never consulted.
std::string trace_table(const RunTrace& run, int layer, int n_passages);
std::string trace_json(const RunTrace& run, int layer, int n_passages);

/// The map: above, prompt queries (rows) by blocks of 64 keys (columns); below it one row per generated
/// token. PNG, or SVG and CSV (its table) when `path` ends so. `layer` kAllLayers: the mean of all.
Result<void> write_trace_picture(const RunTrace& run, int layer, const std::filesystem::path& path);

}  // namespace app::cli
