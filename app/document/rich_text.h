#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/document/page.h"
#include "engine/base/result.h"

/// Documents with structure and no pages: HTML, Word (.docx), EPUB. Only text is taken: nothing is run,
/// nothing is loaded, what is hidden is left out and counted. Lives in the worker process.
namespace app {

enum class RichFormat { kHtml, kWord, kEpub };

/// A chapter, or the whole of a short document.
struct RichPart {
  std::string name;   // its heading; empty: the whole document
  PartText text;
};

struct RichDocument {
  std::string title;
  std::vector<RichPart> parts;
};

/// The format by what the file contains, helped by the extension (".html") where text has no mark of
/// its own. Nothing: none of them.
std::optional<RichFormat> rich_format_of(std::string_view beginning, std::string_view extension);

/// Errors are for the user: damaged, a zip bomb, encrypted, without text.
engine::Result<RichDocument> read_rich(RichFormat format, std::string_view bytes);

}  // namespace app
