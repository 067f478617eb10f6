#pragma once

#include <string>

#include "app/document/paragraphs.h"

namespace app {

/// The text of a page with its spans and words, from the words as they were read. Every word of the
/// text keeps the box it was printed in, through hyphenation and all other clean-up.
PartText build_page(const RawPage& page, const std::string& margins, const DocumentStyle& style);

/// What these pages have in common. `outline` entries come from the document.
void learn_style(const RawPage& page, DocumentStyle& style, std::map<int, std::int64_t>& bytes_by_size);

}  // namespace app
