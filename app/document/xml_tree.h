#pragma once

#include <libxml/tree.h>

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

/// What the readers of XML inside documents share. Only they include this: it shows libxml2.
namespace app {

struct XmlCloser {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
using XmlTree = std::unique_ptr<xmlDoc, XmlCloser>;

/// Parses without network, DTDs or entities. A document type with definitions of its own is refused:
/// documents need none, and they are how a small file grows.
engine::Result<XmlTree> parse_xml(std::string_view bytes, const std::string& what);

/// The element's name without its namespace.
std::string_view name_of(const xmlNode* node);
bool is_element(const xmlNode* node, std::string_view name);
/// The value of an attribute, whatever its namespace; empty: not there.
std::string attribute(const xmlNode* node, const char* name);
/// The first child of this name; null: none.
const xmlNode* child_of(const xmlNode* node, std::string_view name);
/// All text below.
std::string text_below(const xmlNode* node);

}  // namespace app
