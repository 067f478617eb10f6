#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "app/heatmap/heat_palette.h"
#include "engine/base/result.h"

namespace app {

/// A PNG file's bytes, 8 bits per channel. `pixels`: [height][width].
engine::Result<std::string> encode_png(std::int32_t width, std::int32_t height, const std::vector<Rgb>& pixels);

}  // namespace app
