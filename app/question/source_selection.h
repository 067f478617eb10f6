#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/project/project.h"

namespace app {

/// Which pages and files of a project, in words that can be typed or kept in a file.
struct SourceFilter {
  std::vector<std::string> documents;  // globs over titles; empty: all
  std::string pages;                   // page numbers of PDFs, from 1: "3-9,12"
  std::vector<std::string> files;      // globs over paths; one without a slash is held against the file's name alone
};

/// "3-9,12" as ranges, both ends included, as written. kInvalidInput says what is wrong.
Result<std::vector<std::pair<std::int32_t, std::int32_t>>> parse_pages(std::string_view pages);

/// The parts that the filter names, in the project's order. With pages only, files stay out, and the
/// other way round; with neither, everything goes in. A word of the filter that meets nothing is an error.
Result<std::vector<PartId>> select_parts(const Project& project, const SourceFilter& filter);

}  // namespace app
