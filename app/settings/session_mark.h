#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace app {

/// What a session left that did not end by itself.
struct CrashReport {
  std::filesystem::path file;
  std::string text;         // version, system, log, and where it failed if it could still say so
  bool says_where = false;  // false: it was killed, or the machine went down
};

/// One file of a running session: its log, and after a fault the signal and the calls that led to it. The file
/// goes when the session ends by itself, so what is found at the next start tells of one that did not. Nothing
/// is sent anywhere, and no text of documents is in it.
///
/// At most one per process: it takes over the handlers of SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT, which
/// write their lines and then let the signal end the process as it would have, and of SIGTERM, SIGHUP and SIGINT,
/// which take the file away: who is asked to end did not fail.
class SessionMark {
 public:
  /// `folder` is made when it is missing. Without a place to write to the session runs without a mark.
  SessionMark(const std::filesystem::path& folder, std::string_view program);
  ~SessionMark();
  SessionMark(const SessionMark&) = delete;
  SessionMark& operator=(const SessionMark&) = delete;

  const std::filesystem::path& file() const { return file_; }

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
};

/// Reports of sessions that are not running any more, newest first. They stay until one of the two below.
std::vector<CrashReport> crash_reports(const std::filesystem::path& folder);
/// Deletes these reports.
void forget_reports(const std::vector<CrashReport>& reports);
/// Leaves them in the folder under a name that crash_reports() does not look for.
void keep_reports(const std::vector<CrashReport>& reports);

}  // namespace app
