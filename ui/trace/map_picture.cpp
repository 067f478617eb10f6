#include "ui/trace/map_picture.h"

#include "app/heatmap/measures.h"
#include "ui/trace/background_future.h"

namespace ui {

QFuture<std::shared_ptr<const MapPicture>> make_picture(std::shared_ptr<const app::RunTrace> run,
                                                        std::shared_ptr<const app::RunTrace> compared,
                                                        const app::MatrixOptions& options, app::Pooling pooling) {
  return run_in_pool([run = std::move(run), compared = std::move(compared), options, pooling]() -> std::shared_ptr<const MapPicture> {
    app::HeatMatrix matrix = app::make_matrix(*run->trace, options);
    if (compared == nullptr) return std::make_shared<const MapPicture>(std::move(matrix), pooling);
    auto difference = app::difference_matrix(matrix, app::make_matrix(*compared->trace, options));
    auto picture = std::make_shared<MapPicture>(difference ? std::move(*difference) : app::HeatMatrix{}, pooling);
    if (!difference) picture->problem = QString::fromStdString(difference.error().message);
    return picture;
  });
}

}  // namespace ui
