#include "app/ingest/part_writer.h"

namespace app {
namespace {

constexpr std::size_t kMaxParts = 256;
constexpr std::size_t kMaxBytes = 4u << 20;
constexpr auto kMaxWait = std::chrono::milliseconds(500);
constexpr auto kTellEvery = std::chrono::milliseconds(50);

}  // namespace

void ProgressTeller::tell(bool always) {
  const auto now = std::chrono::steady_clock::now();
  if (!observer_ || (!always && now - last_ < kTellEvery)) return;
  last_ = now;
  observer_(progress);
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
