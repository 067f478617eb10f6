#pragma once

#include <string>
#include <string_view>

namespace app {

/// Text as it may stand in HTML or XML, in an element or an attribute: markup is escaped, control characters that
/// XML forbids are left out.
std::string escape_markup(std::string_view text);

}  // namespace app
