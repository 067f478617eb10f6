#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "engine/base/result.h"

namespace engine {

/// A regular file mapped read-only. The view lives as long as the object.
class MappedFile {
 public:
  /// Anything but a regular file is refused; an empty file gives an empty view.
  static Result<MappedFile> open(const std::filesystem::path& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

  /// Whether the file still has the size it was mapped with: reading a page that was cut off would
  /// end the program. Asked once before each tensor is read.
  bool is_intact() const;

 private:
  MappedFile() = default;
  void close();

  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  int descriptor_ = -1;
};

}  // namespace engine
