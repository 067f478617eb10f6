#pragma once

#include <QFuture>
#include <QPromise>
#include <QThreadPool>
#include <memory>
#include <utility>

namespace ui {

/// Computes `work()` on the thread pool. A QFutureWatcher that is given another future drops this one,
/// so that only what was asked last is shown.
template <typename Work>
auto run_in_pool(Work work) -> QFuture<decltype(work())> {
  auto promise = std::make_shared<QPromise<decltype(work())>>();
  auto future = promise->future();
  promise->start();
  QThreadPool::globalInstance()->start([promise, work = std::move(work)] {
    if (!promise->isCanceled()) promise->addResult(work());
    promise->finish();
  });
  return future;
}

}  // namespace ui
