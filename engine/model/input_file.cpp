#include "engine/model/input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace engine {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 26;  // bytes asked for at once

Error cannot_read(const std::filesystem::path& path, const std::string& why) {
  const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
  return Error{code, path.string() + " cannot be read: " + why + "."};
}

}  // namespace

Result<InputFile> InputFile::open(const std::filesystem::path& path) {
  InputFile file;
  file.path_ = path;
  file.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file.descriptor_ < 0) return cannot_read(path, std::strerror(errno));
  struct stat status {};
  if (::fstat(file.descriptor_, &status) != 0) return cannot_read(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::kInvalidInput, path.string() + " is not a regular file."};
  }
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)), size_(std::exchange(other.size_, 0)), descriptor_(std::exchange(other.descriptor_, -1)) {}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  if (this != &other) {
    close();
    path_ = std::move(other.path_);
    size_ = std::exchange(other.size_, 0);
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

InputFile::~InputFile() { close(); }

void InputFile::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

Result<std::vector<std::byte>> InputFile::read(std::uint64_t offset, std::uint64_t n) const {
  CHECK(n <= size_ && offset <= size_ - n);
  std::vector<std::byte> bytes(static_cast<std::size_t>(n));
  for (std::size_t done = 0; done < bytes.size();) {
    const std::size_t wanted = std::min(kPiece, bytes.size() - done);
    const ssize_t got = ::pread(descriptor_, bytes.data() + done, wanted, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(path_, std::strerror(errno));
    if (got == 0) {
      return Error{ErrorCode::kIo, path_.string() + " was cut short while it was in use. Leave a model's files alone while it is loaded, or download them again."};
    }
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace engine
