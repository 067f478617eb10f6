#include "app/question/secrets.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

namespace app {
namespace {

/// A token that begins with `prefix` and goes on with at least `n_least` characters of its alphabet.
struct Form {
  std::string_view kind;
  std::string_view prefix;
  std::size_t n_least;
};

constexpr std::array<Form, 12> kForms = {{{"AWS access key", "AKIA", 16}, {"GitHub token", "ghp_", 36}, {"GitHub token", "gho_", 36}, {"GitHub token", "github_pat_", 22},
    {"GitLab token", "glpat-", 20}, {"Slack token", "xoxb-", 20}, {"Slack token", "xoxp-", 20}, {"Google API key", "AIza", 35}, {"Stripe key", "sk_live_", 16},
    {"API key", "sk-", 32}, {"npm token", "npm_", 36}, {"Hugging Face token", "hf_", 30}}};
constexpr std::array<std::string_view, 8> kNames = {"password", "passwd", "secret", "token", "api_key", "apikey", "access_key", "private_key"};
constexpr std::size_t kLeastValue = 12;
constexpr double kLeastBitsPerCharacter = 3.0;  // words repeat their letters more than keys do

bool is_value(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '+' || c == '/' || c == '=' || c == '.'; }

double bits_per_character(std::string_view text) {
  std::array<int, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const int count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

bool looks_random(std::string_view value) {
  const bool has_digit = std::ranges::any_of(value, [](char c) { return c >= '0' && c <= '9'; });
  const bool has_letter = std::ranges::any_of(value, [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
  return value.size() >= kLeastValue && has_digit && has_letter && bits_per_character(value) >= kLeastBitsPerCharacter;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::vector<Secret> scan() {
    std::int32_t number = 1;
    for (std::size_t at = 0; at < text_.size(); ++number) {
      const std::size_t end = std::min(text_.find('\n', at), text_.size());
      scan_line(at, end, number);
      at = end + 1;
    }
    std::ranges::sort(found_, {}, &Secret::begin);
    return std::move(found_);
  }

 private:
  void add(std::string_view kind, std::size_t begin, std::size_t end, std::int32_t line) {
    const auto overlaps = [&](const Secret& one) { return begin < one.end && one.begin < end; };
    if (std::ranges::any_of(found_, overlaps)) return;
    found_.push_back({std::string(kind), static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), line, std::string(text_.substr(begin, 4)) + "..."});
  }

  std::size_t value_end(std::size_t at, std::size_t end) const {
    while (at < end && is_value(text_[at])) ++at;
    return at;
  }

  void scan_line(std::size_t begin, std::size_t end, std::int32_t number) {
    const std::string_view line = text_.substr(begin, end - begin);
    if (line.find("-----BEGIN ") != std::string_view::npos && line.find("PRIVATE KEY-----") != std::string_view::npos) scan_private_key(begin, end, number);
    for (const Form& form : kForms) {
      for (std::size_t at = line.find(form.prefix); at != std::string_view::npos; at = line.find(form.prefix, at + 1)) {
        if (at > 0 && is_value(line[at - 1]) && line[at - 1] != '=') continue;
        const std::size_t last = value_end(begin + at, end);
        if (last - (begin + at) >= form.prefix.size() + form.n_least) add(form.kind, begin + at, last, number);
      }
    }
    scan_assignment(begin, end, number);
  }

  void scan_private_key(std::size_t begin, std::size_t end, std::int32_t number) {
    const std::size_t closing = text_.find("-----END ", end);
    add("private key", begin, closing == std::string_view::npos ? text_.size() : closing, number);
  }

  void scan_assignment(std::size_t begin, std::size_t end, std::int32_t number) {
    std::string lower(text_.substr(begin, end - begin));
    std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    for (const std::string_view name : kNames) {
      const std::size_t at = lower.find(name);
      if (at == std::string::npos) continue;
      const std::size_t sign = lower.find_first_of("=:", at + name.size());
      if (sign == std::string::npos || sign > at + name.size() + 12) continue;
      const std::size_t first = lower.find_first_not_of(" \t\"'=:>", sign);
      if (first == std::string::npos) continue;
      const std::size_t last = value_end(begin + first, end);
      if (looks_random(text_.substr(begin + first, last - begin - first))) add(std::string(name) + " in an assignment", begin + first, last, number);
    }
  }

  std::string_view text_;
  std::vector<Secret> found_;
};

}  // namespace

std::vector<Secret> find_secrets(std::string_view text) { return Scanner(text).scan(); }

}  // namespace app
