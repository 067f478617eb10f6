#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "app/project/project.h"

namespace app {

enum class IngestUnit : std::uint8_t { kPages, kFiles };

struct IngestProgress {
  std::string what;               // "report.pdf" or a path in the tree
  IngestUnit unit = IngestUnit::kFiles;
  std::int64_t n_done = 0;        // pages or files
  std::int64_t n_total = 0;       // 0: not known yet
  std::int64_t n_bytes = 0;       // of text that was read
  std::string stage;              // "recognising text", empty while reading
  double seconds = 0;             // since it began
  double per_second = 0;          // pages or files, over the last seconds; 0: not known yet
  double seconds_left = -1;       // below 0: not known yet
};

/// "120 of 335 pages, 1.3 MB, 210 pages/s, 1 s left".
std::string describe(const IngestProgress& progress);

/// Called on the thread that runs `ingest`, at most 20 times a second.
using IngestObserver = std::function<void(const IngestProgress&)>;

struct IngestOptions {
  std::filesystem::path worker;   // longleaf-cli, which runs the PDF worker process; empty: beside this program
  std::int64_t max_file_bytes = 1 << 20;  // larger files of a tree are left out and listed
  std::vector<std::string> include;       // paths of a tree (as left_out() names them) that are read although a rule leaves them out
  std::string changes_since;      // trees under git: read only what differs from this branch or revision, as a diff
  bool recognise = false;         // pages without text are given to the text recognition of this system (tesseract)
  std::string recognise_language = "eng";
};

/// Reads a PDF, a text file or a code tree into the project. What cannot be read is an error with
/// what, where, why and what to do; parts read before a cancel stay. Any thread; uses its own process
/// for PDFs, so that a broken one cannot take this process down.
Result<DocumentId> ingest(Project& project, const std::filesystem::path& path, const IngestOptions& options,
                          const IngestObserver& observer, std::stop_token stop);

/// What a document was read from, to read it in again: a path, and for changes what they are against.
struct IngestSource {
  std::filesystem::path path;
  std::string changes_since;
};
IngestSource source_of(const Document& document);

/// Whether this page is a picture that text recognition may read.
bool is_picture_page(const Part& part);
/// Pages below this certainty are listed for the user.
inline constexpr double kDoubtfulPage = 0.6;

/// The languages in which text recognition can read here ("deu", "eng"); empty: it is not installed.
std::vector<std::string> recognition_languages();

}  // namespace app
