#pragma once

#include <string>
#include <string_view>

namespace app {

/// Why a file of a tree is left out, by its path inside the tree: lock files, minified code, pictures
/// and other things nobody asks about. Empty: it may be read.
std::string left_out_by_name(std::string_view path);

/// Why a file is left out, by its bytes: binary, generated, minified. Empty: it is text to be read.
std::string left_out_by_content(std::string_view path, std::string_view bytes);

/// "C++", "Python", "Markdown", ... by name, else by the first line (#!); empty when unknown.
std::string language_of(std::string_view path, std::string_view first_line);

}  // namespace app
