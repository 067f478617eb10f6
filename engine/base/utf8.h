#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace engine {

enum class Utf8Kind { kValid, kInvalid, kIncomplete };

/// What starts at a byte: a character, a maximal ill-formed part (one U+FFFD when shown), or the
/// beginning of a character that the text ends inside of.
struct Utf8Step {
  Utf8Kind kind = Utf8Kind::kInvalid;
  std::size_t size = 0;        // bytes, at least 1
  char32_t code_point = 0;     // of a valid character
};

/// `begin` < text.size(). Surrogates, overlong forms and values above U+10FFFF are invalid
/// (Unicode 15, table 3-7).
Utf8Step next_utf8(std::string_view text, std::size_t begin);

void append_utf8(std::string& text, char32_t code_point);

}  // namespace engine
