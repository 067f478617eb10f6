#include "app/ingest/ingest.h"

#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "app/document/file_rules.h"
#include "app/document/text_file.h"
#include "app/ingest/part_writer.h"
#include "app/ingest/readers.h"

namespace app {
namespace {

std::string text_of(const XXH128_hash_t& hash) {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64), static_cast<unsigned long long>(hash.low64));
  return text;
}

struct HashCloser {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

Error with_name(const std::filesystem::path& path, const Error& error) {
  if (error.message.starts_with(path.string())) return error;
  return {error.code, path.string() + ": " + error.message};
}

Result<std::string> read_all(const Descriptor& file, const std::filesystem::path& path, std::int64_t max_bytes) {
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return Error{ErrorCode::kIo, path.string() + " cannot be read: " + std::strerror(errno) + "."};
  if (facts.st_size > max_bytes) {
    return Error{ErrorCode::kUnsupported, path.string() + " is larger than " + std::to_string(max_bytes >> 20) + " MiB, too large for one text. Split it into parts."};
  }
  std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
  std::size_t n = 0;
  while (n < bytes.size()) {
    const ssize_t got = ::pread(file.get(), bytes.data() + n, bytes.size() - n, static_cast<off_t>(n));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{ErrorCode::kIo, path.string() + " cannot be read: " + std::strerror(errno) + "."};
    if (got == 0) break;
    n += static_cast<std::size_t>(got);
  }
  bytes.resize(n);
  return bytes;
}

constexpr std::int64_t kMaxTextFile = 64 << 20;

}  // namespace

std::string hash_of(std::string_view bytes) { return text_of(XXH3_128bits(bytes.data(), bytes.size())); }

Result<std::string> hash_of(const Descriptor& file, const std::filesystem::path& path, std::stop_token stop) {
  const std::unique_ptr<XXH3_state_t, HashCloser> state(XXH3_createState());
  CHECK(state);
  XXH3_128bits_reset(state.get());
  std::string buffer(1 << 20, '\0');
  for (off_t at = 0;;) {
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "Stopped."};
    const ssize_t n = ::pread(file.get(), buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{ErrorCode::kIo, path.string() + " cannot be read: " + std::strerror(errno) + "."};
    if (n == 0) break;
    XXH3_128bits_update(state.get(), buffer.data(), static_cast<std::size_t>(n));
    at += n;
  }
  return text_of(XXH3_128bits_digest(state.get()));
}

const Document* known_by_path(const std::vector<Document>& documents, DocumentKind kind, const std::filesystem::path& path) {
  const auto found = std::find_if(documents.begin(), documents.end(), [&](const Document& each) { return each.kind == kind && each.path == path.string(); });
  return found == documents.end() ? nullptr : &*found;
}

const Document* known_by_content(const std::vector<Document>& documents, DocumentKind kind, const std::string& hash) {
  const auto found = std::find_if(documents.begin(), documents.end(), [&](const Document& each) { return each.kind == kind && each.content_hash == hash; });
  return found == documents.end() ? nullptr : &*found;
}

Result<void> relink_if_moved(const IngestJob& job, const Document& known) {
  std::error_code ignored;
  if (known.path == job.path.string() || std::filesystem::exists(known.path, ignored)) return {};
  DocumentChange change;
  change.content_hash = known.content_hash;
  change.path = job.path.string();
  change.title = job.path.filename().string();
  change.n_expected_parts = known.n_expected_parts;
  return job.project.change_document(known.id, change);
}

Result<DocumentId> ingest_text_file(const IngestJob& job, const Descriptor& file) {
  TRY_ASSIGN(const std::string bytes, read_all(file, job.path, kMaxTextFile));
  if (bytes.empty()) return Error{ErrorCode::kInvalidInput, "The file is empty. Save or fetch it again."};
  const std::string name = job.path.filename().string();
  if (const std::string reason = left_out_by_content("text", bytes); !reason.empty()) {
    return Error{ErrorCode::kUnsupported, "This kind of file cannot be read (" + reason + "). Longleaf reads PDF, Word (.docx), EPUB, HTML, plain text, Markdown, source files and folders; export the document as one of these."};
  }
  TRY_ASSIGN(const std::vector<Document> documents, job.project.documents());
  const std::string hash = hash_of(bytes);
  if (const Document* known = known_by_content(documents, DocumentKind::kTextFile, hash); known && known->finished) {
    TRY(relink_if_moved(job, *known));
    return known->id;
  }
  DecodedText decoded = decode_text(bytes);
  Document document;
  document.kind = DocumentKind::kTextFile;
  document.title = name;
  document.path = job.path.string();
  document.content_hash = hash;
  document.n_expected_parts = 1;
  Part part;
  part.ordinal = 1;
  part.name = name;
  part.language = language_of(name, std::string_view(decoded.text).substr(0, decoded.text.find('\n')));
  part.content_hash = hash;
  const bool prose = part.language.empty() || is_prose(part.language);
  PartText text = prose ? prose_part(std::move(decoded.text), part.language == "Markdown") : code_part(std::move(decoded.text));
  if (decoded.encoding != "UTF-8") text.note = "read as " + decoded.encoding;
  ProgressTeller teller(job.observer, name);
  teller.progress.n_done = teller.progress.n_total = 1;
  teller.progress.n_bytes = static_cast<std::int64_t>(bytes.size());
  DocumentId id = 0;
  if (const Document* earlier = known_by_path(documents, DocumentKind::kTextFile, job.path)) {
    id = earlier->id;
    DocumentChange change{{{part, text}}, {}, {}, {}, hash, document.path, document.title, 1};
    TRY_ASSIGN(const std::vector<Part> old_parts, job.project.parts(id));
    for (const Part& old_part : old_parts) change.gone.push_back(old_part.id);
    TRY(job.project.change_document(id, change));
  } else {
    TRY_ASSIGN(id, job.project.add_document(document));
    TRY(job.project.add_parts(id, {{part, text}}));
  }
  TRY(job.project.finish_document(id, text.note));
  teller.tell(/*always=*/true);
  return id;
}

Result<DocumentId> ingest(Project& project, const std::filesystem::path& path, const IngestOptions& options, const IngestObserver& observer, std::stop_token stop) {
  if (project.read_only()) return Error{ErrorCode::kIo, project.read_only_reason() + " Nothing can be read into it here."};
  std::error_code failed;
  std::filesystem::path whole = std::filesystem::canonical(path, failed);
  if (failed) return Error{ErrorCode::kNotFound, path.string() + " does not exist or cannot be reached. Check the path."};
  const IngestJob job{project, whole, options, observer, stop};
  const auto read = [&]() -> Result<DocumentId> {
    if (std::filesystem::is_directory(whole, failed)) return options.changes_since.empty() ? ingest_tree(job) : ingest_changes(job);
    TRY_ASSIGN(const Descriptor file, open_regular_file(whole));
    char head[1024] = {};
    const ssize_t n = ::pread(file.get(), head, sizeof head, 0);
    const std::string_view beginning(head, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    const std::string extension = whole.extension().string();
    if (beginning.find("%PDF-") != std::string_view::npos || extension == ".pdf" || extension == ".PDF") return ingest_pdf(job, file);
    if (const auto format = rich_format_of(beginning, extension)) return ingest_rich(job, file, *format);
    return ingest_text_file(job, file);
  };
  Result<DocumentId> id = read();
  if (!id) return with_name(path, id.error());
  return id;
}

}  // namespace app
