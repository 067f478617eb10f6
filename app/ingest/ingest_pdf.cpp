#include <algorithm>
#include <map>

#include "app/ingest/page_extractor.h"
#include "app/ingest/part_writer.h"
#include "app/ingest/readers.h"

namespace app {
namespace {

constexpr double kDoubtful = 0.6;
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
    } else if (confidence < kDoubtful) {
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

/// The document these bytes already are, finished or not.
Result<const Document*> find_known(const std::vector<Document>& documents, const std::string& hash) {
  for (const Document& each : documents) {
    if (each.kind == DocumentKind::kPdf && each.content_hash == hash) return &each;
  }
  return nullptr;
}

}  // namespace

Result<DocumentId> ingest_pdf(const IngestJob& job, const Descriptor& file) {
  TRY_ASSIGN(const std::string hash, hash_of(file, job.path, job.stop));
  TRY_ASSIGN(const std::vector<Document> documents, job.project.documents());
  TRY_ASSIGN(const Document* known, find_known(documents, hash));
  if (known && known->finished) return known->id;

  ExtractOptions options;
  TRY_ASSIGN(options.worker, find_worker(job.options.worker));
  ProgressTeller teller(job.observer, job.path.filename().string());
  PageNotes notes;
  DocumentId id = 0;
  if (known) {
    id = known->id;
    TRY_ASSIGN(const std::vector<Part> parts, job.project.parts(id));
    for (const Part& part : parts) {
      if (part.ordinal < 1) continue;
      options.done.resize(std::max(options.done.size(), static_cast<std::size_t>(part.ordinal) + 1));
      options.done[static_cast<std::size_t>(part.ordinal)] = true;
      notes.add(part.ordinal, part.note, part.confidence);
      ++teller.progress.n_done;
    }
  }
  std::optional<PartWriter> writer;
  ExtractSink sink;
  sink.on_document = [&](const DocumentFacts& facts) -> Result<void> {
    teller.progress.n_total = facts.n_pages;
    teller.tell(/*always=*/true);
    if (!known) {
      Document document;
      document.kind = DocumentKind::kPdf;
      document.title = job.path.filename().string();
      document.path = job.path.string();
      document.content_hash = hash;
      document.n_expected_parts = facts.n_pages;
      TRY_ASSIGN(id, job.project.add_document(document));
    }
    writer.emplace(job.project, id);
    return {};
  };
  sink.on_page = [&](PageFrame&& page) -> Result<void> {
    Part part;
    part.ordinal = page.number;
    part.name = page.label;
    notes.add(page.number, page.text.note, page.text.confidence);
    ++teller.progress.n_done;
    teller.progress.n_bytes += static_cast<std::int64_t>(page.text.text.size());
    TRY(writer->add(std::move(part), std::move(page.text)));
    teller.tell();
    return {};
  };
  const Result<void> extracted = extract_pages(file, options, sink, job.stop);
  if (writer) TRY(writer->flush());
  TRY(extracted);
  TRY(job.project.finish_document(id, notes.text()));
  teller.tell(/*always=*/true);
  return id;
}

}  // namespace app
