#include "ui/conversation/html_writer.h"

#include <md4c.h>

#include <algorithm>

#include "app/document/markup.h"
#include "ui/conversation/markdown_source.h"

namespace ui {
namespace {

bool is_web_address(std::string_view address) {
  return address.starts_with("https://") || address.starts_with("http://") || address.starts_with("mailto:");
}

class HtmlWriter {
 public:
  HtmlWriter(const std::string& source, std::string_view original, const std::vector<Chip>& chips, const std::vector<int>& notes, std::string_view prefix)
      : source_(source), original_(original), chips_(chips), notes_(notes), prefix_(prefix) {}

  int enter_block(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_QUOTE: open("blockquote"); break;
      case MD_BLOCK_UL: open("ul"); break;
      case MD_BLOCK_OL: html_ += "<ol start=\"" + std::to_string(static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start) + "\">\n"; break;
      case MD_BLOCK_LI: {
        const auto& item = *static_cast<MD_BLOCK_LI_DETAIL*>(detail);
        html_ += item.is_task ? (item.task_mark == ' ' ? "<li>\u2610 " : "<li>\u2611 ") : "<li>";
        break;
      }
      case MD_BLOCK_HR: html_ += "<hr>\n"; break;
      case MD_BLOCK_H: html_ += "<h" + level(detail) + ">"; break;
      case MD_BLOCK_CODE: html_ += "<pre><code>"; in_code_ = true; break;
      case MD_BLOCK_P: open("p"); break;
      case MD_BLOCK_TABLE: open("table"); break;
      case MD_BLOCK_TR: open("tr"); break;
      case MD_BLOCK_TH: open("th"); break;
      case MD_BLOCK_TD: open("td"); break;
      default: break;
    }
    return 0;
  }

  int leave_block(MD_BLOCKTYPE type, void* detail) {
    switch (type) {
      case MD_BLOCK_QUOTE: close("blockquote"); break;
      case MD_BLOCK_UL: close("ul"); break;
      case MD_BLOCK_OL: close("ol"); break;
      case MD_BLOCK_LI: close("li"); break;
      case MD_BLOCK_H: html_ += "</h" + level(detail) + ">\n"; break;
      case MD_BLOCK_CODE: html_ += "</code></pre>\n"; in_code_ = false; break;
      case MD_BLOCK_P: close("p"); break;
      case MD_BLOCK_TABLE: close("table"); break;
      case MD_BLOCK_TR: close("tr"); break;
      case MD_BLOCK_TH: close("th"); break;
      case MD_BLOCK_TD: close("td"); break;
      default: break;
    }
    return 0;
  }

  int enter_span(MD_SPANTYPE type, void* detail) {
    switch (type) {
      case MD_SPAN_EM: html_ += "<em>"; break;
      case MD_SPAN_STRONG: html_ += "<strong>"; break;
      case MD_SPAN_DEL: html_ += "<del>"; break;
      case MD_SPAN_CODE: html_ += "<code>"; break;
      case MD_SPAN_A: {
        const auto& href = static_cast<MD_SPAN_A_DETAIL*>(detail)->href;
        const std::string_view address(href.text, href.size);
        links_.push_back(is_web_address(address));
        if (links_.back()) html_ += "<a rel=\"noreferrer\" href=\"" + app::escape_markup(address) + "\">";
        break;
      }
      case MD_SPAN_LATEXMATH: html_ += "<code class=\"tex\">$"; break;
      case MD_SPAN_LATEXMATH_DISPLAY: html_ += "<code class=\"tex\">$$"; break;
      default: break;
    }
    return 0;
  }

  int leave_span(MD_SPANTYPE type) {
    switch (type) {
      case MD_SPAN_EM: html_ += "</em>"; break;
      case MD_SPAN_STRONG: html_ += "</strong>"; break;
      case MD_SPAN_DEL: html_ += "</del>"; break;
      case MD_SPAN_CODE: html_ += "</code>"; break;
      case MD_SPAN_A:
        if (links_.back()) html_ += "</a>";
        links_.pop_back();
        break;
      case MD_SPAN_LATEXMATH: html_ += "$</code>"; break;
      case MD_SPAN_LATEXMATH_DISPLAY: html_ += "$$</code>"; break;
      default: break;
    }
    return 0;
  }

  int text(MD_TEXTTYPE type, const MD_CHAR* data, MD_SIZE size) {
    if (type == MD_TEXT_BR) html_ += "<br>\n";
    else if (type == MD_TEXT_SOFTBR) html_ += "\n";
    else if (in_code_ && inside(data)) html_ += app::escape_markup(original_.substr(static_cast<std::size_t>(data - source_.data()), size));
    else if (type == MD_TEXT_ENTITY) html_.append(data, size);  // md4c has checked its form: &name; or &#number;
    else write(std::string_view(data, size));
    return 0;
  }

  std::string take() { return std::move(html_); }

 private:
  bool inside(const char* at) const { return at >= source_.data() && at < source_.data() + source_.size(); }
  void open(const char* tag) { html_ += std::string("<") + tag + ">"; }
  void close(const char* tag) { html_ += std::string("</") + tag + ">\n"; }
  /// The questions are the headings of the page: an answer's own begin one below.
  static std::string level(void* detail) { return std::to_string(std::min(6U, static_cast<MD_BLOCK_H_DETAIL*>(detail)->level + 2)); }

  void write(std::string_view piece) {
    for (std::size_t at = 0; at < piece.size();) {
      if (piece[at] == kFillByte) {
        ++at;
        continue;
      }
      if (piece[at] == kAnchorByte && inside(piece.data())) {
        at += note(static_cast<std::uint32_t>(piece.data() + at - source_.data()));
        continue;
      }
      const std::size_t stop = std::min(piece.find_first_of(std::string{kAnchorByte, kFillByte}, at + 1), piece.size());
      html_ += app::escape_markup(piece.substr(at, stop - at));
      at = stop;
    }
  }

  /// Writes the note of the chip that begins here; gives the bytes it takes.
  std::size_t note(std::uint32_t where) {
    const auto chip = std::find_if(chips_.begin(), chips_.end(), [where](const Chip& c) { return c.begin == where; });
    if (chip == chips_.end()) return 1;
    const int number = static_cast<std::size_t>(chip->index) < notes_.size() ? notes_[static_cast<std::size_t>(chip->index)] : 0;
    if (!chip->hidden && number > 0) {
      html_ += "<sup><a href=\"#" + std::string(prefix_) + "-" + std::to_string(number) + "\">" + std::to_string(number) + "</a></sup>";
    }
    return std::max<std::size_t>(1, chip->end - chip->begin);
  }

  const std::string& source_;
  std::string_view original_;
  const std::vector<Chip>& chips_;
  const std::vector<int>& notes_;
  std::string_view prefix_;
  std::string html_;
  std::vector<bool> links_;
  bool in_code_ = false;
};

}  // namespace

std::string markdown_to_html(std::string_view markdown, const std::vector<Chip>& chips, const std::vector<int>& note_of_chip, std::string_view note_prefix) {
  const std::string source = prepared_markdown(markdown, 0, chips);
  HtmlWriter writer(source, markdown, chips, note_of_chip, note_prefix);
  MD_PARSER parser{};
  parser.flags = kMarkdownFlags;
  parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* self) { return static_cast<HtmlWriter*>(self)->enter_block(type, detail); };
  parser.leave_block = [](MD_BLOCKTYPE type, void* detail, void* self) { return static_cast<HtmlWriter*>(self)->leave_block(type, detail); };
  parser.enter_span = [](MD_SPANTYPE type, void* detail, void* self) { return static_cast<HtmlWriter*>(self)->enter_span(type, detail); };
  parser.leave_span = [](MD_SPANTYPE type, void*, void* self) { return static_cast<HtmlWriter*>(self)->leave_span(type); };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* self) { return static_cast<HtmlWriter*>(self)->text(type, text, size); };
  md_parse(source.data(), static_cast<MD_SIZE>(source.size()), &parser, &writer);
  return writer.take();
}

}  // namespace ui
