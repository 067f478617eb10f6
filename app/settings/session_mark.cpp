#include "app/settings/session_mark.h"

#include <execinfo.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <ctime>

#include "engine/base/log.h"

namespace app {
namespace {

constexpr std::array kFaults = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
constexpr std::array kRequests = {SIGTERM, SIGHUP, SIGINT};
constexpr const char* kPrefix = "session-";
constexpr const char* kKeptPrefix = "report-";
constexpr const char* kFault = "\nFault: signal ";
constexpr std::size_t kMaxReportBytes = 256u << 10;

std::atomic<int> fault_descriptor{-1};
std::array<char, 4096> mark_path{};  // for unlink() in a handler

void write_text(int descriptor, const char* text) {
  [[maybe_unused]] const ssize_t written = ::write(descriptor, text, std::strlen(text));
}

/// Only calls that are allowed in a signal handler; backtrace() was called once before, so that it loads nothing here.
void on_fault(int signal) {
  if (const int descriptor = fault_descriptor.exchange(-1); descriptor >= 0) {
    char number[3] = {static_cast<char>('0' + signal / 10), static_cast<char>('0' + signal % 10), 0};
    write_text(descriptor, kFault);
    write_text(descriptor, number);
    write_text(descriptor, "\n");
    std::array<void*, 64> calls{};
    ::backtrace_symbols_fd(calls.data(), ::backtrace(calls.data(), static_cast<int>(calls.size())), descriptor);
  }
  ::raise(signal);  // the handler was taken off when it was called, so this ends the process
}

/// A session that was asked to end, by a terminal or when the user logs out, did not fail.
void on_request(int signal) {
  ::unlink(mark_path.data());
  ::raise(signal);
}

void catch_signals(const std::string& path) {
  path.copy(mark_path.data(), mark_path.size() - 1);
  std::array<void*, 2> calls{};
  ::backtrace(calls.data(), static_cast<int>(calls.size()));
  // A stack of its own: a stack that overflowed has no room for the handler.
  static std::array<char, 64 << 10> stack;
  stack_t other{};
  other.ss_sp = stack.data();
  other.ss_size = stack.size();
  ::sigaltstack(&other, nullptr);
  struct sigaction action {};
  action.sa_handler = on_fault;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK | SA_NODEFER);
  sigemptyset(&action.sa_mask);
  for (const int signal : kFaults) ::sigaction(signal, &action, nullptr);
  action.sa_handler = on_request;
  for (const int signal : kRequests) ::sigaction(signal, &action, nullptr);
}

void let_signals_be() {
  for (const int signal : kFaults) std::signal(signal, SIG_DFL);
  for (const int signal : kRequests) std::signal(signal, SIG_DFL);
}

std::string head(std::string_view program) {
  utsname system{};
  ::uname(&system);
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char when[32] = "";
  std::strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return std::string(program) + ", " + system.sysname + " " + system.release + " " + system.machine + ", begun " + when + "\n";
}

/// The beginning and, of a long log, the end.
std::string text_of(int descriptor) {
  const off_t size = ::lseek(descriptor, 0, SEEK_END);
  const auto wanted = static_cast<std::size_t>(std::clamp<off_t>(size, 0, static_cast<off_t>(kMaxReportBytes)));
  std::string text(wanted, '\0');
  const ssize_t n = ::pread(descriptor, text.data(), text.size(), std::max<off_t>(0, size - static_cast<off_t>(wanted)));
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

}  // namespace

SessionMark::SessionMark(const std::filesystem::path& folder, std::string_view program) {
  std::error_code fault;
  std::filesystem::create_directories(folder, fault);
  file_ = folder / (kPrefix + std::to_string(std::time(nullptr)) + "-" + std::to_string(::getpid()) + ".log");
  descriptor_ = ::open(file_.c_str(), O_CREAT | O_EXCL | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor_ < 0) return;
  ::flock(descriptor_, LOCK_EX | LOCK_NB);  // held as long as the process lives, however it ends
  write_text(descriptor_, head(program).c_str());
  engine::log_to_file(file_);
  fault_descriptor = descriptor_;
  catch_signals(file_.string());
}

SessionMark::~SessionMark() {
  if (descriptor_ < 0) return;
  let_signals_be();
  fault_descriptor = -1;
  std::error_code fault;
  std::filesystem::remove(file_, fault);
  ::close(descriptor_);
}

std::vector<CrashReport> crash_reports(const std::filesystem::path& folder) {
  std::vector<CrashReport> reports;
  std::error_code fault;
  for (const auto& entry : std::filesystem::directory_iterator(folder, fault)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    const int descriptor = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
      CrashReport report{entry.path(), text_of(descriptor), false};
      report.says_where = report.text.find(kFault) != std::string::npos;
      reports.push_back(std::move(report));
    }
    ::close(descriptor);
  }
  // Names begin with the second in which the session began.
  std::ranges::sort(reports, std::greater(), [](const CrashReport& report) { return report.file.filename().string(); });
  return reports;
}

void forget_reports(const std::vector<CrashReport>& reports) {
  for (const CrashReport& report : reports) {
    std::error_code fault;
    std::filesystem::remove(report.file, fault);
  }
}

void keep_reports(const std::vector<CrashReport>& reports) {
  for (const CrashReport& report : reports) {
    const std::string rest = report.file.filename().string().substr(std::string_view(kPrefix).size());
    std::error_code fault;
    std::filesystem::rename(report.file, report.file.parent_path() / (kKeptPrefix + rest), fault);
  }
}

}  // namespace app
