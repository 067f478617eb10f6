#include "ui/trace/map_picture.h"

#include "ui/trace/background_future.h"

namespace ui {

QFuture<std::shared_ptr<const MapPicture>> make_picture(std::shared_ptr<const app::RunTrace> run,
                                                        const app::MatrixOptions& options, app::Pooling pooling) {
  return run_in_pool([run = std::move(run), options, pooling]() -> std::shared_ptr<const MapPicture> {
    return std::make_shared<const MapPicture>(app::make_matrix(*run->trace, options), pooling);
  });
}

}  // namespace ui
