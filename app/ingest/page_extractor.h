#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>
#include <vector>

#include "app/document/page_frames.h"
#include "app/document/worker_process.h"

namespace app {

struct ExtractOptions {
  std::filesystem::path worker;     // the program to start
  int n_workers = 2;
  int page_timeout_ms = 30'000;     // a page that takes longer is given up
  std::vector<bool> done;           // by page number: pages that are not wanted (again)
};

/// What the pages go to, all on the calling thread. An error of theirs ends the extraction.
struct ExtractSink {
  std::function<engine::Result<void>(const DocumentFacts&)> on_document;  // once, before any page
  std::function<engine::Result<void>(PageFrame&&)> on_page;               // in any order, each page once
};

/// Reads a PDF with worker processes. A page that crashes or hangs its worker is tried once more
/// without fonts, then skipped with a note; all other pages come. An error means that the document
/// as a whole cannot be read, or `stop`.
engine::Result<void> extract_pages(const Descriptor& pdf, const ExtractOptions& options, const ExtractSink& sink, std::stop_token stop);

}  // namespace app
