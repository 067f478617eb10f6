#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "app/heatmap/key_heat.h"
#include "app/heatmap/run_trace.h"
#include "app/project/project.h"

namespace app::cli {

/// What the queries of `scope` selected, as text: one line per page or file, the passages that were selected
/// most, and what was never consulted.
std::string trace_summary(const RunTrace& run, const HeatScope& scope, int n_passages);
std::string trace_json(const RunTrace& run, const HeatScope& scope, int n_passages);

/// How a picture is drawn.
struct PictureArguments {
  std::string view = "map";       // "map", "layers", "measures"
  std::string rows = "both";      // "prompt", "answer", "both": prompt above, answer below
  std::string mix = "mean";
  std::string colours = "cividis";
  bool linear = false;
  bool dark = false;
  HeatScope scope = {};
  std::string caption = {};
  std::shared_ptr<const RunTrace> compared = nullptr;  // shown minus the run
};

/// PNG, or SVG when `path` ends so; CSV is the map's table.
Result<void> write_trace_picture(const RunTrace& run, const PictureArguments& look, const std::filesystem::path& path);

/// The table that the file's name ends with: "passages.csv", "layers.csv", ... kInvalidInput names them all.
Result<void> write_trace_table(const RunTrace& run, const PictureArguments& look, const std::filesystem::path& path);

/// How alike two runs select, layer by layer; `is_close` when every layer reaches `least`.
struct RunComparison {
  std::string text;
  bool is_close = true;
};
Result<RunComparison> compare_traces(const RunTrace& first, const RunTrace& second, double least);

Result<void> write_bytes(const std::string& bytes, const std::filesystem::path& path);

}  // namespace app::cli
