#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "engine/base/result.h"

namespace engine {

/// A regular file, open for reading. Nothing is mapped: a file that is cut, replaced or unmounted while it is
/// read gives an error where a mapped page would end the program. Thread safe after `open`.
class InputFile {
 public:
  /// Anything but a regular file is refused.
  static Result<InputFile> open(const std::filesystem::path& path);

  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&& other) noexcept;
  ~InputFile();

  /// Bytes that it had when it was opened.
  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }

  /// The `n` bytes at `offset`, which lie within `size`. An error names the file and what may have happened.
  Result<std::vector<std::byte>> read(std::uint64_t offset, std::uint64_t n) const;

 private:
  InputFile() = default;
  void close();

  std::filesystem::path path_;
  std::uint64_t size_ = 0;
  int descriptor_ = -1;
};

}  // namespace engine
