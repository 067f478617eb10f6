#include "app/document/pdf_document.h"

#include <poppler-document.h>
#include <poppler-page-renderer.h>
#include <poppler-page.h>
#include <poppler-toc.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstring>
#include <map>

#include "app/document/text_clean.h"

namespace app {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

namespace {

constexpr double kMaxPixels = 64e6;
constexpr std::size_t kMaxWordsPerPage = 200'000;
constexpr std::size_t kMaxOutlineEntries = 20'000;

std::string utf8_of(const poppler::ustring& text) {
  std::string utf8;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char32_t code = text[i];
    if (code >= 0xD800 && code < 0xDC00 && i + 1 < text.size() && text[i + 1] >= 0xDC00 && text[i + 1] < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (static_cast<char32_t>(text[++i]) - 0xDC00);
    } else if (code >= 0xD800 && code < 0xE000) {
      code = 0xFFFD;
    }
    append_code_point(utf8, code);
  }
  return utf8;
}

std::string trimmed(std::string text) {
  const auto is_space = [](unsigned char byte) { return byte <= ' '; };
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_space));
  text.erase(std::find_if_not(text.rbegin(), text.rend(), is_space).base(), text.end());
  return text;
}

RawFont font_of(const std::string& name) {
  RawFont font{name, false, false, false};
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower.size() > 7 && lower[6] == '+') lower.erase(0, 7);
  const auto has = [&](const char* part) { return lower.find(part) != std::string::npos; };
  // Computer Modern names its bold faces CMBX and CMB, Times of TeX ends in -Medi.
  font.bold = has("bold") || has("black") || has("heavy") || has("cmbx") || has("semibold") || has("-medi") || has("-demi") || lower.ends_with("-bd");
  font.italic = has("italic") || has("oblique") || has("cmti");
  font.fixed_width = has("mono") || has("courier") || has("cmtt") || has("consol") || has("typewriter") || has("menlo") || has("nimbusmon") || has("fixed");
  return font;
}

void collect_outline(const poppler::toc_item& item, int level, std::vector<OutlineEntry>& entries) {
  for (auto child = item.children_begin(); child != item.children_end() && entries.size() < kMaxOutlineEntries; ++child) {
    std::int64_t n_odd = 0;
    entries.push_back({trimmed(clean_word(utf8_of((*child)->title()), n_odd)), level});
    if (level < 8) collect_outline(**child, level + 1, entries);
  }
}

}  // namespace

struct PdfDocument::State {
  std::unique_ptr<poppler::document> document;
};

PdfDocument::PdfDocument(std::unique_ptr<State> state) : state_(std::move(state)) {}
PdfDocument::PdfDocument(PdfDocument&&) noexcept = default;
PdfDocument::~PdfDocument() = default;

Result<PdfDocument> PdfDocument::open(std::string_view bytes) {
  poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
  if (bytes.empty()) return Error{ErrorCode::kInvalidInput, "The file is empty. Fetch or export the PDF again."};
  if (bytes.size() > INT_MAX) return Error{ErrorCode::kUnsupported, "The PDF is larger than 2 GiB, which cannot be read. Split it into parts."};
  if (bytes.substr(0, 1024).find("%PDF-") == std::string_view::npos) {
    return Error{ErrorCode::kCorrupt, "The file is no PDF: its beginning is not that of one. Open it in the program it came from and export it as PDF."};
  }
  auto state = std::make_unique<State>();
  state->document.reset(poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
  if (!state->document) return Error{ErrorCode::kCorrupt, "The PDF is damaged beyond repair (no readable structure). Fetch or export it again."};
  if (state->document->is_locked()) {
    return Error{ErrorCode::kUnsupported, "The PDF is encrypted and needs a password. Save an unprotected copy (for example: qpdf --decrypt --password=... in.pdf out.pdf) and read that in."};
  }
  if (state->document->pages() < 1) return Error{ErrorCode::kInvalidInput, "The PDF has no pages, or its page list is damaged. Fetch or export it again."};
  return PdfDocument(std::move(state));
}

int PdfDocument::n_pages() const { return state_->document->pages(); }

std::string PdfDocument::title() const {
  std::int64_t n_odd = 0;
  return trimmed(clean_word(utf8_of(state_->document->get_title()), n_odd));
}

std::vector<OutlineEntry> PdfDocument::outline() const {
  std::vector<OutlineEntry> entries;
  const std::unique_ptr<poppler::toc> toc(state_->document->create_toc());
  if (toc && toc->root()) collect_outline(*toc->root(), 1, entries);
  return entries;
}

Result<RawPage> PdfDocument::read(int page, bool with_fonts) const {
  const std::unique_ptr<poppler::page> source(state_->document->create_page(page - 1));
  if (!source) return Error{ErrorCode::kCorrupt, "Page " + std::to_string(page) + " cannot be opened: its entry in the PDF is damaged."};
  RawPage raw;
  raw.number = page;
  std::int64_t n_odd = 0, n_characters = 0;
  raw.label = trimmed(clean_word(utf8_of(source->label()), n_odd));
  if (raw.label.empty()) raw.label = std::to_string(page);
  const poppler::rectf rect = source->page_rect();
  raw.width = rect.width();
  raw.height = rect.height();
  const auto turned = source->orientation();
  if (turned == poppler::page::landscape || turned == poppler::page::seascape) std::swap(raw.width, raw.height);
  if (!(raw.width > 0 && raw.height > 0 && raw.width < 1e6 && raw.height < 1e6)) {
    return Error{ErrorCode::kCorrupt, "Page " + std::to_string(page) + " has no valid size."};
  }

  n_odd = 0;
  std::map<std::string, std::int16_t> fonts;
  const auto boxes = source->text_list(with_fonts ? poppler::page::text_list_include_font : 0);
  for (const poppler::text_box& box : boxes) {
    if (raw.words.size() >= kMaxWordsPerPage) {
      raw.note = "more words than can be read on one page; the rest was left out";
      break;
    }
    RawWord word;
    const poppler::ustring text = box.text();
    n_characters += static_cast<std::int64_t>(text.size());
    word.text = trimmed(clean_word(utf8_of(text), n_odd));
    if (word.text.empty()) continue;
    const poppler::rectf place = box.bbox();
    word.box = {place.left(), place.top(), place.right(), place.bottom()};
    if (!std::isfinite(place.left() + place.top() + place.right() + place.bottom())) continue;
    word.rotation = static_cast<std::int8_t>(box.rotation() & 3);
    word.space_after = box.has_space_after();
    word.font_size = word.rotation % 2 ? place.width() : place.height();
    if (with_fonts && box.has_font_info()) {
      const double size = box.get_font_size();
      if (std::isfinite(size) && size > 0 && size < 2000) word.font_size = size;
      const auto [known, is_new] = fonts.try_emplace(box.get_font_name(), static_cast<std::int16_t>(raw.fonts.size()));
      if (is_new && raw.fonts.size() < INT16_MAX) raw.fonts.push_back(font_of(known->first));
      word.font = std::min<std::int16_t>(known->second, static_cast<std::int16_t>(raw.fonts.size() - 1));
    }
    raw.words.push_back(std::move(word));
  }
  raw.odd_share = n_characters > 0 ? static_cast<double>(n_odd) / static_cast<double>(n_characters) : 0;
  return raw;
}

Result<PagePicture> PdfDocument::draw(int page, double dots_per_inch) const {
  const std::unique_ptr<poppler::page> source(state_->document->create_page(page - 1));
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
