#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace app {

/// UTF-8, NFC, ligatures written out, no control characters, no soft hyphens; what is not valid
/// becomes U+FFFD. `n_odd` grows by the number of characters that are no text (private use, U+FFFD).
std::string clean_word(std::string_view utf8, std::int64_t& n_odd);

/// Whole text of a file: valid UTF-8 in NFC, LF line ends, tabs kept, control characters left out.
std::string clean_text(std::string_view utf8);

/// Half-open byte ranges of the sentences of one paragraph, without the spaces around them. Knows
/// common abbreviations, initials and numbers of English and a few other languages, and the full
/// stops of Chinese and Japanese. No range is longer than `max_bytes`.
std::vector<std::pair<std::uint32_t, std::uint32_t>> split_sentences(std::string_view paragraph, std::uint32_t max_bytes = 1200);

/// The code point at `at` and its length in bytes (invalid bytes: U+FFFD, 1).
std::pair<char32_t, int> code_point(std::string_view text, std::size_t at);
void append_code_point(std::string& text, char32_t code);
bool is_letter(char32_t code);
bool is_lower(char32_t code);
bool is_upper(char32_t code);

}  // namespace app
