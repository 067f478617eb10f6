#include <algorithm>

#include "app/document/file_rules.h"
#include "app/document/source_tree.h"
#include "app/document/text_file.h"
#include "app/ingest/part_writer.h"
#include "app/ingest/readers.h"

namespace app {
namespace {

/// Bytes that are no UTF-8 are shown as \xNN, so that no two names become one.
std::string shown_path(const std::string& path) {
  std::string shown;
  for (std::size_t at = 0; at < path.size();) {
    const auto byte = static_cast<unsigned char>(path[at]);
    std::size_t n = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 0;
    for (std::size_t i = 1; i < n; ++i) {
      if (at + i >= path.size() || (static_cast<unsigned char>(path[at + i]) & 0xC0) != 0x80) n = 0;
    }
    if (n == 0 || byte < 0x20 || byte == 0x7F) {
      char escape[5];
      std::snprintf(escape, sizeof escape, "\\x%02X", byte);
      shown += escape;
      ++at;
      continue;
    }
    shown.append(path, at, n);
    at += n;
  }
  return shown;
}

struct TreePart {
  Part part;
  PartText text;
};

/// The file as a part, or the reason why it is left out.
Result<TreePart> read_part(const SourceTree& tree, const TreeFile& file, std::int64_t max_bytes) {
  TRY_ASSIGN(const std::string bytes, tree.read(file.path, max_bytes));
  if (const std::string reason = left_out_by_content(file.path, bytes); !reason.empty()) return Error{ErrorCode::kUnsupported, reason};
  DecodedText decoded = decode_text(bytes);
  TreePart result;
  result.part.name = shown_path(file.path);
  result.part.content_hash = hash_of(bytes);
  result.part.language = language_of(file.path, std::string_view(decoded.text).substr(0, decoded.text.find('\n')));
  result.text = is_prose(result.part.language) ? prose_part(std::move(decoded.text), result.part.language == "Markdown") : code_part(std::move(decoded.text));
  if (decoded.encoding != "UTF-8") result.text.note = "read as " + decoded.encoding;
  return result;
}

}  // namespace

Result<DocumentId> ingest_tree(const IngestJob& job) {
  TRY_ASSIGN(const SourceTree tree, SourceTree::open(job.path));
  TRY_ASSIGN(const TreeListing listing, tree.list(job.options.max_file_bytes, job.stop));
  if (listing.files.empty()) {
    return Error{ErrorCode::kInvalidInput, "The folder has no text files to read (" + std::to_string(listing.left_out.size()) + " entries were left out). Choose another folder."};
  }
  Document document;
  document.kind = DocumentKind::kCodeTree;
  document.title = job.path.filename().string();
  document.path = job.path.string();
  document.n_expected_parts = static_cast<std::int64_t>(listing.files.size());
  TRY_ASSIGN(const DocumentId id, job.project.add_document(document));

  ProgressTeller teller(job.observer, document.title);
  teller.progress.n_total = document.n_expected_parts;
  std::vector<LeftOut> left_out;
  for (const TreeOmission& omission : listing.left_out) left_out.push_back({id, shown_path(omission.path), omission.reason});
  PartWriter writer(job.project, id);
  std::int32_t ordinal = 0;
  for (const TreeFile& file : listing.files) {
    if (job.stop.stop_requested()) {
      TRY(writer.flush());
      return Error{ErrorCode::kCancelled, "Stopped. The files read so far are kept."};
    }
    Result<TreePart> read = read_part(tree, file, job.options.max_file_bytes);
    teller.progress.what = shown_path(file.path);
    ++teller.progress.n_done;
    teller.progress.n_bytes += file.n_bytes;
    teller.tell();
    if (!read) {
      left_out.push_back({id, shown_path(file.path), read.error().message});
      continue;
    }
    read->part.ordinal = ++ordinal;
    TRY(writer.add(std::move(read->part), std::move(read->text)));
  }
  TRY(writer.flush());
  TRY(job.project.add_left_out(left_out));
  TRY(job.project.finish_document(id, ""));
  teller.tell(/*always=*/true);
  return id;
}

}  // namespace app
