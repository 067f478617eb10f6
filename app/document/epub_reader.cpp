#include "app/document/epub_reader.h"

#include <map>
#include <vector>

#include "app/document/html_reader.h"
#include "app/document/text_blocks.h"
#include "app/document/xml_tree.h"

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

constexpr std::size_t kMaxChapters = 20'000;

std::string percent_decoded(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1])) && std::isxdigit(static_cast<unsigned char>(text[i + 2]));
    if (escape) result += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
    else result += text[i];
    if (escape) i += 2;
  }
  return result;
}

/// `reference` as the archive names it, seen from the folder of `base`.
std::string member_name(const std::string& base, const std::string& reference) {
  std::string path = percent_decoded(reference.substr(0, reference.find('#')));
  path = path.starts_with('/') ? path.substr(1) : base.substr(0, base.rfind('/') + 1) + path;
  std::vector<std::string> folders;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string step = path.substr(at, end - at);
    if (step == "..") {
      if (!folders.empty()) folders.pop_back();
    } else if (!step.empty() && step != ".") {
      folders.push_back(step);
    }
    at = end + 1;
  }
  std::string name;
  for (const std::string& folder : folders) name += (name.empty() ? "" : "/") + folder;
  return name;
}

struct Package {
  std::string title;
  std::vector<std::string> chapters;  // members, in reading order
};

Result<Package> read_package(ZipArchive& archive) {
  TRY_ASSIGN(const std::string container_bytes, archive.read("META-INF/container.xml"));
  TRY_ASSIGN(const XmlTree container, parse_xml(container_bytes, "META-INF/container.xml"));
  const xmlNode* root_file = child_of(child_of(xmlDocGetRootElement(container.get()), "rootfiles"), "rootfile");
  const std::string name = root_file ? member_name("", attribute(root_file, "full-path")) : "";
  TRY_ASSIGN(const std::string bytes, archive.read(name));
  TRY_ASSIGN(const XmlTree tree, parse_xml(bytes, name));
  const xmlNode* root = xmlDocGetRootElement(tree.get());
  Package package;
  if (const xmlNode* title = child_of(child_of(root, "metadata"), "title")) package.title = collapsed(text_below(title));
  std::map<std::string, std::string> members;
  const xmlNode* manifest = child_of(root, "manifest");
  for (const xmlNode* item = manifest ? manifest->children : nullptr; item; item = item->next) {
    if (is_element(item, "item") && attribute(item, "media-type").find("html") != std::string::npos) members[attribute(item, "id")] = member_name(name, attribute(item, "href"));
  }
  const xmlNode* spine = child_of(root, "spine");
  for (const xmlNode* item = spine ? spine->children : nullptr; item && package.chapters.size() < kMaxChapters; item = item->next) {
    const auto member = is_element(item, "itemref") ? members.find(attribute(item, "idref")) : members.end();
    if (member != members.end()) package.chapters.push_back(member->second);
  }
  return package;
}

std::string first_heading(const PartText& text) {
  for (const Span& span : text.spans) {
    if (span.kind == SpanKind::kHeading) return text.text.substr(span.begin, span.end - span.begin);
  }
  return "";
}

}  // namespace

Result<RichDocument> read_epub(ZipArchive& archive) {
  TRY_ASSIGN(const Package package, read_package(archive));
  if (archive.has("META-INF/rights.xml")) {
    return Error{ErrorCode::kUnsupported, "The book is protected against copying and cannot be read. Ask its seller for an unprotected file."};
  }
  RichDocument document;
  document.title = package.title;
  for (const std::string& member : package.chapters) {
    TextBlocks blocks;
    const Result<std::string> bytes = archive.read(member);
    const Result<HtmlText> page = bytes ? read_html(*bytes, blocks) : Result<HtmlText>(bytes.error());
    if (!page && page.error().code == ErrorCode::kUnsupported) return page.error();
    RichPart part;
    part.text = blocks.take();
    if (!page) part.text.note = page.error().message;
    if (page && page->n_hidden > 0) part.text.note = "hidden text left out (" + std::to_string(page->n_hidden) + " characters)";
    if (part.text.text.empty() && page) continue;  // a cover or a picture
    part.name = first_heading(part.text);
    if (part.name.empty() && page) part.name = page->title;
    if (part.name.empty()) part.name = "section " + std::to_string(document.parts.size() + 1);
    document.parts.push_back(std::move(part));
  }
  return document;
}

}  // namespace app
