#include "app/cli/png.h"

#include <QByteArray>
#include <array>
#include <fstream>
#include <string>

namespace app::cli {
namespace {

/// CRC-32 of PNG: polynomial 0xEDB88320, bit by bit (a picture has a few kilobytes).
std::uint32_t crc(const std::string& bytes) {
  std::uint32_t value = 0xFFFFFFFFu;
  for (const char byte : bytes) {
    value ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1u) != 0 ? 0xEDB88320u : 0u);
  }
  return ~value;
}

void append_number(std::string& to, std::uint32_t number) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<char>((number >> shift) & 0xFFu));
}

void append_chunk(std::string& to, const char (&name)[5], const std::string& data) {
  const std::string body = std::string(name, 4) + data;
  append_number(to, static_cast<std::uint32_t>(data.size()));
  to += body;
  append_number(to, crc(body));
}

}  // namespace

engine::Result<void> write_png(const Picture& picture, const std::filesystem::path& path) {
  std::string head;
  append_number(head, static_cast<std::uint32_t>(picture.width));
  append_number(head, static_cast<std::uint32_t>(picture.height));
  head += std::string{8, 2, 0, 0, 0};  // 8 bits, RGB, deflate, no filter method of its own, not interlaced

  QByteArray rows;
  for (int y = 0; y < picture.height; ++y) {
    rows.push_back('\0');  // no filter
    for (int x = 0; x < picture.width; ++x) {
      const Rgb& pixel = picture.pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) + static_cast<std::size_t>(x)];
      rows.push_back(static_cast<char>(pixel.red));
      rows.push_back(static_cast<char>(pixel.green));
      rows.push_back(static_cast<char>(pixel.blue));
    }
  }
  // qCompress puts the length in four bytes before the zlib stream.
  const QByteArray packed = qCompress(rows).mid(4);

  std::string png = "\x89PNG\r\n\x1a\n";
  append_chunk(png, "IHDR", head);
  append_chunk(png, "IDAT", packed.toStdString());
  append_chunk(png, "IEND", {});
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << png;
  file.close();
  if (file) return {};
  return engine::Error{engine::ErrorCode::kIo, "The picture could not be written to " + path.string() + "; does the folder exist, and is there room?"};
}

}  // namespace app::cli
