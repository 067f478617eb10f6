#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace app {

/// The words of some passages, ready to be looked up. Words are runs of letters, digits, marks and `_`, with -, . and
/// apostrophes inside them; letter case is set aside.
class PassageWords {
 public:
  struct Place {
    std::string folded;         // lower case
    std::string surface;        // as it stands
    std::uint32_t passage = 0;  // index into `spans`
    std::uint32_t ordinal = 0;  // the how manieth word of its passage
    bool follows = false;       // nothing but one space stands between it and the word before it
    bool unspaced = false;      // a run of a script that writes no spaces between words
  };

  /// `spans`: half-open byte ranges of `text`, one for each passage. Nothing of `text` is kept.
  PassageWords(std::string_view text, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& spans);

  std::uint32_t size() const { return static_cast<std::uint32_t>(first_.size() - 1); }
  /// Null where the passage has no such word.
  const Place* at(std::uint32_t passage, std::uint32_t ordinal) const;
  /// The places whose folded words begin with `begin`, function words left out; in the order of the words, then as they stand.
  std::vector<const Place*> beginning_with(std::string_view begin) const;
  /// The identifiers and compounds that have this word as a part.
  std::vector<const Place*> with_part(std::string_view folded_part) const;
  std::vector<const Place*> unspaced() const;

 private:
  std::vector<Place> words_;            // in reading order
  std::vector<std::uint32_t> first_;    // of each passage, and the end
  std::vector<std::uint32_t> sorted_;   // of words_, by folded word
  std::vector<std::pair<std::string, std::uint32_t>> parts_;  // sorted; of words_
};

struct QuestionWords {
  std::vector<std::string> words;  // the rarest first; empty: there are only function words
  bool found = false;              // a passage holds all of them
};

/// What a model that finds words should be asked to find: the words of `question` that stand together in the passage
/// which holds the most telling ones, spelt as they stand there ("frogs" finds "Frog", and "leap" finds "is_leap" if no
/// "leap" stands by itself), at most five. A word is the
/// more telling, the fewer passages hold it (its weight is the logarithm of passages per holding passage).
///
/// Words that stand side by side in the passage are one item of the list, the rarest item first: by it the model finds
/// the passage. If other passages hold that item too, or a longer word that begins like it, it takes along its neighbours
/// in the passage until it stands only there, because a small model follows words better than it weighs passages against
/// each other. Where two to four passages hold all of the words, they are asked for as they are, so that all are found.
///
/// A word that stands nowhere is left out if the passage holds two fifths of the weight of all words. Otherwise, and if it
/// is a name, a number, an identifier or in quotation marks, it is what is asked for, so that the answer is "not found".
QuestionWords choose_words(std::string_view question, const std::vector<const PassageWords*>& sources);

/// "wiregrass, cover and plots"
std::string list_words(const std::vector<std::string>& words);

}  // namespace app
