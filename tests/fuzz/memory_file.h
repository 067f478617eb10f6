#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

/// A regular file that lives in memory and gets new contents for every input.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("fuzz", MFD_CLOEXEC)) {}
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  void fill(const std::uint8_t* data, std::size_t size) const {
    if (ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, data, size, 0) != static_cast<ssize_t>(size)) std::abort();
  }

 private:
  int descriptor_;
};

/// A folder of one process, in memory where there is /dev/shm, whose `file` gets new contents for every input.
class MemoryFolder {
 public:
  MemoryFolder() {
    std::string name = std::filesystem::exists("/dev/shm") ? "/dev/shm/longleaf-fuzz-XXXXXX" : "/tmp/longleaf-fuzz-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~MemoryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  void fill(const std::string& file, const void* data, std::size_t size) const {
    FILE* out = std::fopen((path_ / file).c_str(), "wb");
    if (out == nullptr || std::fwrite(data, 1, size, out) != size) std::abort();
    std::fclose(out);
  }

 private:
  std::filesystem::path path_;
};
