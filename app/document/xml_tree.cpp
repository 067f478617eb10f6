#include "app/document/xml_tree.h"

#include <libxml/parser.h>

#include <climits>

namespace app {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

Result<XmlTree> parse_xml(std::string_view bytes, const std::string& what) {
  const Error broken{ErrorCode::kCorrupt, "The document is damaged: its part \"" + what + "\" is not well-formed. Save it again in the program it came from."};
  if (bytes.size() > static_cast<std::size_t>(INT_MAX)) return broken;
  XmlTree tree(xmlReadMemory(bytes.data(), static_cast<int>(bytes.size()), nullptr, nullptr, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA | XML_PARSE_COMPACT));
  if (!tree || !xmlDocGetRootElement(tree.get())) return broken;
  if (tree->intSubset && tree->intSubset->entities) {
    return Error{ErrorCode::kUnsupported, "The document's part \"" + what + "\" defines entities, as documents made to do harm do. Save it again in the program it came from."};
  }
  return tree;
}

std::string_view name_of(const xmlNode* node) { return node->name ? reinterpret_cast<const char*>(node->name) : ""; }

bool is_element(const xmlNode* node, std::string_view name) { return node->type == XML_ELEMENT_NODE && name_of(node) == name; }

std::string attribute(const xmlNode* node, const char* name) {
  for (const xmlAttr* each = node->properties; each; each = each->next) {
    if (std::string_view(reinterpret_cast<const char*>(each->name)) != name) continue;
    xmlChar* value = xmlNodeListGetString(node->doc, each->children, 1);
    const std::string text = value ? reinterpret_cast<const char*>(value) : "";
    xmlFree(value);
    return text;
  }
  return "";
}

const xmlNode* child_of(const xmlNode* node, std::string_view name) {
  for (const xmlNode* child = node ? node->children : nullptr; child; child = child->next) {
    if (is_element(child, name)) return child;
  }
  return nullptr;
}

std::string text_below(const xmlNode* node) {
  xmlChar* content = xmlNodeGetContent(node);
  const std::string text = content ? reinterpret_cast<const char*>(content) : "";
  xmlFree(content);
  return text;
}

}  // namespace app
