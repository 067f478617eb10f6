#pragma once

#include <QFuture>
#include <QString>
#include <memory>

#include "app/heatmap/heat_matrix.h"
#include "app/heatmap/heat_pyramid.h"
#include "app/heatmap/run_trace.h"

namespace ui {

/// A matrix with its coarser levels, ready to be painted. Never changed after it was made.
struct MapPicture {
  explicit MapPicture(app::HeatMatrix values, app::Pooling pooling)
      : matrix(std::move(values)), pyramid(matrix, pooling) {}
  MapPicture(const MapPicture&) = delete;
  MapPicture& operator=(const MapPicture&) = delete;

  QString problem;  // why there is nothing to show; empty: all is well
  app::HeatMatrix matrix;
  app::HeatPyramid pyramid;
};

/// Makes it on the thread pool: mixing 61 layers of 131 072 tokens takes a good part of a second.
/// With `compared` it is that run minus `run`.
QFuture<std::shared_ptr<const MapPicture>> make_picture(std::shared_ptr<const app::RunTrace> run,
                                                        std::shared_ptr<const app::RunTrace> compared,
                                                        const app::MatrixOptions& options, app::Pooling pooling);

}  // namespace ui
