#pragma once

#include <QCoreApplication>
#include <QMetaObject>
#include <QPointer>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

/// The one way out of the window's thread and back: run there, deliver here, drop if stale.
namespace ui {

/// One thread with a queue; jobs run in order. Its destructor stops the job that runs, drops the rest and joins.
class BackgroundThread {
 public:
  using Job = std::function<void(std::stop_token)>;

  BackgroundThread();
  ~BackgroundThread();
  BackgroundThread(const BackgroundThread&) = delete;
  BackgroundThread& operator=(const BackgroundThread&) = delete;

  /// Any thread.
  void post(Job job);
  /// Before all jobs that wait: for what the reader looks at now.
  void post_first(Job job);
  /// Waits until all jobs that were posted so far are done: for the last writes before the end.
  void drain();
  /// Drops the jobs that wait and asks the one that runs to stop.
  void cancel();

 private:
  void run(std::stop_token stop);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Job> jobs_;
  std::stop_source job_stop_;
  std::jthread thread_;
};

/// A number that a newer request of the same kind makes stale.
class Ticket {
 public:
  Ticket() = default;
  Ticket(std::shared_ptr<std::atomic<std::uint64_t>> newest, std::uint64_t number)
      : newest_(std::move(newest)), number_(number) {}
  bool is_current() const { return newest_ == nullptr || newest_->load() == number_; }

 private:
  std::shared_ptr<std::atomic<std::uint64_t>> newest_;  // null: never stale
  std::uint64_t number_ = 0;
};

/// Gives out tickets; `next` makes all earlier ones stale.
class Tickets {
 public:
  Ticket next() { return {newest_, ++*newest_}; }
  void drop_all() { ++*newest_; }

 private:
  std::shared_ptr<std::atomic<std::uint64_t>> newest_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

/// Calls `deliver` on the window's thread, unless `receiver` is gone or the ticket is stale by then. Any thread.
template <typename Deliver>
void deliver_to_window(QPointer<QObject> receiver, Ticket ticket, Deliver deliver) {
  QMetaObject::invokeMethod(
      QCoreApplication::instance(),
      [receiver, ticket, deliver = std::move(deliver)]() mutable {
        if (receiver != nullptr && ticket.is_current()) deliver();
      },
      Qt::QueuedConnection);
}

enum class Turn { kInOrder, kFirst };

/// Runs `work(stop_token)` on `thread` and hands its result to `deliver(result)` on the window's thread.
template <typename Work, typename Deliver>
void run_in_background(BackgroundThread& thread, QObject* receiver, Ticket ticket, Work work, Deliver deliver, Turn turn = Turn::kInOrder) {
  auto job = [receiver = QPointer<QObject>(receiver), ticket, work = std::move(work), deliver = std::move(deliver)](std::stop_token stop) mutable {
    if (!ticket.is_current()) return;
    auto result = std::make_shared<decltype(work(stop))>(work(stop));
    deliver_to_window(receiver, ticket, [result, deliver = std::move(deliver)]() mutable { deliver(std::move(*result)); });
  };
  turn == Turn::kFirst ? thread.post_first(std::move(job)) : thread.post(std::move(job));
}

}  // namespace ui
