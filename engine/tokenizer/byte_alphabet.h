#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace engine {

/// Byte-level vocabularies write each byte as one printable character: 33-126, 161-172 and 174-255
/// stand for themselves, the other 68 bytes are U+0100, U+0101, ... in order (GPT-2, encoder.py).
char32_t letter_of_byte(unsigned char byte);

/// The bytes of a vocabulary entry; nothing when it holds a character that stands for no byte.
std::optional<std::string> bytes_of_letters(std::string_view letters);

}  // namespace engine
