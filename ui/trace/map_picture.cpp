#include "ui/trace/map_picture.h"

#include <QPromise>
#include <QThreadPool>

namespace ui {

QFuture<std::shared_ptr<const MapPicture>> make_picture(std::shared_ptr<const app::RunTrace> run,
                                                        const app::MatrixOptions& options, app::Pooling pooling) {
  auto promise = std::make_shared<QPromise<std::shared_ptr<const MapPicture>>>();
  auto future = promise->future();
  promise->start();
  QThreadPool::globalInstance()->start([promise, run = std::move(run), options, pooling] {
    promise->addResult(std::make_shared<const MapPicture>(app::make_matrix(*run->trace, options), pooling));
    promise->finish();
  });
  return future;
}

}  // namespace ui
