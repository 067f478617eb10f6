#include "app/document/word_reader.h"

#include <algorithm>
#include <map>
#include <optional>

#include "app/document/text_blocks.h"
#include "app/document/xml_tree.h"

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

constexpr std::size_t kBytesPerPart = 24'000;  // from here on a heading of the first two levels begins a new part
constexpr int kMaxDepth = 100;

int number_in(const std::string& text, int otherwise) { return text.empty() ? otherwise : std::atoi(text.c_str()); }

std::string value_of(const xmlNode* node, std::string_view child) {
  const xmlNode* found = child_of(node, child);
  return found ? attribute(found, "val") : "";
}

/// A switch of a run or style: <w:vanish/>, <w:vanish w:val="0"/>.
bool is_on(const xmlNode* properties, std::string_view name) {
  const xmlNode* found = child_of(properties, name);
  if (!found) return false;
  const std::string value = attribute(found, "val");
  return value != "0" && value != "false" && value != "none";
}

/// Heading level by style: 1 to 6, 0 for other styles.
class Styles {
 public:
  void read(const xmlNode* root) {
    for (const xmlNode* style = root ? root->children : nullptr; style; style = style->next) {
      if (!is_element(style, "style")) continue;
      Style known;
      known.name = value_of(style, "name");
      std::transform(known.name.begin(), known.name.end(), known.name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      known.based_on = value_of(style, "basedOn");
      const xmlNode* paragraph = child_of(style, "pPr");
      known.outline = number_in(value_of(paragraph, "outlineLvl"), -1);
      known.numbering = value_of(child_of(paragraph, "numPr"), "numId");
      styles_[attribute(style, "styleId")] = std::move(known);
    }
  }

  int level(const std::string& id) const {
    std::string at = id;
    for (int depth = 0; depth < 12; ++depth) {
      const auto found = styles_.find(at);
      if (found == styles_.end()) return 0;
      const Style& style = found->second;
      if (style.name == "title") return 1;
      if (style.name == "subtitle") return 2;
      if (style.name.starts_with("heading ")) return std::clamp(std::atoi(style.name.c_str() + 8), 1, 6);
      if (style.outline >= 0 && style.outline < 9) return std::min(style.outline + 1, 6);
      at = style.based_on;
    }
    return 0;
  }
  bool is_caption(const std::string& id) const {
    const auto found = styles_.find(id);
    return found != styles_.end() && found->second.name == "caption";
  }
  std::string numbering(const std::string& id) const {
    const auto found = styles_.find(id);
    return found == styles_.end() ? "" : found->second.numbering;
  }

 private:
  struct Style {
    std::string name, based_on, numbering;
    int outline = -1;
  };
  std::map<std::string, Style> styles_;
};

/// Which lists have numbers and which bullets, and the numbers as they are counted.
class Numbering {
 public:
  void read(const xmlNode* root) {
    std::map<std::string, std::map<int, std::string>> formats;
    for (const xmlNode* node = root ? root->children : nullptr; node; node = node->next) {
      if (is_element(node, "abstractNum")) {
        for (const xmlNode* level = node->children; level; level = level->next) {
          if (is_element(level, "lvl")) formats[attribute(node, "abstractNumId")][number_in(attribute(level, "ilvl"), 0)] = value_of(level, "numFmt");
        }
      } else if (is_element(node, "num")) {
        formats_[attribute(node, "numId")] = formats[value_of(node, "abstractNumId")];
      }
    }
  }

  std::string marker(const std::string& list, int level) {
    const auto known = formats_.find(list);
    const auto format = known == formats_.end() ? std::map<int, std::string>::const_iterator() : known->second.find(level);
    if (known == formats_.end() || format == known->second.end() || format->second == "bullet" || format->second == "none") return "-";
    std::map<int, int>& counts = counts_[list];
    counts.erase(counts.upper_bound(level), counts.end());
    const int number = ++counts[level];
    if (format->second == "lowerLetter" && number <= 26) return std::string(1, static_cast<char>('a' + number - 1)) + ")";
    return std::to_string(number) + ".";
  }

 private:
  std::map<std::string, std::map<int, std::string>> formats_;
  std::map<std::string, std::map<int, int>> counts_;
};

class WordReader {
 public:
  Styles styles;
  Numbering numbering;
  std::map<std::string, std::string> footnotes;  // by id
  RichDocument document;
  std::int64_t n_hidden = 0;

  void read_body(const xmlNode* body, int depth) {
    if (depth > kMaxDepth) return;
    for (const xmlNode* node = body ? body->children : nullptr; node; node = node->next) {
      if (is_element(node, "p")) paragraph(node, depth);
      else if (is_element(node, "tbl")) table(node, depth);
      else if (is_element(node, "sdt")) read_body(child_of(node, "sdtContent"), depth + 1);
      else if (is_element(node, "ins") || is_element(node, "customXml") || is_element(node, "smartTag")) read_body(node, depth + 1);
    }
  }

  void end_part() {
    for (const auto& [mark, id] : notes_of_part_) blocks_.footnote(std::to_string(mark) + " " + footnotes[id]);
    notes_of_part_.clear();
    if (blocks_.empty()) return;
    document.parts.push_back({part_name_, blocks_.take()});
    if (n_hidden > 0) document.parts.back().text.note = "hidden text left out (characters marked hidden or white " + std::to_string(n_hidden) + ")";
    n_hidden = 0;
  }

 private:
  void paragraph(const xmlNode* node, int depth) {
    const xmlNode* properties = child_of(node, "pPr");
    const std::string style = value_of(properties, "pStyle");
    std::string text;
    boxes_.clear();
    runs_of(node, text, depth);
    const std::vector<const xmlNode*> boxes = std::move(boxes_);
    const int outline = number_in(value_of(properties, "outlineLvl"), -1);
    const int level = outline >= 0 && outline < 9 ? std::min(outline + 1, 6) : styles.level(style);
    const xmlNode* list = child_of(properties, "numPr");
    std::string list_id = value_of(list, "numId");
    if (list_id.empty()) list_id = styles.numbering(style);
    if (level > 0) {
      heading(level, text);
    } else if (!list_id.empty() && list_id != "0") {
      const int depth_of_list = std::clamp(number_in(value_of(list, "ilvl"), 0), 0, 8);
      if (!collapsed(text).empty()) blocks_.item(depth_of_list, numbering.marker(list_id, depth_of_list), text);
    } else if (styles.is_caption(style)) {
      blocks_.caption(text);
    } else {
      blocks_.paragraph(text);
    }
    for (const xmlNode* box : boxes) read_body(box, depth + 1);
  }

  void heading(int level, const std::string& text) {
    const std::string line = collapsed(text);
    if (line.empty()) return;
    if (level <= 2 && blocks_.n_bytes() > kBytesPerPart) {
      end_part();
      part_name_ = line;
    } else if (part_name_.empty()) {
      part_name_ = line;
    }
    blocks_.heading(level, line);
  }

  /// The text of a paragraph's runs as it is read after all changes are accepted.
  void runs_of(const xmlNode* node, std::string& text, int depth) {
    if (depth > kMaxDepth) return;
    for (const xmlNode* child = node->children; child; child = child->next) {
      if (child->type != XML_ELEMENT_NODE) continue;
      const std::string_view name = name_of(child);
      if (name == "pPr" || name == "rPr" || name == "del" || name == "delText" || name == "instrText" || name == "moveFrom" || name == "Fallback" || name == "annotationRef") continue;
      if (name == "t") {
        text += text_below(child);
      } else if (name == "tab" || name == "br" || name == "cr") {
        text += ' ';
      } else if (name == "noBreakHyphen") {
        text += '-';
      } else if (name == "footnoteReference" || name == "endnoteReference") {
        note(std::string(name == "endnoteReference" ? "e" : "f") + attribute(child, "id"), text);
      } else if (name == "txbxContent") {
        boxes_.push_back(child);
      } else if (name == "r" && is_hidden(child_of(child, "rPr"))) {
        std::string hidden;
        runs_of(child, hidden, depth + 1);
        n_hidden += static_cast<std::int64_t>(collapsed(hidden).size());
      } else {
        runs_of(child, text, depth + 1);
      }
    }
  }

  static bool is_hidden(const xmlNode* properties) {
    if (!properties) return false;
    if (is_on(properties, "vanish") || is_on(properties, "webHidden")) return true;
    const bool white = value_of(properties, "color") == "FFFFFF";
    return (white && !child_of(properties, "shd") && !child_of(properties, "highlight")) || number_in(value_of(properties, "sz"), 20) <= 2;
  }

  void note(const std::string& id, std::string& text) {
    const auto known = footnotes.find(id);
    if (known == footnotes.end() || known->second.empty()) return;
    notes_of_part_.emplace_back(++n_notes_, id);
    text += "[" + std::to_string(n_notes_) + "]";
  }

  std::string cell_text(const xmlNode* cell, int depth) {
    std::string text;
    for (const xmlNode* node = cell->children; node && depth < kMaxDepth; node = node->next) {
      if (is_element(node, "p")) {
        runs_of(node, text, depth + 1);
        text += ' ';
      } else if (is_element(node, "tbl") || is_element(node, "tr") || is_element(node, "tc") || is_element(node, "sdt") || is_element(node, "sdtContent")) {
        text += cell_text(node, depth + 1) + ' ';
      }
    }
    return text;
  }

  void table(const xmlNode* node, int depth) {
    std::vector<std::vector<std::string>> rows;
    for (const xmlNode* row = node->children; row; row = row->next) {
      if (!is_element(row, "tr")) continue;
      std::vector<std::string> cells;
      for (const xmlNode* cell = row->children; cell; cell = cell->next) {
        if (!is_element(cell, "tc")) continue;
        const xmlNode* properties = child_of(cell, "tcPr");
        const xmlNode* merge = child_of(properties, "vMerge");
        cells.push_back(merge && attribute(merge, "val") != "restart" ? "" : cell_text(cell, depth));
        const int span = std::clamp(number_in(value_of(properties, "gridSpan"), 1), 1, 100);
        cells.resize(cells.size() + static_cast<std::size_t>(span) - 1);
      }
      if (!cells.empty()) rows.push_back(std::move(cells));
    }
    // One cell is a frame around text.
    if (rows.size() == 1 && rows[0].size() == 1) return blocks_.paragraph(rows[0][0]);
    blocks_.table(rows);
  }

  TextBlocks blocks_;
  std::string part_name_;
  std::vector<const xmlNode*> boxes_;
  std::vector<std::pair<int, std::string>> notes_of_part_;
  int n_notes_ = 0;
};

/// A part that a document may lack; not being readable is an error all the same.
Result<XmlTree> optional_part(ZipArchive& archive, const std::string& name) {
  if (!archive.has(name)) return XmlTree();
  TRY_ASSIGN(const std::string bytes, archive.read(name));
  return parse_xml(bytes, name);
}

const xmlNode* root_of(const XmlTree& tree) { return tree ? xmlDocGetRootElement(tree.get()) : nullptr; }

Result<void> read_notes(ZipArchive& archive, const std::string& name, char prefix, std::map<std::string, std::string>& notes) {
  TRY_ASSIGN(const XmlTree tree, optional_part(archive, name));
  const xmlNode* root = root_of(tree);
  for (const xmlNode* note = root ? root->children : nullptr; note; note = note->next) {
    const bool is_note = note->type == XML_ELEMENT_NODE && attribute(note, "type").empty();  // the others are separators
    if (is_note) notes[prefix + attribute(note, "id")] = collapsed(text_below(note));
  }
  return {};
}

}  // namespace

Result<RichDocument> read_word(ZipArchive& archive) {
  WordReader reader;
  TRY_ASSIGN(const XmlTree styles, optional_part(archive, "word/styles.xml"));
  reader.styles.read(root_of(styles));
  TRY_ASSIGN(const XmlTree numbering, optional_part(archive, "word/numbering.xml"));
  reader.numbering.read(root_of(numbering));
  TRY(read_notes(archive, "word/footnotes.xml", 'f', reader.footnotes));
  TRY(read_notes(archive, "word/endnotes.xml", 'e', reader.footnotes));
  TRY_ASSIGN(const std::string bytes, archive.read("word/document.xml"));
  TRY_ASSIGN(const XmlTree body, parse_xml(bytes, "word/document.xml"));
  TRY_ASSIGN(const XmlTree core, optional_part(archive, "docProps/core.xml"));
  if (const xmlNode* title = child_of(root_of(core), "title")) reader.document.title = collapsed(text_below(title));
  reader.read_body(child_of(root_of(body), "body"), 0);
  reader.end_part();
  if (reader.document.parts.size() == 1) reader.document.parts[0].name.clear();
  return std::move(reader.document);
}

}  // namespace app
