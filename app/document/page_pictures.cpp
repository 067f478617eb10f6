#include "app/document/page_pictures.h"

#include <cstring>
#include <mutex>
#include <optional>

#include "app/document/worker_process.h"

namespace app {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

namespace {

constexpr int kPictureTimeoutMs = 10'000;
constexpr std::size_t kHeadBytes = 8;  // width, height

Result<PagePicture> picture_of(const std::string& payload) {
  const Error broken{ErrorCode::kCorrupt, "The page reader sent something that is no picture; it was ended."};
  if (payload.size() < kHeadBytes) return broken;
  TRY_ASSIGN(const std::int32_t width, decode_number(std::string_view(payload).substr(0, 4)));
  TRY_ASSIGN(const std::int32_t height, decode_number(std::string_view(payload).substr(4, 4)));
  if (static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height) * 4 != payload.size() - kHeadBytes) return broken;
  PagePicture picture{width, height, {}};
  picture.rgba.resize(payload.size() - kHeadBytes);
  std::memcpy(picture.rgba.data(), payload.data() + kHeadBytes, picture.rgba.size());
  return picture;
}

}  // namespace

struct PagePictures::State {
  std::filesystem::path pdf;
  std::filesystem::path worker;
  std::mutex turn;
  std::optional<WorkerProcess> process;
};

PagePictures::PagePictures(std::filesystem::path pdf, std::filesystem::path worker) : state_(std::make_unique<State>()) {
  state_->pdf = std::move(pdf);
  state_->worker = std::move(worker);
}

PagePictures::~PagePictures() = default;

Result<PagePicture> PagePictures::draw(int page, double dots_per_inch, std::stop_token stop) {
  const std::lock_guard turn(state_->turn);
  if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "Stopped."};
  if (!state_->process) {
    TRY_ASSIGN(const std::filesystem::path worker, find_worker(state_->worker));
    TRY_ASSIGN(const Descriptor file, open_regular_file(state_->pdf));
    TRY_ASSIGN(WorkerProcess process, WorkerProcess::start(worker, {"render-page"}, file, /*with_requests=*/true));
    state_->process.emplace(std::move(process));
  }
  const std::string where = "Page " + std::to_string(page) + " of " + state_->pdf.filename().string();
  Result<std::optional<Frame>> frame = std::optional<Frame>();
  if (state_->process->send(std::to_string(page) + " " + std::to_string(dots_per_inch) + "\n")) {
    frame = state_->process->wait_for_frame(kPictureTimeoutMs, stop);
  }
  if (frame && *frame && (*frame)->kind == FrameKind::kPicture) return picture_of((*frame)->payload);
  const bool answered = frame && *frame && (*frame)->kind == FrameKind::kError;
  Error error = answered ? decode_error((*frame)->payload) : frame ? Error{ErrorCode::kCorrupt, where + " cannot be drawn: the page reader failed on it or took more than ten seconds."} : frame.error();
  if (stop.stop_requested()) error = Error{ErrorCode::kCancelled, "Stopped."};
  // A worker that is still drawing would answer the next question with this picture. One that could
  // not even open the file has ended.
  const bool lives_on = answered && error.code != ErrorCode::kUnsupported && error.message.starts_with("Page ");
  if (!lives_on) state_->process.reset();
  return error;
}

}  // namespace app
