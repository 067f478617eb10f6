#include "app/cli/console.h"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <unistd.h>

#include <nlohmann/json.hpp>

namespace app::cli {
namespace {

constexpr auto kBetweenUpdates = std::chrono::milliseconds(100);

void write(std::FILE* to, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

}  // namespace

std::string harmless(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too: some terminals take U+009B for ESC [.
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      ++i;
      continue;
    }
    if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) continue;
    clean.push_back(text[i]);
  }
  return clean;
}

void say(std::string_view text) { write(stdout, harmless(text)); }
void note(std::string_view text) { write(stderr, harmless(text)); }

bool output_is_terminal() { return isatty(STDOUT_FILENO) == 1; }
bool notes_are_terminal() { return isatty(STDERR_FILENO) == 1; }

void say_json(const nlohmann::ordered_json& value) {
  write(stdout, value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

int fail(const engine::Error& error) {
  if (error.code == engine::ErrorCode::kCancelled) {
    note("Stopped.\n");
    return kCancelled;
  }
  note("error: " + error.message + "\n");
  return kFailed;
}

void ProgressLine::show(std::string_view text) {
  last_ = harmless(text);
  const auto now = std::chrono::steady_clock::now();
  if (!notes_are_terminal() || now - shown_at_ < kBetweenUpdates) return;
  shown_at_ = now;
  write(stderr, "\r\033[K" + last_);
}

void ProgressLine::finish() {
  if (last_.empty()) return;
  write(stderr, (notes_are_terminal() ? "\r\033[K" : "") + last_ + "\n");
  last_.clear();
}

void ProgressLine::clear() {
  if (!last_.empty() && notes_are_terminal()) write(stderr, "\r\033[K");
  last_.clear();
}

StopOnInterrupt::StopOnInterrupt() {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_BLOCK, &interrupt, nullptr);
  listener_ = std::jthread([this, interrupt](std::stop_token done) {
    const timespec wait{0, 100'000'000};
    while (!done.stop_requested()) {
      if (sigtimedwait(&interrupt, nullptr, &wait) != SIGINT) continue;
      if (stop_.stop_requested()) _exit(kCancelled);
      stop_.request_stop();
    }
  });
}

std::string with_commas(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool after_digit = i > 0 && digits[i - 1] != '-';
    if (after_digit && (digits.size() - i) % 3 == 0) out.push_back(',');
    out.push_back(digits[i]);
  }
  return out;
}

}  // namespace app::cli
