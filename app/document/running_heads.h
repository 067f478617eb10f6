#pragma once

#include <span>
#include <string>

#include "app/document/layout.h"

namespace app {

/// Takes running heads, running feet and page numbers out of `page` and returns their text, one line
/// each. They are the outermost lines that stand at the same height with the same words (numbers
/// aside) on another page of `neighbours`, and numbers that are the page's own.
std::string take_running_heads(RawPage& page, std::span<const RawPage* const> neighbours);

}  // namespace app
