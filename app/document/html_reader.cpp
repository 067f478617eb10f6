#include "app/document/html_reader.h"

#include <libxml/HTMLparser.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>

#include "app/document/text_file.h"

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

constexpr int kMaxDepth = 300;

struct DocumentCloser {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
using XmlDocument = std::unique_ptr<xmlDoc, DocumentCloser>;

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 18> kNoText = {"script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "math", "canvas",
                                                      "audio", "video", "select", "datalist", "head", "map", "applet", "frameset"};
constexpr std::array<std::string_view, 30> kBlocks = {"p", "div", "section", "article", "main", "header", "footer", "nav", "aside", "blockquote", "address", "dl", "dt", "dd", "form",
                                                      "fieldset", "figure", "figcaption", "details", "summary", "hr", "center", "body", "html", "ul", "ol", "menu", "legend", "hgroup", "title"};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string name_of(const xmlNode* node) { return lower(reinterpret_cast<const char*>(node->name)); }

std::string attribute(const xmlNode* node, const char* name) {
  xmlChar* value = xmlGetProp(node, reinterpret_cast<const xmlChar*>(name));
  if (!value) return "";
  std::string text(reinterpret_cast<const char*>(value));
  xmlFree(value);
  return text;
}

bool has_attribute(const xmlNode* node, const char* name) { return xmlHasProp(node, reinterpret_cast<const xmlChar*>(name)) != nullptr; }

/// What a browser would not show, as far as the element itself says so.
bool is_hidden(const xmlNode* node) {
  if (has_attribute(node, "hidden")) return true;
  std::string style = lower(attribute(node, "style"));
  std::erase_if(style, [](unsigned char c) { return std::isspace(c); });
  for (const char* rule : {"display:none", "visibility:hidden", "font-size:0;", "font-size:0px", "opacity:0;", "text-indent:-9"}) {
    if (style.find(rule) != std::string::npos) return true;
  }
  return style.ends_with("opacity:0") || style.ends_with("font-size:0");
}

class Walker {
 public:
  explicit Walker(TextBlocks& blocks) : blocks_(blocks) {}

  void walk(const xmlNode* node, int depth) {
    if (depth > kMaxDepth) return;
    for (; node; node = node->next) visit(node, depth);
  }
  void finish() { flush(); }
  std::string title;
  std::int64_t n_hidden = 0;

 private:
  void visit(const xmlNode* node, int depth) {
    if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
      if (node->content) line_ += reinterpret_cast<const char*>(node->content);
      return;
    }
    if (node->type != XML_ELEMENT_NODE) return;
    const std::string name = name_of(node);
    if (name == "title" && title.empty()) title = collapsed(text_of(node, depth));
    if (name == "head") {
      for (const xmlNode* child = node->children; child; child = child->next) {
        if (child->type == XML_ELEMENT_NODE && name_of(child) == "title") title = collapsed(text_of(child, depth));
      }
    }
    if (name == "title" || is_one_of(name, kNoText)) return;
    if (is_hidden(node)) {
      n_hidden += static_cast<std::int64_t>(collapsed(text_of(node, depth)).size());
      return;
    }
    element(node, name, depth);
  }

  void element(const xmlNode* node, const std::string& name, int depth) {
    if (name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6') {
      flush();
      blocks_.heading(name[1] - '0', text_of(node, depth));
    } else if (name == "pre" || name == "listing") {
      flush();
      blocks_.code(raw_text_of(node, depth));
    } else if (name == "table") {
      flush();
      table(node, depth);
    } else if (name == "caption" || name == "figcaption") {
      flush();
      blocks_.caption(text_of(node, depth));
    } else if (name == "li") {
      list_item(node, depth);
    } else if (name == "ul" || name == "ol" || name == "menu") {
      flush();
      lists_.push_back(name == "ol" ? 1 : 0);
      walk(node->children, depth + 1);
      flush();
      lists_.pop_back();
    } else if (name == "br") {
      line_ += '\n';
    } else if (name == "img") {
      const std::string words = attribute(node, "alt");
      if (!words.empty()) line_ += " [" + words + "] ";
    } else if (is_one_of(name, kBlocks)) {
      flush();
      walk(node->children, depth + 1);
      flush();
    } else {
      walk(node->children, depth + 1);
    }
  }

  void list_item(const xmlNode* node, int depth) {
    flush();
    if (lists_.empty()) lists_.push_back(0);
    const int number = lists_.back() > 0 ? lists_.back()++ : 0;
    marker_ = number > 0 ? std::to_string(number) + "." : "-";
    walk(node->children, depth + 1);
    flush();
    marker_.clear();
  }

  /// Writes what has come together as the block that it is.
  void flush() {
    if (line_.find_first_not_of(" \t\r\n\f") != std::string::npos) {
      if (!marker_.empty()) {
        blocks_.item(static_cast<int>(lists_.size()) - 1, marker_, line_);
        marker_.clear();
      } else {
        blocks_.paragraph(line_);
      }
    }
    line_.clear();
  }

  void gather(const xmlNode* node, bool keep_lines, std::string& text, int depth) const {
    if (depth > kMaxDepth) return;
    for (const xmlNode* child = node->children; child; child = child->next) {
      if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) {
        if (child->content) text += reinterpret_cast<const char*>(child->content);
      } else if (child->type == XML_ELEMENT_NODE) {
        const std::string name = name_of(child);
        if (is_one_of(name, kNoText) || is_hidden(child)) continue;
        const bool apart = name == "br" || name == "td" || name == "th" || name == "li" || is_one_of(name, kBlocks);
        if (apart) text += keep_lines ? '\n' : ' ';
        gather(child, keep_lines, text, depth + 1);
        if (apart && name != "br") text += ' ';
      }
    }
  }
  std::string text_of(const xmlNode* node, int depth) const {
    std::string text;
    gather(node, /*keep_lines=*/false, text, depth);
    return text;
  }
  std::string raw_text_of(const xmlNode* node, int depth) const {
    std::string text;
    gather(node, /*keep_lines=*/true, text, depth);
    return text;
  }

  void rows_of(const xmlNode* node, int depth, std::vector<const xmlNode*>& rows) const {
    if (depth > kMaxDepth) return;
    for (const xmlNode* child = node->children; child; child = child->next) {
      if (child->type != XML_ELEMENT_NODE || is_hidden(child)) continue;
      const std::string name = name_of(child);
      if (name == "tr") rows.push_back(child);
      else if (name != "td" && name != "th" && name != "table" && name != "caption") rows_of(child, depth + 1, rows);
      else if (name == "caption") rows.push_back(child);
    }
  }

  void table(const xmlNode* node, int depth) {
    std::vector<const xmlNode*> row_nodes;
    rows_of(node, depth, row_nodes);
    std::vector<std::vector<std::string>> rows;
    std::size_t n_widest = 0;
    for (const xmlNode* row : row_nodes) {
      if (name_of(row) == "caption") {
        blocks_.caption(text_of(row, depth));
        continue;
      }
      std::vector<std::string> cells;
      for (const xmlNode* cell = row->children; cell; cell = cell->next) {
        if (cell->type != XML_ELEMENT_NODE || is_hidden(cell)) continue;
        const std::string name = name_of(cell);
        if (name != "td" && name != "th") continue;
        cells.push_back(text_of(cell, depth));
        const int span = std::clamp(std::atoi(attribute(cell, "colspan").c_str()), 1, 100);
        cells.resize(cells.size() + static_cast<std::size_t>(span) - 1);
      }
      n_widest = std::max(n_widest, cells.size());
      if (!cells.empty()) rows.push_back(std::move(cells));
    }
    // One column is how old pages are laid out, not a table.
    if (n_widest >= 2) return blocks_.table(rows);
    for (const xmlNode* row : row_nodes) {
      if (name_of(row) == "caption") continue;
      for (const xmlNode* cell = row->children; cell; cell = cell->next) {
        if (cell->type == XML_ELEMENT_NODE) walk(cell->children, depth + 1);
        flush();
      }
    }
  }

  TextBlocks& blocks_;
  std::string line_;
  std::string marker_;
  std::vector<int> lists_;  // 0: bullets, else the next number
};

/// Bytes as UTF-8, unless the page names another encoding, which the parser then follows.
XmlDocument parse(std::string_view bytes) {
  const int options = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_NODEFDTD;
  const std::string head = lower(bytes.substr(0, 2048));
  if (head.find("charset") != std::string::npos && head.find("charset=utf-8") == std::string::npos && head.find("charset=\"utf-8") == std::string::npos) {
    return XmlDocument(htmlReadMemory(bytes.data(), static_cast<int>(bytes.size()), nullptr, nullptr, options));
  }
  const std::string text = decode_text(bytes).text;
  return XmlDocument(htmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, "UTF-8", options));
}

}  // namespace

Result<HtmlText> read_html(std::string_view bytes, TextBlocks& blocks) {
  if (bytes.size() > static_cast<std::size_t>(INT_MAX) / 4) return Error{ErrorCode::kUnsupported, "The page is too large for one text. Split it into parts."};
  const XmlDocument document = parse(bytes);
  if (!document) return Error{ErrorCode::kCorrupt, "The page cannot be read as HTML: it has no readable structure. Save it again from the browser."};
  Walker walker(blocks);
  walker.walk(document->children, 0);
  walker.finish();
  return HtmlText{walker.title, walker.n_hidden};
}

}  // namespace app
