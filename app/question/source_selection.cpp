#include "app/question/source_selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

namespace app {
namespace {

bool parse_number(std::string_view text, std::int32_t& out) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  return fault == std::errc() && end == text.data() + text.size() && out > 0;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool glob_matches(const std::string& pattern, const std::string& name) { return fnmatch(pattern.c_str(), name.c_str(), 0) == 0; }

bool file_matches(const std::string& pattern, const std::string& path) {
  if (pattern.find('/') == std::string::npos) return glob_matches(pattern, std::filesystem::path(path).filename().string());
  return glob_matches(pattern, path);
}

/// A word of the filter and whether it met anything.
struct Wanted {
  std::string pattern;
  bool met = false;
};

std::vector<Wanted> wanted(const std::vector<std::string>& patterns) {
  std::vector<Wanted> all;
  for (const std::string& pattern : patterns) all.push_back({pattern});
  return all;
}

}  // namespace

Result<std::vector<std::pair<std::int32_t, std::int32_t>>> parse_pages(std::string_view pages) {
  std::vector<std::pair<std::int32_t, std::int32_t>> ranges;
  while (!pages.empty()) {
    const std::size_t comma = std::min(pages.find(','), pages.size());
    const std::string_view range = trimmed(pages.substr(0, comma));
    pages.remove_prefix(std::min(comma + 1, pages.size()));
    const std::size_t dash = range.find('-');
    std::int32_t first = 0, last = 0;
    const bool good = dash == std::string_view::npos
                          ? parse_number(range, first) && parse_number(range, last)
                          : parse_number(trimmed(range.substr(0, dash)), first) && parse_number(trimmed(range.substr(dash + 1)), last);
    if (!good || last < first) {
      return Error{ErrorCode::kInvalidInput, "\"" + std::string(range) + "\" is no range of pages; write them like 3-9,12."};
    }
    ranges.emplace_back(first, last);
  }
  return ranges;
}

Result<std::vector<PartId>> select_parts(const Project& project, const SourceFilter& filter) {
  TRY_ASSIGN(const auto ranges, parse_pages(filter.pages));
  TRY_ASSIGN(const auto documents, project.documents());
  auto titles = wanted(filter.documents);
  auto globs = wanted(filter.files);
  std::vector<bool> range_met(ranges.size(), false);
  const bool everything = ranges.empty() && globs.empty();

  std::vector<PartId> chosen;
  for (const Document& document : documents) {
    const auto title = std::ranges::find_if(titles, [&](const Wanted& one) { return glob_matches(one.pattern, document.title); });
    if (!titles.empty() && title == titles.end()) continue;
    if (title != titles.end()) title->met = true;
    TRY_ASSIGN(const auto parts, project.parts(document.id));
    for (const Part& part : parts) {
      bool take = everything;
      if (document.kind == DocumentKind::kPdf) {
        for (std::size_t i = 0; i < ranges.size(); ++i) {
          if (part.ordinal < ranges[i].first || part.ordinal > ranges[i].second) continue;
          range_met[i] = true;
          take = true;
        }
      } else {
        for (Wanted& glob : globs) {
          if (!file_matches(glob.pattern, part.name)) continue;
          glob.met = true;
          take = true;
        }
      }
      if (take) chosen.push_back(part.id);
    }
  }
  for (const auto* words : {&titles, &globs}) {
    for (const Wanted& one : *words) {
      if (!one.met) return Error{ErrorCode::kNotFound, "Nothing in the project is called \"" + one.pattern + "\"; look at its list of sources."};
    }
  }
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (!range_met[i]) return Error{ErrorCode::kNotFound, "No PDF among the chosen sources has a page " + std::to_string(ranges[i].first) + "."};
  }
  return chosen;
}

}  // namespace app
