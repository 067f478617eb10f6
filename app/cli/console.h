#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include <nlohmann/json_fwd.hpp>

#include "engine/base/result.h"

namespace app::cli {

enum ExitCode : int { kOk = 0, kFailed = 1, kUsage = 2, kCancelled = 130 };

/// Text of documents and models as a terminal may see it: no control characters but line breaks and
/// tabs, so that nothing that was read can move the cursor, set a title or answer for the user.
std::string harmless(std::string_view text);

/// `text` on standard output or standard error, made harmless, at once.
void say(std::string_view text);
void note(std::string_view text);

bool output_is_terminal();
bool notes_are_terminal();

/// One JSON value and a line break on standard output. Bytes that are no UTF-8 become U+FFFD.
void say_json(const nlohmann::ordered_json& value);

/// "error: ..." on standard error. Gives the exit code that belongs to the error.
int fail(const engine::Error& error);

/// A line on standard error that is written over while work goes on; where standard error is no
/// terminal only its last state appears.
class ProgressLine {
 public:
  ~ProgressLine() { finish(); }
  void show(std::string_view text);
  /// Leaves the last state standing and goes to the next line.
  void finish();
  /// Takes the line away.
  void clear();

 private:
  std::string last_;
  std::chrono::steady_clock::time_point shown_at_{};
};

/// The first Ctrl-C asks the work to stop, the second ends the program. Make one before any other
/// thread starts: it takes the signal out of all of them.
class StopOnInterrupt {
 public:
  StopOnInterrupt();
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::jthread listener_;
};

/// "14,332"
std::string with_commas(std::int64_t number);

}  // namespace app::cli
