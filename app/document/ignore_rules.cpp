#include "app/document/ignore_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace app {
namespace {

bool in_class(std::string_view name, unsigned char c) {
  static constexpr std::array<std::pair<std::string_view, int (*)(int)>, 12> kClasses = {
      {{"alnum", std::isalnum}, {"alpha", std::isalpha}, {"blank", std::isblank}, {"cntrl", std::iscntrl}, {"digit", std::isdigit}, {"graph", std::isgraph},
       {"lower", std::islower}, {"print", std::isprint}, {"punct", std::ispunct}, {"space", std::isspace}, {"upper", std::isupper}, {"xdigit", std::isxdigit}}};
  for (const auto& [each, test] : kClasses) {
    if (each == name) return test(c) != 0;
  }
  return false;
}

class Matcher {
 public:
  Matcher(std::string_view pattern, std::string_view text, bool pathname) : pattern_(pattern), text_(text), pathname_(pathname) {}

  bool match(std::size_t p, std::size_t t) {
    for (; p < pattern_.size(); ++p, ++t) {
      const char c = pattern_[p];
      if (c == '*') return match_star(p, t);
      if (t >= text_.size()) return false;
      if (c == '?') {
        if (pathname_ && text_[t] == '/') return false;
      } else if (c == '[') {
        if (!match_set(p, static_cast<unsigned char>(text_[t]))) return false;
      } else if (c == '\\') {
        if (++p >= pattern_.size() || pattern_[p] != text_[t]) return false;
      } else if (c != text_[t]) {
        return false;
      }
    }
    return t == text_.size();
  }

 private:
  bool match_star(std::size_t p, std::size_t t) {
    std::size_t next = p;
    while (next < pattern_.size() && pattern_[next] == '*') ++next;
    bool over_slashes = !pathname_;
    if (pathname_ && next - p >= 2) {
      const bool begins = p == 0 || pattern_[p - 1] == '/';
      const bool ends = next == pattern_.size() || pattern_[next] == '/' || pattern_.substr(next).starts_with("\\/");
      over_slashes = begins && ends;
      // "**/" is also no folder at all.
      if (over_slashes && next < pattern_.size() && pattern_[next] == '/' && once(next + 1, t)) return true;
    }
    if (next == pattern_.size()) return over_slashes || text_.find('/', t) == std::string_view::npos;
    for (; t <= text_.size(); ++t) {
      if (once(next, t)) return true;
      if (t < text_.size() && text_[t] == '/' && !over_slashes) return false;
    }
    return false;
  }

  /// match(), remembering what has failed: many stars must not take exponential time.
  bool once(std::size_t p, std::size_t t) {
    if (failed_.empty()) failed_.resize((pattern_.size() + 1) * (text_.size() + 1), false);
    const std::size_t at = p * (text_.size() + 1) + t;
    if (failed_[at]) return false;
    if (match(p, t)) return true;
    failed_[at] = true;
    return false;
  }

  /// [...] at `p`, which moves to its closing bracket. An unclosed one matches nothing.
  bool match_set(std::size_t& p, unsigned char c) {
    std::size_t at = p + 1;
    const bool negated = at < pattern_.size() && (pattern_[at] == '!' || pattern_[at] == '^');
    at += negated;
    bool found = false;
    const std::size_t first = at;
    for (;; ++at) {
      if (at >= pattern_.size()) return false;
      if (pattern_[at] == ']' && at > first) break;
      if (pattern_.substr(at).starts_with("[:")) {
        const std::size_t end = pattern_.find(":]", at + 2);
        if (end != std::string_view::npos) {
          found = found || in_class(pattern_.substr(at + 2, end - at - 2), c);
          at = end + 1;
          continue;
        }
      }
      if (pattern_[at] == '\\' && ++at >= pattern_.size()) return false;
      const auto low = static_cast<unsigned char>(pattern_[at]);
      auto high = low;
      if (at + 2 < pattern_.size() && pattern_[at + 1] == '-' && pattern_[at + 2] != ']') {
        at += 2;
        if (pattern_[at] == '\\' && ++at >= pattern_.size()) return false;
        high = static_cast<unsigned char>(pattern_[at]);
      }
      found = found || (c >= low && c <= high);
    }
    p = at;
    return found != negated && !(pathname_ && c == '/');
  }

  std::string_view pattern_, text_;
  bool pathname_;
  std::vector<bool> failed_;
};

/// A line without its unescaped spaces at the end.
std::string_view trimmed(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\\') ++at;
    else if (line[at] == ' ') continue;
    end = at + 1;
  }
  return line.substr(0, std::min(end, line.size()));
}

}  // namespace

bool wild_match(std::string_view pattern, std::string_view text, bool pathname) { return Matcher(pattern, text, pathname).match(0, 0); }

IgnoreFile::IgnoreFile(std::string_view content, std::string folder) : folder_(std::move(folder)) {
  if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    std::string_view line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    line = trimmed(line);
    Rule rule;
    if (line.starts_with('!')) {
      rule.negated = true;
      line.remove_prefix(1);
    }
    if (line.ends_with('/')) {
      rule.folders_only = true;
      line.remove_suffix(1);
    }
    if (line.empty()) continue;
    rule.by_name = line.find('/') == std::string_view::npos;
    if (line.starts_with('/')) line.remove_prefix(1);
    rule.literal = line.find_first_of("*?[\\") == std::string_view::npos;
    rule.pattern = line;
    rules_.push_back(std::move(rule));
  }
}

std::optional<bool> IgnoreFile::decide(std::string_view path, bool is_folder) const {
  const std::string_view inside = path.substr(folder_.size());
  const std::string_view name = path.substr(path.rfind('/') + 1);
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (rule->folders_only && !is_folder) continue;
    const std::string_view text = rule->by_name ? name : inside;
    if (rule->literal ? text == rule->pattern : wild_match(rule->pattern, text, !rule->by_name)) return !rule->negated;
  }
  return std::nullopt;
}

bool is_ignored(const IgnoreChain* chain, std::string_view path, bool is_folder) {
  for (; chain; chain = chain->above.get()) {
    if (const auto decision = chain->file.decide(path, is_folder)) return *decision;
  }
  return false;
}

}  // namespace app
