#pragma once

#include <string>
#include <string_view>

#include "app/document/paragraphs.h"

namespace app {

/// The note of a page that has a picture and no text.
inline constexpr std::string_view kPicturePage = "a picture without text; text recognition can read it";

/// The text of a page with its spans and words, from the words as they were read. Every word of the
/// text keeps the box it was printed in, through hyphenation and all other clean-up.
PartText build_page(const RawPage& page, const std::string& margins, const DocumentStyle& style);

/// What these pages have in common. `outline` entries come from the document.
void learn_style(const RawPage& page, DocumentStyle& style, std::map<int, std::int64_t>& bytes_by_size);

}  // namespace app
