#pragma once

#include <filesystem>
#include <stop_token>

#include "app/ingest/ingest.h"

namespace app::cli {

/// `ingest` with a progress line on standard error.
Result<DocumentId> ingest_path(Project& project, const std::filesystem::path& path, const IngestOptions& options, std::stop_token stop);

}  // namespace app::cli
