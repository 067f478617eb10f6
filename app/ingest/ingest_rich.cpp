// HTML, Word and EPUB: their worker parses, this process stores what it sends.
#include <algorithm>
#include <map>

#include "app/document/part_codec.h"
#include "app/ingest/part_writer.h"
#include "app/ingest/readers.h"

namespace app {
namespace {

constexpr int kTimeoutMs = 60'000;

const char* argument_of(RichFormat format) {
  switch (format) {
    case RichFormat::kHtml:
      return "html";
    case RichFormat::kWord:
      return "word";
    case RichFormat::kEpub:
      return "epub";
  }
  return "";
}

using Parts = std::vector<std::pair<Part, PartText>>;

/// The parts as the worker sends them, every frame taken as hostile.
Result<Parts> read_parts(const IngestJob& job, const Descriptor& file, RichFormat format, ProgressTeller& teller) {
  TRY_ASSIGN(const std::filesystem::path worker, find_worker(job.options.worker));
  TRY_ASSIGN(WorkerProcess process, WorkerProcess::start(worker, {"extract-text", argument_of(format)}, file, /*with_requests=*/false));
  const Error failed{ErrorCode::kCorrupt, "The reader of this kind of document failed on it (crash, or too much memory or time). The file is damaged or made to do harm; export it again from its source."};
  const std::string title = job.path.filename().string();
  Parts parts;
  std::int32_t n_expected = 0;
  for (;;) {
    TRY_ASSIGN(const std::optional<Frame> frame, process.wait_for_frame(kTimeoutMs, job.stop));
    if (job.stop.stop_requested()) return Error{ErrorCode::kCancelled, "Stopped. Nothing of this document was kept."};
    if (!frame) return failed;
    if (frame->kind == FrameKind::kError) return decode_error(frame->payload);
    if (frame->kind == FrameKind::kDone && static_cast<std::int32_t>(parts.size()) == n_expected && n_expected > 0) return parts;
    if (frame->kind == FrameKind::kDocument && n_expected == 0) {
      TRY_ASSIGN(const DocumentFacts facts, decode_facts(frame->payload));
      n_expected = facts.n_pages;
      teller.progress.n_total = n_expected;
      continue;
    }
    if (frame->kind != FrameKind::kPage || frame->payload.size() > kMaxPageBytes) return failed;
    TRY_ASSIGN(PageFrame page, decode_page(frame->payload));
    if (page.number != static_cast<std::int32_t>(parts.size()) + 1 || page.number > n_expected) return failed;
    Part part;
    part.ordinal = page.number;
    part.name = n_expected == 1 ? title : title + ", " + page.label;
    part.language = "Markdown";
    part.content_hash = hash_of(page.text.text + '\0' + page.text.note);
    ++teller.progress.n_done;
    teller.progress.n_bytes += static_cast<std::int64_t>(page.text.text.size());
    teller.tell();
    parts.emplace_back(std::move(part), std::move(page.text));
  }
}

std::string note_of(const Parts& parts) {
  std::string note;
  for (const auto& [part, text] : parts) {
    if (!text.note.empty()) note += (note.empty() ? "" : "; ") + (parts.size() == 1 ? "" : part.name + ": ") + text.note;
  }
  return note;
}

/// What of the document as it is now the project has already.
DocumentChange change_from(const std::vector<Part>& old_parts, Parts parts) {
  std::multimap<std::string, PartId> by_hash;
  for (const Part& part : old_parts) by_hash.emplace(part.content_hash, part.id);
  DocumentChange change;
  for (auto& [part, text] : parts) {
    const auto same = by_hash.find(part.content_hash);
    if (same == by_hash.end()) {
      change.added.emplace_back(std::move(part), std::move(text));
      continue;
    }
    part.id = same->second;
    by_hash.erase(same);
    change.moved.push_back(std::move(part));
  }
  for (const auto& [hash, id] : by_hash) change.gone.push_back(id);
  return change;
}

}  // namespace

Result<DocumentId> ingest_rich(const IngestJob& job, const Descriptor& file, RichFormat format) {
  TRY_ASSIGN(const std::string hash, hash_of(file, job.path, job.stop));
  TRY_ASSIGN(const std::vector<Document> documents, job.project.documents());
  if (const Document* known = known_by_content(documents, DocumentKind::kTextFile, hash); known && known->finished) {
    TRY(relink_if_moved(job, *known));
    return known->id;
  }
  ProgressTeller teller(job.observer, job.path.filename().string());
  TRY_ASSIGN(Parts parts, read_parts(job, file, format, teller));
  const std::string note = note_of(parts);
  const Document* known = known_by_path(documents, DocumentKind::kTextFile, job.path);
  DocumentId id = known ? known->id : 0;
  std::vector<Part> old_parts;
  if (known) {
    TRY_ASSIGN(old_parts, job.project.parts(id));
  } else {
    Document document;
    document.kind = DocumentKind::kTextFile;
    document.title = job.path.filename().string();
    document.path = job.path.string();
    document.n_expected_parts = static_cast<std::int64_t>(parts.size());
    TRY_ASSIGN(id, job.project.add_document(document));
  }
  const auto n_parts = static_cast<std::int64_t>(parts.size());
  DocumentChange change = change_from(old_parts, std::move(parts));
  change.content_hash = hash;
  change.path = job.path.string();
  change.title = job.path.filename().string();
  change.n_expected_parts = n_parts;
  TRY(job.project.change_document(id, change));
  TRY(job.project.finish_document(id, note));
  teller.tell(/*always=*/true);
  return id;
}

}  // namespace app
