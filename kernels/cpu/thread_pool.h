#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace kernels::cpu {

/// Threads that share the tasks of one loop. The tasks are the same whatever the number of threads,
/// and each writes its own outputs, so results do not depend on that number.
///
/// One thread at a time calls `run`; it works along. Tasks must not call `run`.
class ThreadPool {
 public:
  explicit ThreadPool(int n_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int n_threads() const { return static_cast<int>(workers_.size()) + 1; }

  /// Calls task(i, thread) for every i in [0, n_tasks); thread is in [0, n_threads). Returns when all are
  /// done.
  template <typename Task>
  void run(std::int64_t n_tasks, const Task& task) {
    run_tasks(
        n_tasks,
        [](const void* context, std::int64_t i, int thread) {
          (*static_cast<const Task*>(context))(i, thread);
        },
        &task);
  }

 private:
  using Function = void (*)(const void* context, std::int64_t i, int thread);
  void run_tasks(std::int64_t n_tasks, Function function, const void* context);
  void take_tasks(int thread);
  void work(const std::stop_token& stop, int thread);

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::atomic<std::uint64_t> round_{0};  // counts calls of run_tasks
  std::atomic<int> n_working_{0};        // workers still in the current round
  std::atomic<std::int64_t> next_task_{0};
  std::int64_t n_tasks_ = 0;
  Function function_ = nullptr;
  const void* context_ = nullptr;
  std::vector<std::jthread> workers_;
};

/// Physical cores this process may run on (hyper-threads of one core count once), at least 1.
int physical_cores();

}  // namespace kernels::cpu
