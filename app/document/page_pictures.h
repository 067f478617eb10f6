#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <vector>

#include "engine/base/result.h"

namespace app {

/// Pixels of a page, 4 bytes each: red, green, blue, 255; rows from the top, no gaps between them.
struct PagePicture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgba;
};

/// Pictures of the pages of one PDF, drawn by a process of its own that is kept while this object
/// lives. Any thread may call; calls take turns. A page that crashes that process, or takes longer
/// than ten seconds, gives an error and the next call starts a new process.
class PagePictures {
 public:
  /// `worker` is longleaf-cli (empty: beside this program). Nothing is started before the first picture.
  PagePictures(std::filesystem::path pdf, std::filesystem::path worker = {});
  ~PagePictures();
  PagePictures(const PagePictures&) = delete;
  PagePictures& operator=(const PagePictures&) = delete;

  /// `page` is 1-based; `dots_per_inch` 72 gives one pixel per point. At most 64 million pixels.
  engine::Result<PagePicture> draw(int page, double dots_per_inch, std::stop_token stop = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace app
