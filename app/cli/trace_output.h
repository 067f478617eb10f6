#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "app/heatmap/run_trace.h"
#include "app/project/project.h"

namespace app::cli {

/// What a run selected, as text: one line per page or file, the passages that were selected most, and
/// what was never consulted.
std::string trace_table(const RunTrace& run, int layer, int n_passages);
std::string trace_json(const RunTrace& run, int layer, int n_passages);

/// How the map is drawn.
struct PictureArguments {
  int layer = -1;                 // kAllLayers
  std::string rows = "both";      // "prompt", "answer", "both": prompt above, answer below
  std::string mix = "mean";
  std::string colours = "cividis";
  bool linear = false;
  bool dark = false;
  bool without_sink = false;
  std::int64_t without_newest = 0;
  std::string caption = {};
  std::shared_ptr<const RunTrace> compared = nullptr;  // shown minus the run
};

/// The map: prompt queries (rows) by blocks of 64 keys (columns), or one row per generated token. PNG, or
/// SVG and CSV (its table) when `path` ends so.
Result<void> write_trace_picture(const RunTrace& run, const PictureArguments& look, const std::filesystem::path& path);

/// CSV by the name of the file: "...layers.csv", "...distance.csv", "...agreement.csv", else the passages.
Result<void> write_trace_table(const RunTrace& run, const std::filesystem::path& path, int layer);

Result<void> write_bytes(const std::string& bytes, const std::filesystem::path& path);

}  // namespace app::cli
