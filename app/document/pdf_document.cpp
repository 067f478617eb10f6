#include "app/document/pdf_document.h"

#include <Catalog.h>
#include <ErrorCodes.h>
#include <GlobalParams.h>
#include <Outline.h>
#include <PDFDoc.h>
#include <Stream.h>
#include <poppler-document.h>
#include <poppler-page-renderer.h>
#include <poppler-page.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "app/document/page_ink.h"
#include "app/document/text_clean.h"

namespace app {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

namespace {

constexpr double kMaxPixels = 64e6;
constexpr std::size_t kMaxOutlineEntries = 20'000;

/// A text string of a PDF: UTF-16 with a byte order mark, UTF-8 with one, or one byte per character.
std::string utf8_of(const std::string& bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return bytes.substr(3);
  const auto byte = [&](std::size_t at) { return static_cast<char32_t>(static_cast<unsigned char>(bytes[at])); };
  std::string utf8;
  if (!bytes.starts_with("\xFE\xFF")) {
    for (std::size_t i = 0; i < bytes.size(); ++i) append_code_point(utf8, byte(i));
    return utf8;
  }
  for (std::size_t i = 2; i + 1 < bytes.size(); i += 2) {
    char32_t code = byte(i) << 8 | byte(i + 1);
    if (code >= 0xD800 && code < 0xDC00 && i + 3 < bytes.size()) {
      const char32_t low = byte(i + 2) << 8 | byte(i + 3);
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        i += 2;
      }
    }
    append_code_point(utf8, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
  }
  return utf8;
}

std::string trimmed(std::string text) {
  const auto is_space = [](unsigned char byte) { return byte <= ' '; };
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_space).base(), text.end());
  return text;
}

std::string shown(const std::string& utf8) {
  std::int64_t n_odd = 0;
  return trimmed(clean_word(utf8, n_odd));
}

// Poppler's inner interface changes in small ways between releases; the two templates take both forms.

template <typename Item>
std::string title_of(const Item& item) {
  std::string utf8;
  if constexpr (requires { item.getTitleLength(); }) {
    for (int i = 0; i < item.getTitleLength(); ++i) append_code_point(utf8, static_cast<char32_t>(item.getTitle()[i]));
  } else {
    for (const auto code : item.getTitle()) append_code_point(utf8, static_cast<char32_t>(code));
  }
  return shown(utf8);
}

template <typename Document>
std::unique_ptr<Document> open_bytes(std::string_view bytes) {
  auto stream = std::make_unique<MemStream>(bytes.data(), 0, static_cast<Goffset>(bytes.size()), Object(objNull));
  if constexpr (std::is_constructible_v<Document, std::unique_ptr<BaseStream>>) {
    return std::make_unique<Document>(std::unique_ptr<BaseStream>(std::move(stream)));
  } else {
    return std::make_unique<Document>(static_cast<BaseStream*>(stream.release()));
  }
}

template <typename Items>
void collect_outline(const Items* items, int level, std::vector<OutlineEntry>& entries) {
  if (!items) return;
  for (const auto& item : *items) {
    if (entries.size() >= kMaxOutlineEntries) return;
    entries.push_back({title_of(*item), level});
    item->open();
    if (level < 8) collect_outline(item->getKids(), level + 1, entries);
  }
}

/// "hidden text left out: 40 characters (white on white 30, off the page 10)".
std::string note_of(const HiddenText& hidden) {
  std::string kinds;
  const auto add = [&](std::int64_t n, const char* what) {
    if (n > 0) kinds += (kinds.empty() ? "" : ", ") + std::string(what) + " " + std::to_string(n);
  };
  add(hidden.n_same_colour, "in the colour of the paper");
  add(hidden.n_invisible, "invisible");
  add(hidden.n_outside, "off the page");
  add(hidden.n_tiny, "too small to read");
  add(hidden.n_covered, "under a box");
  return "hidden text left out (characters " + kinds + ")";
}

}  // namespace

struct PdfDocument::State {
  GlobalParamsIniter poppler{[](ErrorCategory, Goffset, const char*) {}};
  std::string_view bytes;
  std::unique_ptr<PDFDoc> document;
  std::unique_ptr<GlyphShapes> shapes;
  std::unique_ptr<poppler::document> drawing;  // opened when the first page is drawn
};

PdfDocument::PdfDocument(std::unique_ptr<State> state) : state_(std::move(state)) {}
PdfDocument::PdfDocument(PdfDocument&&) noexcept = default;
PdfDocument::~PdfDocument() = default;

Result<PdfDocument> PdfDocument::open(std::string_view bytes) {
  if (bytes.empty()) return Error{ErrorCode::kInvalidInput, "The file is empty. Fetch or export the PDF again."};
  if (bytes.size() > INT_MAX) return Error{ErrorCode::kUnsupported, "The PDF is larger than 2 GiB, which cannot be read. Split it into parts."};
  if (bytes.substr(0, 1024).find("%PDF-") == std::string_view::npos) {
    return Error{ErrorCode::kCorrupt, "The file is no PDF: its beginning is not that of one. Open it in the program it came from and export it as PDF."};
  }
  auto state = std::make_unique<State>();
  state->bytes = bytes;
  state->document = open_bytes<PDFDoc>(bytes);
  if (!state->document->isOk() && state->document->getErrorCode() == errEncrypted) {
    return Error{ErrorCode::kUnsupported, "The PDF is encrypted and needs a password. Save an unprotected copy (for example: qpdf --decrypt --password=... in.pdf out.pdf) and read that in."};
  }
  if (!state->document->isOk()) return Error{ErrorCode::kCorrupt, "The PDF is damaged beyond repair (no readable structure). Fetch or export it again."};
  state->shapes = std::make_unique<GlyphShapes>(*state->document);
  if (state->document->getNumPages() < 1) return Error{ErrorCode::kInvalidInput, "The PDF has no pages, or its page list is damaged. Fetch or export it again."};
  return PdfDocument(std::move(state));
}

int PdfDocument::n_pages() const { return state_->document->getNumPages(); }

std::string PdfDocument::title() const {
  const auto title = state_->document->getDocInfoTitle();
  return title ? shown(utf8_of(title->toStr())) : "";
}

std::vector<OutlineEntry> PdfDocument::outline() const {
  std::vector<OutlineEntry> entries;
  if (Outline* outline = state_->document->getOutline()) collect_outline(outline->getItems(), 1, entries);
  return entries;
}

Result<RawPage> PdfDocument::read(int page, bool with_fonts) const {
  PDFDoc& document = *state_->document;
  if (!document.getCatalog()->getPage(page)) return Error{ErrorCode::kCorrupt, "Page " + std::to_string(page) + " cannot be opened: its entry in the PDF is damaged."};
  RawPage raw;
  raw.number = page;
  GooString label;
  if (document.getCatalog()->indexToLabel(page - 1, &label)) raw.label = shown(utf8_of(label.toStr()));
  if (raw.label.empty()) raw.label = std::to_string(page);
  raw.width = document.getPageCropWidth(page);
  raw.height = document.getPageCropHeight(page);
  if (document.getPageRotate(page) % 180 != 0) std::swap(raw.width, raw.height);
  if (!(raw.width > 0 && raw.height > 0 && raw.width < 1e6 && raw.height < 1e6)) {
    return Error{ErrorCode::kCorrupt, "Page " + std::to_string(page) + " has no valid size."};
  }
  PageInk ink = read_ink(document, *state_->shapes, page, with_fonts);
  raw.fonts = std::move(ink.fonts);
  raw.words = std::move(ink.words);
  raw.rulings = std::move(ink.rulings);
  raw.hidden = std::move(ink.hidden.text);
  raw.odd_share = ink.n_characters > 0 ? static_cast<double>(ink.n_odd) / static_cast<double>(ink.n_characters) : 0;
  const auto note = [&](const std::string& more) { raw.note += (raw.note.empty() ? "" : "; ") + more; };
  if (ink.cut) note("more words than can be read on one page; the rest was left out");
  if (ink.is_scan) note("a scan; its text is what another program recognised");
  if (ink.hidden.n_characters() > 0) raw.hidden_note = note_of(ink.hidden);
  raw.hidden_is_outside = ink.hidden.n_outside == ink.hidden.n_characters();
  raw.is_picture = ink.is_picture;
  raw.has_written_spaces = ink.has_written_spaces;
  return raw;
}

Result<PagePicture> PdfDocument::draw(int page, double dots_per_inch) const {
  if (!state_->drawing) state_->drawing.reset(poppler::document::load_from_raw_data(state_->bytes.data(), static_cast<int>(state_->bytes.size())));
  const std::unique_ptr<poppler::page> source(state_->drawing ? state_->drawing->create_page(page - 1) : nullptr);
  if (!source) return Error{ErrorCode::kNotFound, "Page " + std::to_string(page) + " cannot be opened."};
  const poppler::rectf rect = source->page_rect();
  const double scale = dots_per_inch / 72;
  if (!(scale > 0 && rect.width() * scale * rect.height() * scale <= kMaxPixels)) {
    return Error{ErrorCode::kInvalidInput, "Page " + std::to_string(page) + " is too large to be drawn at this size. Zoom out."};
  }
  poppler::page_renderer renderer;
  renderer.set_render_hint(poppler::page_renderer::antialiasing);
  renderer.set_render_hint(poppler::page_renderer::text_antialiasing);
  renderer.set_image_format(poppler::image::format_argb32);
  const poppler::image image = renderer.render_page(source.get(), dots_per_inch, dots_per_inch);
  if (!image.is_valid()) return Error{ErrorCode::kCorrupt, "Page " + std::to_string(page) + " could not be drawn."};
  PagePicture picture;
  picture.width = image.width();
  picture.height = image.height();
  picture.rgba.resize(static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height) * 4);
  std::uint8_t* out = picture.rgba.data();
  for (int y = 0; y < picture.height; ++y) {
    const char* row = image.const_data() + static_cast<std::ptrdiff_t>(y) * image.bytes_per_row();
    for (int x = 0; x < picture.width; ++x, out += 4) {
      std::uint32_t argb = 0;
      std::memcpy(&argb, row + static_cast<std::ptrdiff_t>(x) * 4, 4);
      out[0] = static_cast<std::uint8_t>(argb >> 16);
      out[1] = static_cast<std::uint8_t>(argb >> 8);
      out[2] = static_cast<std::uint8_t>(argb);
      out[3] = 255;
    }
  }
  return picture;
}

}  // namespace app
