#pragma once

#include "app/heatmap/map_image.h"

namespace app {

/// What can be drawn of a run, with a caption, without a window.
enum class TracePicture {
  kMap,       // map_figure
  kRun,       // run_figure: the prompt's map above that of the answer
  kLayers,    // every layer's map side by side, on one scale
  kMeasures,  // distances, dense attention kept, agreement of layers: of `options.scope`
};

Figure trace_figure(const RunTrace& run, TracePicture picture, const MapImageOptions& options);

}  // namespace app
