#pragma once

#include <memory>
#include <string>

#include "app/heatmap/figure.h"
#include "app/heatmap/heat_matrix.h"
#include "app/heatmap/key_heat.h"
#include "app/heatmap/run_trace.h"

namespace app {

struct MapImageOptions {
  /// Another run over the same prompt: the map then shows it minus this one, blue for less, orange for more.
  std::shared_ptr<const RunTrace> compared = nullptr;
  MatrixOptions matrix;
  HeatScale scale = HeatScale::kCividis;
  Theme theme = Theme::kLight;
  bool logarithmic = true;
  double width = 960;     // points
  double height = 800;
  std::string caption;    // a line under the picture; empty: what the map shows, in words
};

/// The map with rulers, legend and caption. Works without a window: figure_to_png, figure_to_svg.
Figure map_figure(const RunTrace& run, const MapImageOptions& options);

/// Both maps over one another on the same keys: above the prompt's queries, below the generated tokens.
/// `options.matrix.rows` has no say.
Figure run_figure(const RunTrace& run, const MapImageOptions& options);

/// What the map shows, in one sentence: "Selected while reading the prompt, mean of 61 layers, ...".
std::string map_caption(const RunTrace& run, const MatrixOptions& options);

/// The table twin of the map: one line per pair of a query source and a key source with its mean share.
/// Columns: query_source,key_source,share. Rows of generated tokens stand as "token 12".
std::string map_csv(const RunTrace& run, const MatrixOptions& options);

/// Ranked spans: rank,source,first_token,end_token,selected_share,layers,text.
std::string spans_csv(const RunTrace& run, const HeatScope& scope);

/// One field for CSV. Text that a spreadsheet would take for a formula gets a quote mark in front.
std::string csv_field(const std::string& text);

}  // namespace app
