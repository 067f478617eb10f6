#pragma once

#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "app/ingest/ingest.h"

namespace app {

/// Tells the observer, at most twenty times a second, with the rate of the last seconds and what is left.
class ProgressTeller {
 public:
  ProgressTeller(const IngestObserver& observer, std::string what) : observer_(observer) { progress.what = std::move(what); }
  void tell(bool always = false);
  IngestProgress progress;

 private:
  using Clock = std::chrono::steady_clock;
  void estimate(Clock::time_point now);

  const IngestObserver& observer_;
  Clock::time_point begin_ = Clock::now();
  Clock::time_point last_{};
  std::deque<std::pair<Clock::time_point, std::int64_t>> seen_;  // when so many were done
};

/// Gathers parts and stores them in transactions of some size: one per part would wait for the disk
/// each time, one for all would lose an hour's work.
class PartWriter {
 public:
  PartWriter(Project& project, DocumentId document) : project_(project), document_(document) {}
  Result<void> add(Part part, PartText text);
  Result<void> flush();

 private:
  Project& project_;
  DocumentId document_;
  std::vector<std::pair<Part, PartText>> waiting_;
  std::size_t n_bytes_ = 0;
  std::chrono::steady_clock::time_point since_{};
};

}  // namespace app
