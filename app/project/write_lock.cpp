#include "app/project/write_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;

// The kernel's lock belongs to the process, so the table of who has it does too.
std::mutex table_mutex;
std::map<std::filesystem::path, std::weak_ptr<WriteLock>>& table() {
  static auto* locks = new std::map<std::filesystem::path, std::weak_ptr<WriteLock>>;
  return *locks;
}

std::string holder(int descriptor) {
  char text[32] = {};
  const ssize_t n = ::pread(descriptor, text, sizeof text - 1, 0);
  return n > 0 ? "process " + std::string(text, static_cast<std::size_t>(n)) : "another process";
}

}  // namespace

engine::Result<WriteLock::Outcome> WriteLock::acquire(const std::filesystem::path& project) {
  std::error_code ignored;
  const std::filesystem::path key = std::filesystem::weakly_canonical(project, ignored);
  const std::filesystem::path file = key.string() + "-lock";
  const std::lock_guard guard(table_mutex);
  if (auto shared = table()[key].lock()) return Outcome{shared, "", false};

  for (;;) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) {
      const int why = errno;
      if (why == EACCES || why == EROFS || why == EPERM) {
        return Outcome{nullptr, "The folder of " + project.string() + " cannot be written to, so the project is open for reading only.", false};
      }
      return Error{ErrorCode::kIo, project.string() + " cannot be opened: " + std::strerror(why) + " (" + file.string() + ")."};
    }
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      const std::string who = holder(descriptor);
      ::close(descriptor);
      return Outcome{nullptr, project.string() + " is open for writing in another window (" + who + "), so here it is open for reading only.", false};
    }
    // The last holder removes the file: a lock on a removed file guards nothing, so look again.
    struct stat mine {}, there {};
    if (::fstat(descriptor, &mine) == 0 && ::stat(file.c_str(), &there) == 0 && mine.st_ino == there.st_ino && mine.st_dev == there.st_dev) {
      const std::string pid = std::to_string(::getpid());
      if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, pid.data(), pid.size(), 0) < 0) {
        // The number is for messages only; on a full disk the lock holds without it.
      }
      std::shared_ptr<WriteLock> lock(new WriteLock(file, descriptor));
      table()[key] = lock;
      return Outcome{lock, "", true};
    }
    ::close(descriptor);
  }
}

void WriteLock::release(std::shared_ptr<WriteLock> lock, const std::function<void(bool last)>& close) {
  const std::lock_guard guard(table_mutex);
  close(lock.use_count() == 1);
  lock.reset();
}

WriteLock::~WriteLock() {
  ::unlink(file_.c_str());
  ::close(descriptor_);
}

}  // namespace app
