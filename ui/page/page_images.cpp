#include "ui/page/page_images.h"

#include <algorithm>

namespace ui {
namespace {

constexpr qint64 kCacheBytes = qint64{192} << 20;
constexpr double kPointsPerInch = 72.0;
constexpr int kWidestPicture = 4096;  // pixels: larger zooms scale it up

}  // namespace

PageImages::PageImages(QObject* parent) : QObject(parent) { wish_ = wishes_.next(); }

PageImages::~PageImages() {
  documents_.drop_all();
  wishes_.drop_all();
}

void PageImages::set_document(const std::filesystem::path& pdf, const std::filesystem::path& worker) {
  clear();
  pictures_ = std::make_shared<app::PagePictures>(pdf, worker);
}

void PageImages::clear() {
  document_ = documents_.next();
  wish_ = wishes_.next();
  thread_.cancel();
  // The worker process may take a moment to end: not on the window's thread.
  if (pictures_ != nullptr) thread_.post([old = std::exchange(pictures_, nullptr)](std::stop_token) mutable { old.reset(); });
  cache_.clear();
  asked_.clear();
  failures_.clear();
  bytes_ = 0;
}

QImage PageImages::picture(int page, int width_px) const {
  const auto found = cache_.find(page);
  if (found == cache_.end()) return {};
  found->used = ++clock_;
  (void)width_px;
  return found->image;
}

void PageImages::want(int page, int width_px, double width_pt) {
  width_px = std::clamp(width_px, 16, kWidestPicture);
  if (pictures_ == nullptr || width_pt <= 0 || failures_.contains(page)) return;
  const auto cached = cache_.constFind(page);
  if (cached != cache_.constEnd() && std::abs(cached->asked_px - width_px) <= 1) return;
  if (asked_.value(page) == width_px) return;
  asked_.insert(page, width_px);
  if (!wish_.is_current()) wish_ = wishes_.next();
  const double dots_per_inch = width_px / width_pt * kPointsPerInch;
  const Ticket wish = wish_;
  run_in_background(
      thread_, this, document_,
      [pictures = pictures_, page, dots_per_inch, wish](std::stop_token stop) -> engine::Result<QImage> {
        if (!wish.is_current()) return engine::Error{engine::ErrorCode::kCancelled, {}};
        TRY_ASSIGN(const app::PagePicture picture, pictures->draw(page, dots_per_inch, stop));
        const QImage view(picture.rgba.data(), picture.width, picture.height, picture.width * 4, QImage::Format_RGBA8888);
        return view.convertToFormat(QImage::Format_RGB32);
      },
      [this, page, width_px](engine::Result<QImage> result) {
        asked_.remove(page);
        if (result) keep(page, std::move(*result), width_px);
        else if (result.error().code != engine::ErrorCode::kCancelled) failures_.insert(page, QString::fromStdString(result.error().message));
        emit ready(page);
      },
      Turn::kFirst);
}

void PageImages::keep(int page, QImage image, int asked_px) {
  if (const auto old = cache_.constFind(page); old != cache_.constEnd()) bytes_ -= old->image.sizeInBytes();
  bytes_ += image.sizeInBytes();
  cache_.insert(page, {std::move(image), asked_px, ++clock_});
  while (bytes_ > kCacheBytes && cache_.size() > 2) {
    auto oldest = cache_.begin();
    for (auto it = cache_.begin(); it != cache_.end(); ++it) {
      if (it->used < oldest->used) oldest = it;
    }
    bytes_ -= oldest->image.sizeInBytes();
    cache_.erase(oldest);
  }
}

}  // namespace ui
