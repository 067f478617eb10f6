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
  HeatScope scope = {};   // whose selections the measures count
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

/// Paper, title and the caption as its description, nothing drawn yet.
Figure empty_figure(const RunTrace& run, const MapImageOptions& options);
/// Writes the description under the picture, from `left` on.
void add_caption(const MapImageOptions& options, double left, Figure& figure);

/// What the map shows, in one sentence: "Selected while reading the prompt, mean of 61 layers, ...".
std::string map_caption(const RunTrace& run, const MatrixOptions& options);

}  // namespace app
