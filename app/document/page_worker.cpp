#include "app/document/page_worker.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "app/document/confinement.h"
#include "app/document/page_builder.h"
#include "app/document/page_frames.h"
#include "app/document/pdf_document.h"
#include "app/document/rich_text.h"
#include "app/document/running_heads.h"

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

constexpr std::uint64_t kTextMemory = 512ull << 20;
constexpr std::uint64_t kPictureMemory = 1024ull << 20;
constexpr unsigned kTextCpuSeconds = 300;
constexpr unsigned kPictureCpuSeconds = 3600;
constexpr int kAhead = 5;   // pages read beyond the one that is built: for running heads and style
constexpr int kBehind = 3;

/// The file on `descriptor`, mapped. A file that is cut meanwhile ends this process, and only it.
Result<std::string_view> map_file(int descriptor) {
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) return Error{ErrorCode::kInvalidInput, "This is not a file that can be read."};
  if (facts.st_size == 0) return std::string_view();
  const auto n_bytes = static_cast<std::size_t>(facts.st_size);
  void* bytes = ::mmap(nullptr, n_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (bytes == MAP_FAILED) return Error{ErrorCode::kIo, "The file cannot be read into memory. Close other programs and try again."};
  return std::string_view(static_cast<const char*>(bytes), n_bytes);
}

int fail(const Error& error) {
  write_frame(STDOUT_FILENO, FrameKind::kError, encode_error(error));
  return 1;
}

/// Reads the pages of a range with a few around it, and sends each as soon as those after it are known.
class Extraction {
 public:
  Extraction(const PdfDocument& pdf, std::set<int> plain, std::set<int> skipped) : pdf_(pdf), plain_(std::move(plain)), skipped_(std::move(skipped)) {
    for (const OutlineEntry& entry : pdf.outline()) style_.outline.try_emplace(heading_key(entry.title), std::min(entry.level, 6));
  }

  bool run(int first, int last) {
    int next_read = std::max(1, first - kBehind);
    for (int page = first; page <= last; ++page) {
      for (; next_read <= std::min(page + kAhead, pdf_.n_pages()); ++next_read) read(next_read);
      while (!window_.empty() && window_.front().number < page - kBehind) window_.pop_front();
      if (!send(page)) return false;
    }
    return true;
  }

 private:
  void read(int number) {
    RawPage raw;
    raw.number = number;
    raw.label = std::to_string(number);
    if (skipped_.contains(number)) {
      raw.note = "this page could not be read: the PDF reader failed on it";
    } else {
      write_frame(STDOUT_FILENO, FrameKind::kReading, encode_number(number));
      Result<RawPage> result = pdf_.read(number, !plain_.contains(number));
      if (result) {
        raw = std::move(*result);
        if (plain_.contains(number)) raw.note = "read without fonts, because they are damaged";
      } else {
        raw.note = result.error().message;
      }
    }
    learn_style(raw, style_, bytes_by_size_);
    window_.push_back(std::move(raw));
  }

  bool send(int number) {
    const auto at = std::find_if(window_.begin(), window_.end(), [&](const RawPage& page) { return page.number == number; });
    std::vector<const RawPage*> neighbours;
    for (const RawPage& page : window_) {
      if (page.number != number) neighbours.push_back(&page);
    }
    RawPage page = *at;  // the one in the window keeps its heads: the pages after it compare with them
    const std::string margins = take_running_heads(page, neighbours);
    report_hidden(page, neighbours);
    return write_frame(STDOUT_FILENO, FrameKind::kPage, encode_page({number, page.label, build_page(page, margins, style_)}));
  }

  /// Programs that draw a long text page by page let the lines of the next page lie beyond this one:
  /// what is printed on a neighbour is not hidden.
  static void report_hidden(RawPage& page, const std::vector<const RawPage*>& neighbours) {
    if (page.hidden_note.empty()) return;
    std::set<std::string> printed;
    for (const RawPage* neighbour : neighbours) {
      if (std::abs(neighbour->number - page.number) > 1) continue;
      for (const RawWord& word : neighbour->words) printed.insert(word.text);
    }
    std::istringstream words(page.hidden);
    int n_words = 0, n_printed = 0;
    for (std::string word; words >> word; ++n_words) n_printed += printed.contains(word);
    if (page.hidden_is_outside && n_printed * 10 >= n_words * 9) {
      page.hidden.clear();
    } else {
      page.note += (page.note.empty() ? "" : "; ") + page.hidden_note;
    }
  }

  const PdfDocument& pdf_;
  std::set<int> plain_, skipped_;
  DocumentStyle style_;
  std::map<int, std::int64_t> bytes_by_size_;
  std::deque<RawPage> window_;
};

}  // namespace

int run_extract_worker(int argc, char** argv) {
  std::vector<int> range;
  std::set<int> plain, skipped;
  for (int i = 1; i < argc; ++i) {
    const char* argument = argv[i];
    if (std::strncmp(argument, "plain=", 6) == 0) {
      plain.insert(std::atoi(argument + 6));
    } else if (std::strncmp(argument, "skip=", 5) == 0) {
      skipped.insert(std::atoi(argument + 5));
    } else if (std::isdigit(static_cast<unsigned char>(*argument))) {
      range.push_back(std::atoi(argument));
    }
  }
  if (range.size() != 2) {
    std::fputs("extract-pages FIRST LAST, with the PDF on standard input; used by longleaf itself.\n", stderr);
    return 2;
  }
  const Result<std::string_view> bytes = map_file(STDIN_FILENO);
  if (!bytes) return fail(bytes.error());
  // Text needs no fonts of this system; to look for them costs a third of the time.
  ::setenv("FONTCONFIG_SYSROOT", "/dev/null", 1);
  DocumentFacts facts;
  facts.confinement = confine_worker(kTextMemory + bytes->size(), kTextCpuSeconds);
  Result<PdfDocument> pdf = PdfDocument::open(*bytes);
  if (!pdf) return fail(pdf.error());
  facts.n_pages = pdf->n_pages();
  facts.title = pdf->title();
  if (!write_frame(STDOUT_FILENO, FrameKind::kDocument, encode_facts(facts))) return 1;
  const int last = range[1] == 0 ? facts.n_pages : std::min(range[1], facts.n_pages);
  if (!Extraction(*pdf, std::move(plain), std::move(skipped)).run(std::max(range[0], 1), last)) return 1;
  write_frame(STDOUT_FILENO, FrameKind::kDone, "");
  return 0;
}

int run_text_worker(int argc, char** argv) {
  std::optional<RichFormat> format;
  for (const auto& [name, each] : {std::pair("html", RichFormat::kHtml), std::pair("word", RichFormat::kWord), std::pair("epub", RichFormat::kEpub)}) {
    if (argc == 2 && std::strcmp(argv[1], name) == 0) format = each;
  }
  if (!format) {
    std::fputs("extract-text html|word|epub, with the document on standard input; used by longleaf itself.\n", stderr);
    return 2;
  }
  const Result<std::string_view> bytes = map_file(STDIN_FILENO);
  if (!bytes) return fail(bytes.error());
  DocumentFacts facts;
  facts.confinement = confine_worker(kTextMemory + bytes->size(), kTextCpuSeconds);
  Result<RichDocument> document = read_rich(*format, *bytes);
  if (!document) return fail(document.error());
  facts.n_pages = static_cast<std::int32_t>(document->parts.size());
  facts.title = document->title;
  if (!write_frame(STDOUT_FILENO, FrameKind::kDocument, encode_facts(facts))) return 1;
  std::int32_t number = 0;
  for (RichPart& part : document->parts) {
    if (!write_frame(STDOUT_FILENO, FrameKind::kPage, encode_page({++number, part.name, std::move(part.text)}))) return 1;
  }
  write_frame(STDOUT_FILENO, FrameKind::kDone, "");
  return 0;
}

int run_render_worker(int, char**) {
  const Result<std::string_view> bytes = map_file(3);
  if (!bytes) return fail(bytes.error());
  confine_worker(kPictureMemory + bytes->size(), kPictureCpuSeconds);
  Result<PdfDocument> pdf = PdfDocument::open(*bytes);
  if (!pdf) return fail(pdf.error());
  int page = 0;
  double dots_per_inch = 0;
  while (std::cin >> page >> dots_per_inch) {
    const Result<PagePicture> picture = pdf->draw(page, dots_per_inch);
    std::string payload;
    if (picture) {
      payload = encode_number(picture->width) + encode_number(picture->height);
      payload.append(reinterpret_cast<const char*>(picture->rgba.data()), picture->rgba.size());
    }
    const bool sent = picture ? write_frame(STDOUT_FILENO, FrameKind::kPicture, payload) : write_frame(STDOUT_FILENO, FrameKind::kError, encode_error(picture.error()));
    if (!sent) return 1;
  }
  return 0;
}

}  // namespace app
