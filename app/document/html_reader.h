#pragma once

#include <string>
#include <string_view>

#include "app/document/text_blocks.h"
#include "engine/base/result.h"

namespace app {

struct HtmlText {
  std::string title;
  std::int64_t n_hidden = 0;   // bytes of text in elements that are not shown
};

/// Adds the text of a page to `blocks`: HTML in any state of repair, and XHTML.
engine::Result<HtmlText> read_html(std::string_view bytes, TextBlocks& blocks);

}  // namespace app
