#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "app/heatmap/heat_palette.h"
#include "engine/base/result.h"

namespace app::cli {

/// Pixels, rows from the top.
struct Picture {
  int width = 0;
  int height = 0;
  std::vector<Rgb> pixels;  // [height][width]
  Picture(int width_in, int height_in, Rgb paper)
      : width(width_in), height(height_in), pixels(static_cast<std::size_t>(width_in) * static_cast<std::size_t>(height_in), paper) {}
  Rgb& at(int x, int y) { return pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)]; }
};

/// Writes an 8-bit RGB PNG (W3C PNG specification, section 11). The desktop's picture code needs a
/// display library; this works on a server without one.
engine::Result<void> write_png(const Picture& picture, const std::filesystem::path& path);

}  // namespace app::cli
