#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "app/document/page_frames.h"
#include "app/document/process_limits.h"
#include "engine/base/result.h"

namespace app {

/// An open descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

/// Opens a regular file to read, never waiting (FIFOs) and never following a link that replaces it
/// at the last moment. The error is for the user.
engine::Result<Descriptor> open_regular_file(const std::filesystem::path& path);

/// longleaf-cli beside this program, or the one given.
engine::Result<std::filesystem::path> find_worker(const std::filesystem::path& given);

/// A worker process and the pipe its frames come from. Killed and gathered in when this object dies.
class WorkerProcess {
 public:
  /// `document` becomes descriptor 0 (no requests) or 3 (with requests on 0). `limits`: for programs
  /// that do not limit themselves.
  static engine::Result<WorkerProcess> start(const std::filesystem::path& worker, const std::vector<std::string>& arguments,
                                             const Descriptor& document, bool with_requests, const std::optional<ProcessLimits>& limits = {});
  WorkerProcess(WorkerProcess&&) noexcept;
  WorkerProcess& operator=(WorkerProcess&&) = delete;
  ~WorkerProcess();

  int output() const { return output_.get(); }
  /// False: the worker died, or reads no more.
  bool send(std::string_view request);

  /// Reads what is there into the frame reader. False: the pipe has ended.
  bool read_some();
  engine::Result<std::optional<Frame>> next_frame() { return frames_.next(); }

  /// The next frame; empty when the worker ended, or gave nothing for `timeout_ms`, or was stopped.
  engine::Result<std::optional<Frame>> wait_for_frame(int timeout_ms, std::stop_token stop);

 private:
  WorkerProcess(pid_t process, Descriptor requests, Descriptor output) : process_(process), requests_(std::move(requests)), output_(std::move(output)) {}
  pid_t process_;
  Descriptor requests_;
  Descriptor output_;
  FrameReader frames_{kMaxFrameBytes};
};

}  // namespace app
