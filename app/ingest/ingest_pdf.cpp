#include <algorithm>
#include <map>
#include <optional>

#include "app/document/part_codec.h"
#include "app/ingest/page_extractor.h"
#include "app/ingest/part_writer.h"
#include "app/ingest/readers.h"
#include "app/ingest/recognise.h"

namespace app {
namespace {

constexpr std::size_t kMaxListedPages = 12;

/// "3, 7-9": page numbers as a person writes them.
std::string page_list(std::vector<int> pages) {
  std::sort(pages.begin(), pages.end());
  std::string text;
  std::size_t n_ranges = 0;
  for (std::size_t i = 0; i < pages.size(); ++n_ranges) {
    if (n_ranges == kMaxListedPages) return text + " and more";
    std::size_t end = i;
    while (end + 1 < pages.size() && pages[end + 1] == pages[end] + 1) ++end;
    text += (text.empty() ? "" : ", ") + std::to_string(pages[i]);
    if (end > i) text += "-" + std::to_string(pages[end]);
    i = end + 1;
  }
  return text;
}

/// What the user should know about the pages, in one note.
class PageNotes {
 public:
  void add(int number, const std::string& note, double confidence) {
    if (!note.empty()) {
      pages_[note].push_back(number);
    } else if (confidence < kDoubtfulPage) {
      pages_["the text is doubtful"].push_back(number);
    }
  }
  std::string text() const {
    std::string text;
    for (const auto& [note, pages] : pages_) {
      text += (text.empty() ? "" : "; ") + std::string(pages.size() == 1 ? "page " : "pages ") + page_list(pages) + ": " + note;
    }
    return text;
  }

 private:
  std::map<std::string, std::vector<int>> pages_;
};

/// What makes a page the same page when its document is read again.
std::string page_hash(const PartText& text) { return hash_of(text.text + '\0' + text.margins + '\0' + encode_words(text.words)); }

Part part_of(const PageFrame& page) {
  Part part;
  part.ordinal = page.number;
  part.name = page.label;
  part.content_hash = page_hash(page.text);
  return part;
}

/// Reads a PDF, whether new, half read or changed, and keeps the books.
class PdfReader {
 public:
  PdfReader(const IngestJob& job, std::string hash) : job_(job), hash_(std::move(hash)), teller_(job.observer, job.path.filename().string()) {
    teller_.progress.unit = IngestUnit::kPages;
  }

  Result<DocumentId> read_new(const Descriptor& file) { return read_on(file, nullptr); }

  /// `half`: what an earlier run has read of the same bytes; null: nothing.
  Result<DocumentId> read_on(const Descriptor& file, const Document* half) {
    ExtractOptions options;
    DocumentId id = 0;
    if (half) {
      id = half->id;
      TRY_ASSIGN(const std::vector<Part> parts, job_.project.parts(id));
      for (const Part& part : parts) note_as_done(part, options.done);
    }
    std::optional<PartWriter> writer;
    ExtractSink sink;
    sink.on_document = [&](const DocumentFacts& facts) -> Result<void> {
      begin(facts);
      if (!half) {
        TRY_ASSIGN(id, job_.project.add_document(document_of(facts)));
      }
      writer.emplace(job_.project, id);
      return {};
    };
    sink.on_page = [&](PageFrame&& page) -> Result<void> {
      count(page);
      Part part = part_of(page);
      return writer->add(std::move(part), std::move(page.text));
    };
    const Result<void> extracted = extract(file, options, sink);
    if (writer) TRY(writer->flush());
    TRY(extracted);
    return finish(id);
  }

  /// Pages that are pictures, of a document that is read.
  Result<DocumentId> recognise(DocumentId id) {
    TRY_ASSIGN(const std::string failure, recognise_pages(job_, id, teller_));
    TRY_ASSIGN(const std::vector<Part> parts, job_.project.parts(id));
    PageNotes notes;
    for (const Part& part : parts) notes.add(part.ordinal, part.note, part.confidence);
    const std::string note = notes.text();
    TRY(job_.project.finish_document(id, note + (failure.empty() || note.empty() ? "" : "; ") + failure));
    return id;
  }

  /// The file at a known path has other bytes now: pages that are the same keep their identity.
  Result<DocumentId> read_changed(const Descriptor& file, const Document& known) {
    TRY_ASSIGN(const std::vector<Part> old_parts, job_.project.parts(known.id));
    std::multimap<std::string, PartId> by_hash;
    for (const Part& part : old_parts) by_hash.emplace(part.content_hash, part.id);
    DocumentChange change{{}, {}, {}, {}, hash_, job_.path.string(), job_.path.filename().string(), 0};
    ExtractSink sink;
    sink.on_document = [&](const DocumentFacts& facts) -> Result<void> {
      begin(facts);
      change.n_expected_parts = facts.n_pages;
      return {};
    };
    sink.on_page = [&](PageFrame&& page) -> Result<void> {
      count(page);
      Part part = part_of(page);
      const auto same = by_hash.find(part.content_hash);
      if (same == by_hash.end()) {
        change.added.emplace_back(std::move(part), std::move(page.text));
        return {};
      }
      part.id = same->second;
      by_hash.erase(same);
      change.moved.push_back(std::move(part));
      return {};
    };
    TRY(extract(file, ExtractOptions(), sink));
    for (const auto& [content, id] : by_hash) change.gone.push_back(id);
    TRY(job_.project.change_document(known.id, change));
    return finish(known.id);
  }

 private:
  Result<void> extract(const Descriptor& file, ExtractOptions options, const ExtractSink& sink) {
    TRY_ASSIGN(options.worker, find_worker(job_.options.worker));
    return extract_pages(file, options, sink, job_.stop);
  }

  void note_as_done(const Part& part, std::vector<bool>& done) {
    if (part.ordinal < 1) return;
    done.resize(std::max(done.size(), static_cast<std::size_t>(part.ordinal) + 1));
    done[static_cast<std::size_t>(part.ordinal)] = true;
    notes_.add(part.ordinal, part.note, part.confidence);
    ++teller_.progress.n_done;
  }

  void begin(const DocumentFacts& facts) {
    teller_.progress.n_total = facts.n_pages;
    teller_.tell(/*always=*/true);
  }

  void count(const PageFrame& page) {
    notes_.add(page.number, page.text.note, page.text.confidence);
    ++teller_.progress.n_done;
    teller_.progress.n_bytes += static_cast<std::int64_t>(page.text.text.size());
    teller_.tell();
  }

  Document document_of(const DocumentFacts& facts) const {
    Document document;
    document.kind = DocumentKind::kPdf;
    document.title = job_.path.filename().string();
    document.path = job_.path.string();
    document.content_hash = hash_;
    document.n_expected_parts = facts.n_pages;
    return document;
  }

  Result<DocumentId> finish(DocumentId id) {
    TRY(job_.project.finish_document(id, notes_.text()));
    teller_.tell(/*always=*/true);
    if (!job_.options.recognise) return id;
    return recognise(id);
  }

  const IngestJob& job_;
  std::string hash_;
  ProgressTeller teller_;
  PageNotes notes_;
};

}  // namespace

Result<DocumentId> ingest_pdf(const IngestJob& job, const Descriptor& file) {
  TRY_ASSIGN(const std::string hash, hash_of(file, job.path, job.stop));
  TRY_ASSIGN(const std::vector<Document> documents, job.project.documents());
  PdfReader reader(job, hash);
  if (const Document* known = known_by_content(documents, DocumentKind::kPdf, hash)) {
    TRY(relink_if_moved(job, *known));
    if (known->finished) return job.options.recognise ? reader.recognise(known->id) : known->id;
    return reader.read_on(file, known);
  }
  const Document* earlier = known_by_path(documents, DocumentKind::kPdf, job.path);
  if (earlier && earlier->finished) return reader.read_changed(file, *earlier);
  return reader.read_new(file);
}

}  // namespace app
