#include "app/ingest/recognise.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include <poll.h>

#include "app/document/page_builder.h"
#include "app/document/page_pictures.h"
#include "app/document/text_clean.h"

namespace app {
namespace {

constexpr double kDotsPerInch = 300;
constexpr int kMaxDots = 6000;             // of the longer side: larger sheets are drawn coarser
constexpr auto kPageTime = std::chrono::seconds(120);
constexpr ProcessLimits kLimits{2ull << 30, 120, 32};  // of one page
constexpr std::size_t kMaxOutput = 16u << 20;
constexpr double kLeastConfidence = 20;    // of 100: below, a word is dirt on the paper

/// The picture in shades of grey as a file without a name.
Descriptor grey_file(const PagePicture& picture) {
  Descriptor file(::memfd_create("page", MFD_CLOEXEC));
  std::string bytes = "P5 " + std::to_string(picture.width) + " " + std::to_string(picture.height) + " 255\n";
  const std::size_t n_pixels = static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height);
  bytes.reserve(bytes.size() + n_pixels);
  for (std::size_t i = 0; i < n_pixels; ++i) {
    const std::uint8_t* pixel = picture.rgba.data() + 4 * i;
    bytes += static_cast<char>((pixel[0] * 30 + pixel[1] * 59 + pixel[2] * 11) / 100);
  }
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t n = ::write(file.get(), bytes.data() + at, bytes.size() - at);
    if (n <= 0) return Descriptor();
    at += static_cast<std::size_t>(n);
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

/// All that a process prints; fails when it takes too long, prints too much, or is stopped.
Result<std::string> output_of(WorkerProcess& process, std::stop_token stop) {
  std::string output;
  const auto end = std::chrono::steady_clock::now() + kPageTime;
  for (;;) {
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "Stopped. The pages recognised so far are kept."};
    if (std::chrono::steady_clock::now() > end || output.size() > kMaxOutput) return Error{ErrorCode::kIo, "text recognition took too long"};
    struct pollfd wait {process.output(), POLLIN, 0};
    if (::poll(&wait, 1, 50) <= 0) continue;
    std::array<char, 1 << 14> bytes;
    const ssize_t n = ::read(process.output(), bytes.data(), bytes.size());
    if (n <= 0) return output;
    output.append(bytes.data(), static_cast<std::size_t>(n));
  }
}

std::string find_tesseract() {
  for (const char* program : {"/usr/bin/tesseract", "/usr/local/bin/tesseract", "/bin/tesseract"}) {
    if (::access(program, X_OK) == 0) return program;
  }
  return "";
}

bool is_language(const std::string& name) {
  return !name.empty() && name.size() < 64 && name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_+") == std::string::npos;
}

Result<PartText> recognise(const IngestJob& job, const std::string& program, PagePictures& pictures, int page) {
  auto picture = pictures.draw(page, kDotsPerInch);
  double dots_per_inch = kDotsPerInch;
  if (picture && std::max(picture->width, picture->height) > kMaxDots) {
    dots_per_inch = kDotsPerInch * kMaxDots / std::max(picture->width, picture->height);
    picture = pictures.draw(page, dots_per_inch);
  }
  if (!picture) return picture.error();
  const Descriptor file = grey_file(*picture);
  if (!file) return Error{ErrorCode::kOutOfMemory, "there was not enough memory for a picture of the page"};
  // One thread: pages come one after the other, and the rest of the machine is for the user.
  const std::vector<std::string> arguments{"OMP_THREAD_LIMIT=1", program, "stdin", "stdout", "-l", job.options.recognise_language, "--dpi", std::to_string(std::lround(dots_per_inch)), "tsv"};
  TRY_ASSIGN(WorkerProcess process, WorkerProcess::start("/usr/bin/env", arguments, file, /*with_requests=*/false, kLimits));
  TRY_ASSIGN(const std::string tsv, output_of(process, job.stop));
  if (tsv.empty()) return Error{ErrorCode::kIo, "text recognition failed; is the language \"" + job.options.recognise_language + "\" installed (package tesseract-ocr-" + job.options.recognise_language + ")?"};
  return recognised_page(tsv, picture->width, picture->height, dots_per_inch);
}

double number_in(std::string_view text) {
  double value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::isfinite(value) ? value : -1;
}

}  // namespace

bool is_picture_page(const Part& part) { return part.note.find(kPicturePage) != std::string::npos; }

std::vector<std::string> recognition_languages() {
  std::vector<std::string> languages;
  if (find_tesseract().empty()) return languages;
  for (const char* folder : {"/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tesseract-ocr/4.00/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata"}) {
    std::error_code missing;
    for (const auto& file : std::filesystem::directory_iterator(folder, missing)) {
      const std::string name = file.path().stem().string();
      // "osd" finds how a page is turned; it reads nothing.
      if (file.path().extension() == ".traineddata" && name != "osd" && is_language(name)) languages.push_back(name);
    }
  }
  std::sort(languages.begin(), languages.end());
  languages.erase(std::unique(languages.begin(), languages.end()), languages.end());
  return languages;
}

PartText recognised_page(std::string_view tsv, int width, int height, double dots_per_inch) {
  const double points = 72 / dots_per_inch;
  RawPage page;
  page.width = width * points;
  page.height = height * points;
  page.fonts.emplace_back();
  double sum = 0, line_height = 10;
  for (std::size_t at = 0; at < tsv.size();) {
    const std::size_t end = std::min(tsv.find('\n', at), tsv.size());
    std::array<std::string_view, 12> cells;  // level page block paragraph line word left top width height confidence text
    std::string_view row = tsv.substr(at, end - at);
    at = end + 1;
    for (std::string_view& cell : cells) {
      const std::size_t tab = std::min(row.find('\t'), row.size());
      cell = row.substr(0, tab);
      row.remove_prefix(std::min(tab + 1, row.size()));
    }
    const double left = number_in(cells[6]), top = number_in(cells[7]), w = number_in(cells[8]), h = number_in(cells[9]);
    if (left < 0 || top < 0 || w <= 0 || h <= 0 || left + w > width || top + h > height) continue;
    if (cells[0] == "4") line_height = h * points;
    std::int64_t n_odd = 0;
    RawWord word;
    word.text = clean_word(cells[11], n_odd);
    const double confidence = number_in(cells[10]);
    if (cells[0] != "5" || word.text.find_first_not_of(' ') == std::string::npos || confidence < kLeastConfidence) continue;
    // Words of a line get its height, so that letters without strokes upward do not look small.
    word.box = {left * points, top * points, (left + w) * points, (top + h) * points};
    word.font_size = std::round(line_height * 0.8);
    word.font = 0;
    sum += confidence;
    page.words.push_back(std::move(word));
  }
  DocumentStyle style;
  std::map<int, std::int64_t> bytes_by_size;
  learn_style(page, style, bytes_by_size);
  const double mean = page.words.empty() ? 0 : sum / static_cast<double>(page.words.size());
  PartText text = build_page(page, "", style);
  text.confidence = std::min(text.confidence, mean / 100);
  if (!page.words.empty()) text.note = "text recognised from a picture (certainty " + std::to_string(std::lround(mean)) + " %)" + (text.note.empty() ? "" : "; " + text.note);
  return text;
}

Result<std::string> recognise_pages(const IngestJob& job, DocumentId document, ProgressTeller& teller) {
  TRY_ASSIGN(std::vector<Part> parts, job.project.parts(document));
  const std::size_t n_parts = parts.size();
  std::erase_if(parts, [](const Part& part) { return !is_picture_page(part); });
  if (parts.empty()) return std::string();
  const std::string program = find_tesseract();
  if (program.empty()) return std::string("text recognition is not installed; install the package tesseract-ocr and read the document again");
  if (!is_language(job.options.recognise_language)) return "\"" + job.options.recognise_language + "\" is no language of the text recognition";
  TRY_ASSIGN(const std::filesystem::path worker, find_worker(job.options.worker));
  PagePictures pictures(job.path, worker);
  teller.progress.stage = "recognising text";
  teller.progress.n_done = 0;
  teller.progress.n_total = static_cast<std::int64_t>(parts.size());
  TRY_ASSIGN(const std::vector<Document> documents, job.project.documents());
  const auto known = std::find_if(documents.begin(), documents.end(), [&](const Document& each) { return each.id == document; });
  if (known == documents.end()) return std::string();
  std::string failure;
  for (Part part : parts) {
    teller.tell(/*always=*/true);
    Result<PartText> text = recognise(job, program, pictures, part.ordinal);
    if (!text && text.error().code == ErrorCode::kCancelled) return text.error();
    ++teller.progress.n_done;
    if (!text) {
      failure = text.error().message;
      continue;
    }
    TRY_ASSIGN(const std::vector<LeftOut> left_out, job.project.left_out(document));
    DocumentChange change{{}, {}, {part.id}, left_out, known->content_hash, known->path, known->title, static_cast<std::int64_t>(n_parts)};
    part.id = 0;
    teller.progress.n_bytes += static_cast<std::int64_t>(text->text.size());
    change.added.emplace_back(std::move(part), std::move(*text));
    TRY(job.project.change_document(document, change));
  }
  teller.tell(/*always=*/true);
  return failure;
}

}  // namespace app
