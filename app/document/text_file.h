#pragma once

#include <string>
#include <string_view>

#include "app/document/page.h"

namespace app {

struct DecodedText {
  std::string text;      // clean_text()
  std::string encoding;  // "UTF-8", "UTF-16", "Shift_JIS", "KOI8-R", "Windows-1252", ...
};

/// By byte order mark, else strict UTF-8, else what the statistics of languages say, else Windows-1252.
DecodedText decode_text(std::string_view bytes);

/// Spans over lines: code in pieces of 1 to 6 lines that end at blank lines; prose (plain text,
/// Markdown) in sentences, with its headings, lists, tables and code.
PartText code_part(std::string text);
PartText prose_part(std::string text, bool is_markdown);

/// Whether a language of language_of() is prose.
bool is_prose(std::string_view language);

}  // namespace app
