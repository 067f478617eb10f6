#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "app/project/project.h"

namespace app {

struct IngestProgress {
  std::string what;               // "report.pdf" or a path in the tree
  std::int64_t n_done = 0;        // pages or files
  std::int64_t n_total = 0;       // 0: not known yet
  std::int64_t n_bytes = 0;
};

/// Called on the thread that runs `ingest`, at most 20 times a second.
using IngestObserver = std::function<void(const IngestProgress&)>;

struct IngestOptions {
  std::filesystem::path worker;   // longleaf-cli, which runs the PDF worker process; empty: beside this program
  std::int64_t max_file_bytes = 1 << 20;  // larger files of a tree are left out and listed
};

/// Reads a PDF, a text file or a code tree into the project. What cannot be read is an error with
/// what, where, why and what to do; parts read before a cancel stay. Any thread; uses its own process
/// for PDFs, so that a broken one cannot take this process down.
Result<DocumentId> ingest(Project& project, const std::filesystem::path& path, const IngestOptions& options,
                          const IngestObserver& observer, std::stop_token stop);

}  // namespace app
