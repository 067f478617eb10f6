#include "app/document/rich_text.h"

#include <algorithm>

#include "app/document/epub_reader.h"
#include "app/document/html_reader.h"
#include "app/document/text_blocks.h"
#include "app/document/word_reader.h"
#include "app/document/zip_archive.h"

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

Result<RichDocument> read_page(std::string_view bytes) {
  TextBlocks blocks;
  TRY_ASSIGN(const HtmlText page, read_html(bytes, blocks));
  RichDocument document;
  document.title = page.title;
  if (!blocks.empty()) document.parts.push_back({"", blocks.take()});
  if (page.n_hidden > 0 && !document.parts.empty()) document.parts[0].text.note = "hidden text left out (" + std::to_string(page.n_hidden) + " characters)";
  return document;
}

}  // namespace

std::optional<RichFormat> rich_format_of(std::string_view beginning, std::string_view extension) {
  std::string lower(extension);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (beginning.starts_with("PK")) {
    if (lower == ".docx" || lower == ".docm" || lower == ".dotx") return RichFormat::kWord;
    if (lower == ".epub") return RichFormat::kEpub;
    // An EPUB begins with a stored member that names the type; a Word document has no such mark.
    if (beginning.find("application/epub+zip") != std::string_view::npos) return RichFormat::kEpub;
    return std::nullopt;
  }
  if (lower == ".html" || lower == ".htm" || lower == ".xhtml") return RichFormat::kHtml;
  return std::nullopt;
}

Result<RichDocument> read_rich(RichFormat format, std::string_view bytes) {
  const Error empty{ErrorCode::kInvalidInput, "There is no text in the document. Pictures of text are not read here; export it as PDF."};
  if (format == RichFormat::kHtml) {
    TRY_ASSIGN(RichDocument document, read_page(bytes));
    if (document.parts.empty()) return empty;
    return document;
  }
  TRY_ASSIGN(ZipArchive archive, ZipArchive::open(bytes));
  TRY_ASSIGN(RichDocument document, format == RichFormat::kWord ? read_word(archive) : read_epub(archive));
  if (document.parts.empty()) return empty;
  return document;
}

}  // namespace app
