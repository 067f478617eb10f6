#include "kernels/cpu/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

namespace kernels::cpu {

namespace {

// About 20 us: the operations of one decoded token follow each other faster than a sleeping thread
// wakes, but a waiting program must not keep cores busy.
constexpr int kSpins = 2000;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int n_threads) {
  for (int i = 1; i < n_threads; ++i)
    workers_.emplace_back([this, i](const std::stop_token& stop) { work(stop, i); });
}

ThreadPool::~ThreadPool() {
  for (auto& worker : workers_) worker.request_stop();
  wake_.notify_all();
}

void ThreadPool::take_tasks(int thread) {
  for (;;) {
    const std::int64_t i = next_task_.fetch_add(1, std::memory_order_relaxed);
    if (i >= n_tasks_) return;
    function_(context_, i, thread);
  }
}

void ThreadPool::run_tasks(std::int64_t n_tasks, Function function, const void* context) {
  if (n_tasks <= 1 || workers_.empty()) {
    for (std::int64_t i = 0; i < n_tasks; ++i) function(context, i, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    n_tasks_ = n_tasks;
    function_ = function;
    context_ = context;
    next_task_.store(0, std::memory_order_relaxed);
    n_working_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  take_tasks(0);
  for (int spins = 0; n_working_.load(std::memory_order_acquire) != 0; ++spins) {
    if (spins < kSpins) {
      pause_cpu();
    } else {
      const int left = n_working_.load(std::memory_order_acquire);
      if (left != 0) n_working_.wait(left, std::memory_order_acquire);
    }
  }
}

void ThreadPool::work(const std::stop_token& stop, int thread) {
  std::uint64_t seen = 0;
  for (;;) {
    for (int spins = 0; spins < kSpins && round_.load(std::memory_order_acquire) == seen; ++spins)
      pause_cpu();
    if (round_.load(std::memory_order_acquire) == seen) {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [&] { return round_.load(std::memory_order_acquire) != seen; })) return;
    }
    seen = round_.load(std::memory_order_acquire);
    take_tasks(thread);
    if (n_working_.fetch_sub(1, std::memory_order_acq_rel) == 1) n_working_.notify_all();
  }
}

int physical_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return std::max(1u, std::thread::hardware_concurrency());
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                       "/topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(file, siblings)) siblings = std::to_string(cpu);
    cores.insert(siblings);
  }
  return std::max<int>(1, static_cast<int>(cores.size()));
}

}  // namespace kernels::cpu
