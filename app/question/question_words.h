#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace app {

/// The words of some passages, ready to be looked up. Words are runs of letters, digits, marks and `_`, with -, . and
/// apostrophes inside them; letter case is set aside. Function words of seven languages are left out.
class PassageWords {
 public:
  struct Place {
    std::string folded;         // lower case
    std::string surface;        // as it stands
    std::uint32_t passage = 0;  // index into `spans`
    std::uint32_t ordinal = 0;  // the how manieth word of its passage
    bool follows = false;       // nothing but one space stands between it and the word before it
  };

  /// `spans`: half-open byte ranges of `text`, one for each passage. Nothing of `text` is kept.
  PassageWords(std::string_view text, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& spans);

  std::uint32_t size() const { return n_passages_; }
  const std::vector<Place>& words() const { return words_; }        // sorted by `folded`, then as they stand
  const std::vector<Place>& unspaced() const { return unspaced_; }  // runs of scripts that write no spaces between words

 private:
  std::uint32_t n_passages_ = 0;
  std::vector<Place> words_;
  std::vector<Place> unspaced_;
};

struct QuestionWords {
  std::vector<std::string> words;  // the hook first, then the rarest; empty: there are only function words
  bool found = false;              // a passage holds all of them
};

/// What a model that finds words should be asked to find: the words of `question` that stand together in the passage
/// which holds the most telling ones, spelt as they stand there ("frogs" finds "Frog"), at most five. A word is the
/// more telling, the fewer passages hold it (its weight is the logarithm of passages per holding passage).
///
/// Words that stand side by side in the passage are one item of the list. The rarest item is the hook, by which the
/// model finds the passage. If other passages hold it too, the hook is the last in the passage of the rarest items that
/// only this passage holds together: a model reads forwards, and at that place the passage has shown the others. The
/// model is trained with this order (tools/train/samples.py).
///
/// A word that stands nowhere is left out if the others stand together in at most three passages. Otherwise, and if it is
/// a name, a number, an identifier or in quotation marks, it is what is asked for, so that the answer is "not found".
QuestionWords choose_words(std::string_view question, const std::vector<const PassageWords*>& sources);

/// "wiregrass, cover and plots"
std::string list_words(const std::vector<std::string>& words);

}  // namespace app
