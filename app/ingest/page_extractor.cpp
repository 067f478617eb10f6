#include "app/ingest/page_extractor.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <list>
#include <optional>
#include <set>

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;
using engine::Result;
using Clock = std::chrono::steady_clock;

constexpr int kFirstRange = 64;      // the first is short, so that a second worker starts soon
constexpr int kPagesPerRange = 256;  // a failure costs one page, not its range: starting is what costs
constexpr int kSliceMs = 50;
constexpr int kMaxOpenFailures = 2;

struct Range {
  int first = 1;
  int last = 0;
  int n_failures_to_open = 0;
};

struct Active {
  WorkerProcess process;
  Range range;
  int next;                  // page expected
  int reading = 0;           // page the worker said it reads
  Clock::time_point deadline;
};

class Extraction {
 public:
  Extraction(const Descriptor& pdf, const ExtractOptions& options, const ExtractSink& sink) : pdf_(pdf), options_(options), sink_(sink) {}

  Result<void> run(std::stop_token stop) {
    todo_.push_back({1, kFirstRange, 0});
    while (!todo_.empty() || !active_.empty()) {
      if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "Stopped. The pages read so far are kept."};
      // Until the first worker has told how many pages there are, it is alone.
      const std::size_t n_wanted = n_pages_ == 0 ? 1 : static_cast<std::size_t>(options_.n_workers);
      while (!todo_.empty() && active_.size() < n_wanted) TRY(start());
      TRY(wait());
    }
    return {};
  }

 private:
  Result<void> start() {
    const Range range = todo_.front();
    todo_.pop_front();
    std::vector<std::string> arguments{"extract-pages", std::to_string(range.first), std::to_string(range.last)};
    for (const int page : plain_) arguments.push_back("plain=" + std::to_string(page));
    for (const int page : skipped_) arguments.push_back("skip=" + std::to_string(page));
    TRY_ASSIGN(WorkerProcess process, WorkerProcess::start(options_.worker, arguments, pdf_, /*with_requests=*/false));
    active_.push_back({std::move(process), range, range.first, 0, deadline()});
    return {};
  }

  Clock::time_point deadline() const { return Clock::now() + std::chrono::milliseconds(options_.page_timeout_ms); }

  Result<void> wait() {
    std::vector<struct pollfd> waits;
    for (const Active& each : active_) waits.push_back({each.process.output(), POLLIN, 0});
    ::poll(waits.data(), waits.size(), kSliceMs);
    std::size_t i = 0;
    for (auto each = active_.begin(); each != active_.end(); ++i) {
      bool ended = false;
      TRY_ASSIGN(ended, serve(*each, waits[i].revents != 0));
      each = ended ? active_.erase(each) : std::next(each);
    }
    return {};
  }

  /// True when this worker is over, well or badly.
  Result<bool> serve(Active& active, bool readable) {
    const bool pipe_ended = readable && !active.process.read_some();
    for (;;) {
      Result<std::optional<Frame>> frame = active.process.next_frame();
      if (!frame) return failed(active, false);
      if (!*frame) break;
      active.deadline = deadline();
      bool well = false;
      TRY_ASSIGN(well, take(active, **frame));
      if (!well) return failed(active, false);
      if ((*frame)->kind == FrameKind::kDone) return true;
    }
    if (pipe_ended) return failed(active, false);
    if (Clock::now() > active.deadline) return failed(active, true);
    return false;
  }

  /// False: this frame should not be here; the worker is not to be trusted any more.
  Result<bool> take(Active& active, const Frame& frame) {
    switch (frame.kind) {
      case FrameKind::kDocument: {
        const Result<DocumentFacts> facts = decode_facts(frame.payload);
        if (!facts) return false;
        if (n_pages_ == 0) TRY(begin(active, *facts));
        return facts->n_pages == n_pages_;
      }
      case FrameKind::kReading: {
        const Result<std::int32_t> number = decode_number(frame.payload);
        if (number) active.reading = *number;
        return number.has_value();
      }
      case FrameKind::kPage: {
        if (frame.payload.size() > kMaxPageBytes) return false;
        Result<PageFrame> page = decode_page(frame.payload);
        if (!page || page->number != active.next || active.next > active.range.last) return false;
        ++active.next;
        if (is_wanted(page->number)) TRY(sink_.on_page(std::move(*page)));
        return true;
      }
      case FrameKind::kError:
        if (n_pages_ == 0) return decode_error(frame.payload);
        return false;
      case FrameKind::kDone:
        return active.next > active.range.last;
      case FrameKind::kPicture:
        return false;
    }
    return false;
  }

  bool is_wanted(int page) const {
    const auto at = static_cast<std::size_t>(page);
    return at >= options_.done.size() || !options_.done[at];
  }

  Result<void> begin(Active& active, const DocumentFacts& facts) {
    n_pages_ = facts.n_pages;
    active.range.last = std::min(active.range.last, n_pages_);
    TRY(sink_.on_document(facts));
    for (int first = kFirstRange + 1; first <= n_pages_; first += kPagesPerRange) {
      Range range{first, std::min(first + kPagesPerRange - 1, n_pages_), 0};
      while (range.first <= range.last && !is_wanted(range.first)) ++range.first;
      while (range.last >= range.first && !is_wanted(range.last)) --range.last;
      if (range.first <= range.last) todo_.push_back(range);
    }
    return {};
  }

  Result<bool> failed(Active& active, bool hung) {
    if (n_pages_ == 0) {
      if (++active.range.n_failures_to_open < kMaxOpenFailures && !hung) {
        todo_.push_front(active.range);
        return true;
      }
      return Error{ErrorCode::kCorrupt, hung ? "The PDF reader got stuck on this file and was ended. The file is damaged or made to do harm; export it again from its source."
                                             : "The PDF reader failed on this file (crash or too much memory). The file is damaged or made to do harm; export it again from its source."};
    }
    Range rest{active.next, active.range.last, active.range.n_failures_to_open};
    if (rest.first > rest.last) return true;
    if (active.reading == 0 && ++rest.n_failures_to_open < kMaxOpenFailures) {
      todo_.push_front(rest);
      return true;
    }
    const int culprit = active.reading ? active.reading : rest.first;
    // A hang without fonts would cost the full wait once more.
    if (!hung && !plain_.contains(culprit)) {
      plain_.insert(culprit);
    } else if (!skipped_.contains(culprit)) {
      skipped_.insert(culprit);
    } else {
      skipped_.insert(rest.first);  // it fails while building, not while reading
    }
    // Reads on behind what cannot even be skipped.
    if (skipped_.contains(rest.first) && !active.reading) {
      TRY(sink_.on_page(lost(rest.first)));
      ++rest.first;
    }
    if (rest.first <= rest.last) todo_.push_front(rest);
    return true;
  }

  static PageFrame lost(int number) {
    PageFrame page{number, std::to_string(number), {}};
    page.text.confidence = 0;
    page.text.note = "this page could not be read: the PDF reader failed on it";
    return page;
  }

  const Descriptor& pdf_;
  const ExtractOptions& options_;
  const ExtractSink& sink_;
  int n_pages_ = 0;
  std::deque<Range> todo_;
  std::list<Active> active_;
  std::set<int> plain_, skipped_;
};

}  // namespace

Result<void> extract_pages(const Descriptor& pdf, const ExtractOptions& options, const ExtractSink& sink, std::stop_token stop) {
  return Extraction(pdf, options, sink).run(stop);
}

}  // namespace app
