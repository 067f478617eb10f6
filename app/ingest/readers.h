#pragma once

#include "app/document/rich_text.h"
#include "app/document/worker_process.h"
#include "app/ingest/ingest.h"

namespace app {

/// What one ingest works on: the same for all kinds of document.
struct IngestJob {
  Project& project;
  const std::filesystem::path& path;
  const IngestOptions& options;
  const IngestObserver& observer;
  std::stop_token stop;
};

Result<DocumentId> ingest_pdf(const IngestJob& job, const Descriptor& file);
Result<DocumentId> ingest_rich(const IngestJob& job, const Descriptor& file, RichFormat format);
Result<DocumentId> ingest_text_file(const IngestJob& job, const Descriptor& file);
Result<DocumentId> ingest_tree(const IngestJob& job);
/// The diff of a working tree against IngestOptions::changes_since.
Result<DocumentId> ingest_changes(const IngestJob& job);

/// What happens to a document that is read in again: nothing but its path and title when its bytes
/// are the same and the file it came from has gone.
Result<void> relink_if_moved(const IngestJob& job, const Document& known);

/// Of the documents, the one read from this path before.
const Document* known_by_path(const std::vector<Document>& documents, DocumentKind kind, const std::filesystem::path& path);
const Document* known_by_content(const std::vector<Document>& documents, DocumentKind kind, const std::string& hash);

/// Hash of an open file's bytes, as text; leaves the position where it was.
Result<std::string> hash_of(const Descriptor& file, const std::filesystem::path& path, std::stop_token stop);
std::string hash_of(std::string_view bytes);

}  // namespace app
