#include "app/heatmap/png_writer.h"

#include <png.h>

namespace app {

engine::Result<std::string> encode_png(std::int32_t width, std::int32_t height, const std::vector<Rgb>& pixels) {
  static_assert(sizeof(Rgb) == 3);
  if (width <= 0 || height <= 0 || pixels.size() != static_cast<std::size_t>(width) * static_cast<std::size_t>(height)) {
    return engine::Error{engine::ErrorCode::kInvalidInput, "A picture of " + std::to_string(width) + " x " +
                                                               std::to_string(height) + " pixels cannot be written."};
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string out(size, '\0');
  if (png_image_write_to_memory(&image, out.data(), &size, 0, pixels.data(), 0, nullptr) == 0) {
    const std::string why = image.message;
    png_image_free(&image);
    return engine::Error{engine::ErrorCode::kIo, "The picture could not be written as PNG: " + why + "."};
  }
  out.resize(size);
  return out;
}

}  // namespace app
