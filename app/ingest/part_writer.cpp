#include "app/ingest/part_writer.h"

#include <cmath>
#include <cstdio>

namespace app {
namespace {

constexpr std::size_t kMaxParts = 256;
constexpr std::size_t kMaxBytes = 4u << 20;
constexpr auto kMaxWait = std::chrono::milliseconds(500);
constexpr auto kTellEvery = std::chrono::milliseconds(50);
constexpr auto kRateOver = std::chrono::seconds(4);
constexpr double kLeastForRate = 0.3;  // seconds: of less, a rate says nothing

}  // namespace

void ProgressTeller::tell(bool always) {
  const auto now = std::chrono::steady_clock::now();
  if (!observer_ || (!always && now - last_ < kTellEvery)) return;
  last_ = now;
  estimate(now);
  observer_(progress);
}

void ProgressTeller::estimate(Clock::time_point now) {
  const auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
  progress.seconds = seconds(now - begin_);
  if (!seen_.empty() && progress.n_done < seen_.back().second) seen_.clear();  // another stage began
  seen_.emplace_back(now, progress.n_done);
  while (seen_.size() > 2 && now - seen_.front().first > kRateOver) seen_.pop_front();
  const double span = seconds(now - seen_.front().first);
  if (span < kLeastForRate) return;
  progress.per_second = static_cast<double>(progress.n_done - seen_.front().second) / span;
  progress.seconds_left = -1;
  if (progress.n_total > 0 && progress.per_second > 0) progress.seconds_left = static_cast<double>(progress.n_total - progress.n_done) / progress.per_second;
}

std::string describe(const IngestProgress& progress) {
  char text[64];
  const std::string unit = progress.unit == IngestUnit::kPages ? "pages" : "files";
  std::string line = std::to_string(progress.n_done);
  if (progress.n_total > 0) line += " of " + std::to_string(progress.n_total);
  line += ' ' + unit;
  if (progress.n_bytes > 0) {
    std::snprintf(text, sizeof text, ", %.1f MB", static_cast<double>(progress.n_bytes) / 1e6);
    line += text;
  }
  if (progress.per_second > 0) {
    std::snprintf(text, sizeof text, progress.per_second < 10 ? ", %.1f " : ", %.0f ", progress.per_second);
    line += text + unit + "/s";
  }
  if (progress.seconds_left >= 0 && progress.n_done < progress.n_total) {
    const auto left = static_cast<long long>(std::ceil(progress.seconds_left));
    line += ", " + (left < 100 ? std::to_string(left) + " s" : std::to_string((left + 30) / 60) + " min") + " left";
  }
  if (!progress.stage.empty()) line += " (" + progress.stage + ")";
  return line;
}

Result<void> PartWriter::add(Part part, PartText text) {
  const auto now = std::chrono::steady_clock::now();
  if (waiting_.empty()) since_ = now;
  n_bytes_ += text.text.size();
  waiting_.emplace_back(std::move(part), std::move(text));
  if (waiting_.size() >= kMaxParts || n_bytes_ >= kMaxBytes || now - since_ >= kMaxWait) return flush();
  return {};
}

Result<void> PartWriter::flush() {
  if (waiting_.empty()) return {};
  TRY(project_.add_parts(document_, waiting_));
  waiting_.clear();
  n_bytes_ = 0;
  return {};
}

}  // namespace app
