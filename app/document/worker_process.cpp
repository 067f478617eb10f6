#include "app/document/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

extern char** environ;

namespace app {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

namespace {

constexpr int kSlice = 50;  // ms between looks at the stop token
constexpr int kSendTimeoutMs = 5000;

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

Result<Descriptor> open_regular_file(const std::filesystem::path& path) {
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(path, failed);
  if (failed) return Error{ErrorCode::kNotFound, path.string() + " does not exist or cannot be reached. Check the path."};
  Descriptor file(::open(real.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return Error{ErrorCode::kIo, path.string() + " cannot be read: " + std::strerror(errno) + ". Check its rights."};
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) {
    return Error{ErrorCode::kInvalidInput, path.string() + " is not a regular file. Choose a PDF, a text file or a folder."};
  }
  return file;
}

Result<std::filesystem::path> find_worker(const std::filesystem::path& given) {
  std::error_code ignored;
  std::filesystem::path worker = given;
  if (worker.empty()) {
    const std::filesystem::path here = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
    worker = here / "longleaf-cli";
    // In a build tree every program lies in its own folder.
    if (::access(worker.c_str(), X_OK) != 0) worker = here / "../app/cli/longleaf-cli";
  }
  if (::access(worker.c_str(), X_OK) == 0) return worker;
  return Error{ErrorCode::kNotFound, "The program that reads PDFs is missing: " + worker.string() + ". Install Longleaf again."};
}

Result<WorkerProcess> WorkerProcess::start(const std::filesystem::path& worker, const std::vector<std::string>& arguments,
                                           const Descriptor& document, bool with_requests, const std::optional<ProcessLimits>& limits) {
  int output[2] = {-1, -1}, requests[2] = {-1, -1};
  if (::pipe2(output, O_CLOEXEC) != 0 || (with_requests && ::pipe2(requests, O_CLOEXEC) != 0)) {
    return Error{ErrorCode::kIo, "No more files can be opened to start the page reader. Close documents and try again."};
  }
  Descriptor output_read(output[0]), output_write(output[1]), requests_read(requests[0]), requests_write(requests[1]);
  // Only this end: the worker may wait for what is asked of it.
  if (with_requests) ::fcntl(requests_write.get(), F_SETFL, O_NONBLOCK);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, with_requests ? requests_read.get() : document.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, output_write.get(), 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  // Last, because 3 may be the number of one of the pipes.
  if (with_requests) posix_spawn_file_actions_adddup2(&actions, document.get(), 3);
  std::vector<char*> argv{const_cast<char*>(worker.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t process = -1;
  const int failed = ::posix_spawn(&process, worker.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed) return Error{ErrorCode::kIo, "The page reader " + worker.string() + " cannot be started: " + std::strerror(failed) + "."};
  if (limits) limit_process(process, *limits);
  return WorkerProcess(process, std::move(requests_write), std::move(output_read));
}

WorkerProcess::WorkerProcess(WorkerProcess&& other) noexcept
    : process_(std::exchange(other.process_, -1)), requests_(std::move(other.requests_)), output_(std::move(other.output_)), frames_(std::move(other.frames_)) {}

WorkerProcess::~WorkerProcess() {
  if (process_ <= 0) return;
  ::kill(process_, SIGKILL);
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
}

bool WorkerProcess::send(std::string_view request) {
  // A worker that died must give an error here, not end this program.
  sigset_t pipe_signal, before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  bool broken = false;
  while (!request.empty() && !broken) {
    const ssize_t n = ::write(requests_.get(), request.data(), request.size());
    if (n > 0) {
      request.remove_prefix(static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EAGAIN) {
      struct pollfd wait {requests_.get(), POLLOUT, 0};
      broken = ::poll(&wait, 1, kSendTimeoutMs) <= 0;  // it does not read any more
    } else {
      broken = !(n < 0 && errno == EINTR);
    }
  }
  const struct timespec now {0, 0};
  if (broken) sigtimedwait(&pipe_signal, nullptr, &now);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return !broken;
}

bool WorkerProcess::read_some() {
  char bytes[1 << 16];
  const ssize_t n = ::read(output_.get(), bytes, sizeof bytes);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return false;
  frames_.feed(std::string_view(bytes, static_cast<std::size_t>(n)));
  return true;
}

Result<std::optional<Frame>> WorkerProcess::wait_for_frame(int timeout_ms, std::stop_token stop) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    TRY_ASSIGN(std::optional<Frame> frame, frames_.next());
    if (frame) return frame;
    if (stop.stop_requested() || std::chrono::steady_clock::now() > end) return std::optional<Frame>();
    struct pollfd wait {output_.get(), POLLIN, 0};
    if (::poll(&wait, 1, kSlice) > 0 && !read_some()) return std::optional<Frame>();
  }
}

}  // namespace app
