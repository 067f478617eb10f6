#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "engine/base/result.h"

namespace app {

/// The right to write one project file. A process has it or has it not (a lock file beside the
/// project); inside the process all connections share one object and take turns by its mutex.
class WriteLock {
 public:
  struct Outcome {
    std::shared_ptr<WriteLock> lock;  // null: another process writes, or the place is read-only
    std::string why_not;              // a sentence for the user
    bool first = false;               // nobody in this process had the project open for writing
  };

  /// Any thread. The lock of a killed process is free again at once: the kernel holds it, not the file.
  static engine::Result<Outcome> acquire(const std::filesystem::path& project);
  /// Gives the share back. `close` runs first, while nobody else can acquire; its argument says
  /// whether this was the process's last share.
  static void release(std::shared_ptr<WriteLock> lock, const std::function<void(bool last)>& close);
  ~WriteLock();
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;

  /// Held while writing or checkpointing.
  std::mutex& turn() { return turn_; }

 private:
  WriteLock(std::filesystem::path file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}

  std::filesystem::path file_;
  int descriptor_;
  std::mutex turn_;
};

}  // namespace app
