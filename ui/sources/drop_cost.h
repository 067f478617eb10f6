#pragma once

#include <QString>

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <vector>

namespace ui {

/// What files and folders would take in a prompt, guessed before anything is read in: four bytes of
/// text to a token, pages of a PDF by their usual length.
struct DropCost {
  std::int64_t n_files = 0;
  std::int64_t n_pages = 0;        // of PDFs whose pages could be counted
  std::int64_t n_unknown = 0;      // PDFs whose pages could not
  std::int64_t tokens = 0;
  bool complete = true;            // false: there was more than could be looked at
};

/// Folders as git sees them. Reads names, sizes and at most 32 MiB of each PDF. Any thread.
DropCost cost_of_paths(const std::vector<std::filesystem::path>& paths, std::stop_token stop);

/// "3 files, about 12 000 tokens".
QString drop_cost_text(const DropCost& cost);

}  // namespace ui
