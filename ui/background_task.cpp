#include "ui/background_task.h"

#include <future>

namespace ui {

BackgroundThread::BackgroundThread() : thread_([this](std::stop_token stop) { run(stop); }) {}

BackgroundThread::~BackgroundThread() {
  cancel();
  thread_.request_stop();
  wake_.notify_all();
}

void BackgroundThread::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void BackgroundThread::post_first(Job job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_front(std::move(job));
  }
  wake_.notify_one();
}

void BackgroundThread::cancel() {
  const std::lock_guard lock(mutex_);
  jobs_.clear();
  job_stop_.request_stop();
}

void BackgroundThread::drain() {
  std::promise<void> done;
  post([&done](std::stop_token) { done.set_value(); });
  done.get_future().wait();
}

void BackgroundThread::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    Job job;
    std::stop_token job_stop;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return !jobs_.empty(); })) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
      job_stop_ = std::stop_source();
      job_stop = job_stop_.get_token();
    }
    job(job_stop);
  }
}

}  // namespace ui
