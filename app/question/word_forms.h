#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace app {

/// A word of a text: a run of letters, digits, marks and `_`, with -, . and apostrophes between them,
/// and commas between digits.
struct CutWord {
  std::size_t begin = 0;    // bytes, half-open
  std::size_t end = 0;
  bool unspaced = false;    // of a script that writes no spaces between words: a run of many words
};

std::vector<CutWord> cut_words(std::string_view text);

/// The words that an identifier, a file name or a compound is made of, in lower case: "is_leap", "readCsv", "smoke.py". Empty
/// for a plain word.
std::vector<std::string> word_parts(std::string_view word);

/// Lower case, with the typewriter's apostrophe for the typographic one.
std::string folded(std::string_view word);

/// Words that say nothing about what is asked for: English, German, French, Spanish, Italian, Portuguese, Dutch.
bool is_function_word(std::string_view folded_word);

/// Words that belong to the asking more often than to what is asked for: "mentions", "report", "explained".
bool is_asking_word(std::string_view folded_word);

/// The part that the forms of an English word share: "studies" and "studied" are "study", "frog's" is "frog".
std::string stem(std::string_view folded_word);

/// A name, a number or an identifier: what a text either holds or does not.
bool is_exact_word(std::string_view word, bool begins_sentence);

}  // namespace app
