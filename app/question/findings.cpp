#include "app/question/findings.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "app/question/quote_match.h"
#include "app/question/source_names.h"

namespace app {
namespace {

constexpr std::int32_t kLinesAround = 3;  // models count lines a little wrong

struct Item {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

struct Place {
  std::string path;
  std::int32_t first_line = 0;
  std::int32_t last_line = 0;
};

bool is_path_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '.' || c == '_' || c == '-' || c == '+'; }

std::size_t indent_of(std::string_view line) { return std::min(line.find_first_not_of(" \t"), line.size()); }

/// Does a new finding begin with this line? List items and headings at the outer level do.
bool begins_item(std::string_view line) {
  if (indent_of(line) > 1) return false;
  line.remove_prefix(indent_of(line));
  if (line.starts_with("- ") || line.starts_with("* ") || line.starts_with("#")) return true;
  const std::size_t n_digits = std::min(line.find_first_not_of("0123456789"), line.size());
  return n_digits > 0 && n_digits <= 3 && (line.substr(n_digits).starts_with(". ") || line.substr(n_digits).starts_with(") "));
}

std::vector<Item> split_items(std::string_view answer) {
  std::vector<Item> items;
  bool in_code = false;
  for (std::size_t at = 0; at < answer.size();) {
    const std::size_t end = std::min(answer.find('\n', at), answer.size());
    const std::string_view line = answer.substr(at, end - at);
    if (line.substr(indent_of(line)).starts_with("```")) in_code = !in_code;
    if (!in_code && begins_item(line)) items.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)});
    else if (!items.empty()) items.back().end = static_cast<std::uint32_t>(end);
    at = end + 1;
  }
  return items;
}

std::optional<std::int32_t> number_at(std::string_view text, std::size_t& at) {
  std::int32_t number = 0;
  const auto [end, fault] = std::from_chars(text.data() + at, text.data() + text.size(), number);
  if (fault != std::errc() || number <= 0) return std::nullopt;
  at = static_cast<std::size_t>(end - text.data());
  return number;
}

/// The first "path:line" or "path:line-line" in a text.
std::optional<Place> find_place(std::string_view text) {
  for (std::size_t colon = text.find(':'); colon != std::string_view::npos; colon = text.find(':', colon + 1)) {
    std::size_t begin = colon;
    while (begin > 0 && is_path_character(text[begin - 1])) --begin;
    const std::string_view path = text.substr(begin, colon - begin);
    std::size_t at = colon + 1;
    if (path.find_first_of("./") == std::string_view::npos || at >= text.size()) continue;
    const auto first = number_at(text, at);
    if (!first) continue;
    Place place{std::string(path), *first, *first};
    if (at + 1 < text.size() && text[at] == '-') {
      ++at;
      if (const auto last = number_at(text, at); last && *last >= *first) place.last_line = *last;
    }
    return place;
  }
  return std::nullopt;
}

Severity severity_of(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, Severity>, 14> kWords = {{{"critical", Severity::kError}, {"error", Severity::kError}, {"high", Severity::kError},
      {"severe", Severity::kError}, {"bug", Severity::kError}, {"blocker", Severity::kError}, {"warning", Severity::kWarning}, {"medium", Severity::kWarning},
      {"major", Severity::kWarning}, {"minor", Severity::kNote}, {"low", Severity::kNote}, {"note", Severity::kNote}, {"info", Severity::kNote}, {"style", Severity::kNote}}};
  const std::size_t begin = std::min(text.find_first_not_of("#-*0123456789.) [("), text.size());
  std::string word;
  for (std::size_t at = begin; at < text.size() && std::isalpha(static_cast<unsigned char>(text[at])) != 0; ++at) {
    word.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(text[at]))));
  }
  for (const auto& [name, severity] : kWords) {
    if (word == name) return severity;
  }
  return Severity::kWarning;
}

std::string title_of(std::string_view item) {
  std::string_view line = item.substr(0, item.find('\n'));
  line.remove_prefix(std::min(line.find_first_not_of("#-* \t"), line.size()));
  // Marks of emphasis go, but in code and between blanks a star is a star.
  std::string title;
  bool in_code = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool alone = i > 0 && i + 1 < line.size() && line[i - 1] == ' ' && line[i + 1] == ' ';
    if (line[i] == '`') in_code = !in_code;
    else if (line[i] != '*' || in_code || alone) title.push_back(line[i]);
  }
  return title;
}

/// Code in a fence, else the longest piece between back quotes that is no path with a line.
std::string quoted_code(std::string_view item) {
  if (const std::size_t fence = item.find("```"); fence != std::string_view::npos) {
    const std::size_t begin = item.find('\n', fence);
    const std::size_t end = begin == std::string_view::npos ? begin : item.find("```", begin);
    if (end != std::string_view::npos && end > begin + 1) return std::string(item.substr(begin + 1, end - begin - 2));
  }
  std::string longest;
  for (std::size_t open = item.find('`'); open != std::string_view::npos;) {
    const std::size_t close = item.find('`', open + 1);
    if (close == std::string_view::npos) break;
    const std::string_view code = item.substr(open + 1, close - open - 1);
    if (code.size() > longest.size() && !find_place(code)) longest = code;
    open = item.find('`', close + 1);
  }
  return longest;
}

/// Bytes of lines [first, last] of a file, 1-based; false when it has not so many.
bool line_range(std::string_view text, std::int32_t first, std::int32_t last, std::size_t& begin, std::size_t& end) {
  std::int32_t line = 1;
  begin = 0;
  for (; line < first; ++line) {
    const std::size_t newline = text.find('\n', begin);
    if (newline == std::string_view::npos || newline + 1 >= text.size()) return false;
    begin = newline + 1;
  }
  end = begin;
  for (; line <= last; ++line) {
    if (end >= text.size()) return false;
    const std::size_t newline = text.find('\n', end);
    end = newline == std::string_view::npos ? text.size() : newline + 1;
  }
  return true;
}

std::int32_t count_lines(std::string_view text) {
  return static_cast<std::int32_t>(std::ranges::count(text, '\n')) + (text.empty() || text.ends_with('\n') ? 0 : 1);
}

class Checker {
 public:
  static Result<Checker> make(const Project& project) {
    Checker checker(project);
    TRY_ASSIGN(const auto documents, project.documents());
    for (const Document& document : documents) {
      if (document.kind == DocumentKind::kPdf) continue;
      TRY_ASSIGN(const auto parts, project.parts(document.id));
      for (const Part& part : parts) checker.files_[part.name] = part.id;
    }
    return checker;
  }

  Result<void> check(Finding& finding) const {
    const auto file = find(finding.path);
    if (!file) return {};
    finding.path = file->first;
    finding.part = file->second;
    TRY_ASSIGN(const PartText text, project_->part_text(finding.part));
    std::size_t begin = 0, end = 0;
    finding.place_exists = line_range(text.text, finding.first_line, finding.last_line, begin, end);
    if (finding.quote.empty()) return {};
    if (finding.place_exists) {
      const std::int32_t last = std::min(finding.last_line + kLinesAround, count_lines(text.text));
      line_range(text.text, std::max(1, finding.first_line - kLinesAround), last, begin, end);
    } else {
      return finding.check = QuoteCheck::kNotFound, Result<void>{};
    }
    finding.check = match_quote(finding.quote, std::string_view(text.text).substr(begin, end - begin)).check;
    return {};
  }

 private:
  explicit Checker(const Project& project) : project_(&project) {}

  /// The file of this name, or the only one whose path ends with it.
  std::optional<std::pair<std::string, PartId>> find(const std::string& path) const {
    if (const auto exact = files_.find(path); exact != files_.end()) return std::pair(exact->first, exact->second);
    std::optional<std::pair<std::string, PartId>> found;
    for (const auto& [name, part] : files_) {
      if (!name.ends_with("/" + path)) continue;
      if (found) return std::nullopt;
      found = std::pair(name, part);
    }
    return found;
  }

  const Project* project_;
  std::map<std::string, PartId> files_;
};

}  // namespace

Result<std::vector<Finding>> parse_findings(std::string_view answer, const PromptMap& map, const Project& project,
                                            const engine::PromptLayout& layout) {
  TRY_ASSIGN(const Checker checker, Checker::make(project));
  TRY_ASSIGN(const auto citations, find_citations(answer, map, project, layout));
  std::vector<Finding> findings;
  for (const Item& item : split_items(answer)) {
    const std::string_view text = answer.substr(item.begin, item.end - item.begin);
    auto place = find_place(text);
    if (!place) {
      // An anchor stands for the lines of its block: its label is "src/wal.cc:120-124".
      const auto cited = std::ranges::find_if(citations, [&](const Citation& one) { return one.in_prompt && one.begin >= item.begin && one.end <= item.end; });
      if (cited != citations.end()) place = find_place(cited->label);
    }
    if (!place) continue;
    Finding finding;
    finding.severity = severity_of(text);
    finding.title = title_of(text);
    const std::size_t newline = text.find('\n');
    if (newline != std::string_view::npos) finding.text = text.substr(newline + 1);
    finding.path = place->path;
    finding.first_line = place->first_line;
    finding.last_line = place->last_line;
    finding.quote = quoted_code(text);
    finding.begin = item.begin;
    finding.end = item.end;
    TRY(checker.check(finding));
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace app
