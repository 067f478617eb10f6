#include "app/question/question_words.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "app/question/word_forms.h"

namespace app {
namespace {

constexpr std::size_t kMaxTerms = 32;
constexpr std::size_t kMaxWords = 5;
constexpr std::size_t kMaxAbsent = 3;
constexpr double kTelling = 0.4;           // of the weight of all words, that a passage must hold where some of them stand nowhere
constexpr std::size_t kMaxMatches = 4;     // passages with all of the words that are asked for together
constexpr std::size_t kMaxNeighbours = 4;  // that the hook takes along
constexpr std::size_t kMaxUnspaced = 24;   // bytes of a piece of a run without spaces
constexpr std::size_t kMinUnspaced = 6;    // two Chinese characters
constexpr double kAskingWord = 0.3;        // of the weight of other words
constexpr double kNeighbours = 0.25;       // of the lighter word's weight, for words that stand side by side here and there
constexpr double kExactWord = 2.0;         // times the weight of other words: names, numbers, identifiers
constexpr double kOtherForm = 0.8;         // of the weight, where a passage holds another form of the word
constexpr double kInside = 0.7;            // or has it as a part of an identifier
constexpr double kEarly = 1e-3;            // decides between passages that are equal otherwise: what a passage is about stands at its beginning

/// Where a word of the question stands: the passages counted through all sources.
struct Hit {
  std::uint32_t passage = 0;
  std::uint32_t ordinal = 0;
  bool follows = false;
  std::string folded;
  std::string surface;
  double likeness = 1.0;  // 1: the word itself
};

struct Term {
  std::string surface;
  std::string folded;
  std::uint32_t ordinal = 0;
  bool is_exact = false;
  bool is_asking = false;      // may be missing without a word
  std::vector<Hit> hits = {};  // ascending by passage and ordinal
  std::size_t n_passages = 0;
  double weight = 0.0;
};

using Sources = std::vector<const PassageWords*>;

std::vector<Hit> hits_of_word(const Sources& sources, const std::string& word) {
  const std::string root = stem(word);
  const std::string begin = word.substr(0, std::min<std::size_t>(3, root.size()));
  std::vector<Hit> hits;
  std::vector<Hit> inside;
  std::uint32_t before = 0;
  for (const PassageWords* source : sources) {
    const auto hit_at = [before](const PassageWords::Place& place, double likeness) {
      return Hit{before + place.passage, place.ordinal, place.follows, place.folded, place.surface, likeness};
    };
    for (const PassageWords::Place* place : source->beginning_with(begin)) {
      if (place->folded == word || stem(place->folded) == root) hits.push_back(hit_at(*place, place->folded == word ? 1.0 : kOtherForm));
    }
    for (const PassageWords::Place* place : source->with_part(word)) inside.push_back(hit_at(*place, kInside));
    before += source->size();
  }
  if (hits.empty()) hits = std::move(inside);
  std::ranges::stable_sort(hits, {}, [](const Hit& hit) { return std::pair(hit.passage, hit.ordinal); });
  return hits;
}

std::vector<Hit> hits_of_piece(const Sources& sources, std::string_view piece) {
  std::vector<Hit> hits;
  std::uint32_t before = 0;
  for (const PassageWords* source : sources) {
    for (const PassageWords::Place* run : source->unspaced()) {
      if (run->folded.find(piece) != std::string::npos) hits.push_back({before + run->passage, run->ordinal, false, std::string(piece), std::string(piece)});
    }
    before += source->size();
  }
  return hits;
}

/// The word at a place, the passages counted through all sources; null where there is none to stand beside others.
const PassageWords::Place* word_at(const Sources& sources, std::uint32_t passage, std::int64_t ordinal) {
  if (ordinal < 0) return nullptr;
  for (const PassageWords* source : sources) {
    if (passage < source->size()) {
      const PassageWords::Place* place = source->at(passage, static_cast<std::uint32_t>(ordinal));
      return place == nullptr || place->unspaced ? nullptr : place;
    }
    passage -= source->size();
  }
  return nullptr;
}

std::size_t count_passages(const std::vector<Hit>& hits) {
  std::set<std::uint32_t> passages;
  for (const Hit& hit : hits) passages.insert(hit.passage);
  return passages.size();
}

bool begins_character(std::string_view text, std::size_t at) { return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80; }

/// The pieces of a run without spaces that stand in the passages, the longest first from the left.
void add_pieces(const Sources& sources, std::string_view run, std::uint32_t ordinal, std::vector<Term>& terms) {
  const std::size_t n_before = terms.size();
  for (std::size_t at = 0; at < run.size();) {
    std::size_t n = std::min(run.size() - at, kMaxUnspaced);
    std::vector<Hit> hits;
    for (; n >= kMinUnspaced; --n) {
      if (!begins_character(run, at + n)) continue;
      hits = hits_of_piece(sources, run.substr(at, n));
      if (!hits.empty()) break;
    }
    if (hits.empty()) {
      for (++at; !begins_character(run, at);) ++at;
      continue;
    }
    const std::string piece(run.substr(at, n));
    terms.push_back({piece, piece, ordinal, false, false, std::move(hits)});
    at += n;
  }
  if (terms.size() == n_before) terms.push_back({std::string(run), std::string(run), ordinal, false, false, {}});
}

/// Whether the place stands between quotation marks: an odd number of them before it.
bool is_quoted(std::string_view question, std::size_t at) {
  const std::string_view before = question.substr(0, at);
  if (before.rfind("\u201C") != std::string_view::npos && before.rfind("\u201C") > before.rfind("\u201D") + 1) return true;
  return std::ranges::count(before, '"') % 2 == 1 && question.find('"', at) != std::string_view::npos;
}

std::vector<Term> terms_of(std::string_view question, const Sources& sources) {
  std::vector<Term> terms;
  std::set<std::string> stems;
  std::uint32_t ordinal = 0;
  for (const CutWord& word : cut_words(question)) {
    if (terms.size() >= kMaxTerms) break;
    const std::string surface(question.substr(word.begin, word.end - word.begin));
    const bool is_first = ordinal == 0;
    ++ordinal;
    if (word.unspaced) {
      add_pieces(sources, surface, ordinal, terms);
      continue;
    }
    const std::string lower = folded(surface);
    const bool quoted = is_quoted(question, word.begin);
    if (is_function_word(lower) || !stems.insert(stem(lower)).second) continue;
    const bool asks = !quoted && is_asking_word(lower);
    terms.push_back({surface, lower, ordinal, quoted || (!asks && is_exact_word(surface, is_first)), asks, hits_of_word(sources, lower)});
  }
  // A question in capitals, or in a language that capitalises its nouns, has no names that could be told apart.
  const auto begins_big = [](const Term& term) { return is_exact_word(term.surface.substr(0, 1), false); };
  if (terms.size() > 2 && std::ranges::all_of(terms, begins_big)) {
    for (Term& term : terms) term.is_exact = false;
  }
  return terms;
}

void weigh(std::vector<Term>& terms, const Sources& sources) {
  std::size_t n = 0;
  for (const PassageWords* source : sources) n += source->size();
  for (Term& term : terms) {
    term.n_passages = count_passages(term.hits);
    term.weight = std::log((static_cast<double>(n) + 1.0) / (static_cast<double>(term.n_passages) + 0.5));
    term.weight = std::max(term.weight, 0.01) * (term.is_asking ? kAskingWord : term.is_exact ? kExactWord : 1.0);
  }
}

/// Words of the question that stand side by side in a passage too; function words between them do not count.
void add_neighbours(const Term& left, const Term& right, const Sources& sources, std::map<std::uint32_t, double>& scores) {
  if (right.ordinal != left.ordinal + 1) return;
  std::set<std::uint32_t> seen;
  for (const Hit& hit : left.hits) {
    std::uint32_t at = hit.ordinal + 1;
    for (const PassageWords::Place* word = word_at(sources, hit.passage, at); word != nullptr && at < hit.ordinal + 3 && is_function_word(word->folded);) {
      word = word_at(sources, hit.passage, ++at);
    }
    const auto key = std::pair(hit.passage, at);
    const auto next = std::ranges::lower_bound(right.hits, key, {}, [](const Hit& other) { return std::pair(other.passage, other.ordinal); });
    if (next == right.hits.end() || std::pair(next->passage, next->ordinal) != key || !seen.insert(hit.passage).second) continue;
    scores[hit.passage] += kNeighbours * std::min(left.weight, right.weight);
  }
}

/// How much of a word's weight each passage has that holds it.
std::map<std::uint32_t, double> weights_of(const Term& term) {
  std::map<std::uint32_t, double> weights;
  for (const Hit& hit : term.hits) {
    double& weight = weights[hit.passage];
    weight = std::max(weight, term.weight * hit.likeness);
  }
  return weights;
}

/// The passage with the most telling words; the first among equals.
std::optional<std::uint32_t> best_passage(const std::vector<Term>& terms, const Sources& sources) {
  std::map<std::uint32_t, double> scores;
  std::map<std::uint32_t, std::uint32_t> first;
  for (const Term& term : terms) {
    for (const auto& [passage, weight] : weights_of(term)) scores[passage] += weight;
    for (const Hit& hit : term.hits) first[hit.passage] = std::min(first.try_emplace(hit.passage, hit.ordinal).first->second, hit.ordinal);
  }
  for (const auto& [passage, ordinal] : first) scores[passage] += kEarly / (1.0 + ordinal);
  for (std::size_t i = 1; i < terms.size(); ++i) add_neighbours(terms[i - 1], terms[i], sources, scores);
  std::optional<std::uint32_t> best;
  double most = 0.0;
  for (const auto& [passage, score] : scores) {
    if (score <= most) continue;
    most = score;
    best = passage;
  }
  return best;
}

/// What share of the words' weight the passage holds.
double share_held(std::uint32_t passage, const std::vector<Term>& terms) {
  double held = 0.0;
  double all = 0.0;
  for (const Term& term : terms) {
    if (term.is_asking) continue;
    const auto weights = weights_of(term);
    const auto here = weights.find(passage);
    held += here == weights.end() ? 0.0 : here->second;
    all += term.weight;
  }
  return all > 0.0 ? held / all : 1.0;
}

std::vector<std::string> absent_words(const std::vector<Term>& terms, bool only_exact) {
  std::vector<std::string> words;
  for (const Term& term : terms) {
    if (term.hits.empty() && !term.is_asking && (term.is_exact || !only_exact) && words.size() < kMaxAbsent) words.push_back(term.surface);
  }
  return words;
}

using WordAt = std::pair<std::uint32_t, std::uint32_t>;  // passage, ordinal

/// A word of the question as it stands in the chosen passage, or several that stand side by side there.
struct Item {
  std::string text;
  std::uint32_t first = 0;     // ordinals in the chosen passage, inclusive
  std::uint32_t last = 0;
  std::set<WordAt> ends;       // where its last word stands, in all passages that hold it in this form
  std::set<WordAt> following;  // those of `ends` where nothing but a space stands before the word
  std::set<std::uint32_t> alike = {};  // passages where the item goes on inside a longer word: "seedling" in "seedlings"
};

std::set<std::uint32_t> holders(const Item& item) {
  std::set<std::uint32_t> passages;
  for (const WordAt& at : item.ends) passages.insert(at.first);
  return passages;
}

/// In how many passages a model may take something for the item.
std::size_t count_takers(const Item& item) {
  std::set<std::uint32_t> passages = holders(item);
  passages.insert(item.alike.begin(), item.alike.end());
  return passages.size();
}

std::vector<Item> words_in(std::uint32_t passage, const std::vector<Term>& terms) {
  std::vector<Item> found;
  for (const Term& term : terms) {
    const Hit* chosen = nullptr;
    for (const Hit& hit : term.hits) {
      if (hit.passage == passage && (chosen == nullptr || (hit.folded == term.folded && chosen->folded != term.folded))) chosen = &hit;
    }
    if (chosen == nullptr) continue;
    Item word{chosen->surface, chosen->ordinal, chosen->ordinal, {}, {}};
    for (const Hit& hit : term.hits) {
      if (hit.folded != chosen->folded) continue;
      word.ends.emplace(hit.passage, hit.ordinal);
      if (hit.follows) word.following.emplace(hit.passage, hit.ordinal);
    }
    found.push_back(std::move(word));
  }
  return found;
}

void sort_rarest_first(std::vector<Item>& items) {
  std::ranges::stable_sort(items, {}, [](const Item& item) { return holders(item).size(); });
}

/// Makes one item of words that stand side by side in the passage.
std::vector<Item> joined(std::vector<Item> words, std::uint32_t passage) {
  std::ranges::stable_sort(words, {}, &Item::first);
  std::vector<Item> items;
  for (Item& word : words) {
    if (items.empty() || word.first != items.back().last + 1 || !word.following.contains({passage, word.first})) {
      items.push_back(std::move(word));
      continue;
    }
    Item& item = items.back();
    std::set<WordAt> ends;
    for (const WordAt& at : item.ends) {
      const WordAt next(at.first, at.second + 1);
      if (word.following.contains(next)) ends.insert(next);
    }
    item.text += " " + word.text;
    item.last = word.last;
    item.ends = std::move(ends);
  }
  return items;
}

/// The item with the next word of the passage, or the one before it: nothing where something stands between.
std::optional<Item> with_neighbour(const Item& item, std::uint32_t passage, bool next, const Sources& sources) {
  const std::int64_t length = item.last - item.first;
  const PassageWords::Place* word = next ? word_at(sources, passage, std::int64_t{item.last} + 1) : word_at(sources, passage, std::int64_t{item.first} - 1);
  const PassageWords::Place* right = next ? word : word_at(sources, passage, item.first);
  if (word == nullptr || right == nullptr || !right->follows) return std::nullopt;
  Item longer{next ? item.text + " " + word->surface : word->surface + " " + item.text, next ? item.first : item.first - 1, next ? item.last + 1 : item.last, {}, {}};
  for (const WordAt& at : item.ends) {
    const std::int64_t first = at.second - length;
    const PassageWords::Place* other = word_at(sources, at.first, next ? std::int64_t{at.second} + 1 : first - 1);
    const PassageWords::Place* other_right = next ? other : word_at(sources, at.first, first);
    if (other == nullptr || other_right == nullptr || !other_right->follows) continue;
    if (next && other->folded != word->folded && other->folded.starts_with(word->folded)) longer.alike.insert(at.first);
    if (other->folded != word->folded) continue;
    longer.ends.emplace(at.first, next ? at.second + 1 : at.second);
  }
  return longer;
}

/// Where longer words begin as the item's last word does.
void find_alike(Item& item, const Sources& sources) {
  const std::string word = folded(item.text);
  if (word.find(' ') != std::string::npos) return;
  std::uint32_t before = 0;
  for (const PassageWords* source : sources) {
    for (const PassageWords::Place* place : source->beginning_with(word)) {
      if (place->folded != word) item.alike.insert(before + place->passage);
    }
    before += source->size();
  }
}

/// Takes neighbours along until the item stands in this passage only, or no more stand beside it.
Item made_unique(Item item, std::uint32_t passage, const Sources& sources) {
  find_alike(item, sources);
  for (std::size_t n = 0; n < kMaxNeighbours && count_takers(item) > 1; ++n) {
    auto longer = with_neighbour(item, passage, true, sources);
    if (!longer) longer = with_neighbour(item, passage, false, sources);
    if (!longer) break;
    item = std::move(*longer);
  }
  return item;
}

/// The rarest item, or the first one that can be told from all others with its neighbours.
Item hook_of(const std::vector<Item>& items, std::uint32_t passage, const Sources& sources) {
  Item first = made_unique(items.front(), passage, sources);
  if (holders(first).size() == 1) return first;
  for (std::size_t i = 1; i < items.size(); ++i) {
    Item other = made_unique(items[i], passage, sources);
    if (holders(other).size() == 1) return other;
  }
  return first;
}

/// How many passages hold all of the words, in these forms.
std::size_t count_matches(const std::vector<Item>& words) {
  std::map<std::uint32_t, std::size_t> held;
  for (const Item& word : words) {
    for (const std::uint32_t passage : holders(word)) ++held[passage];
  }
  return static_cast<std::size_t>(std::ranges::count_if(held, [&](const auto& one) { return one.second == words.size(); }));
}

std::vector<std::string> asked_words(std::uint32_t passage, const std::vector<Term>& terms, const Sources& sources) {
  std::vector<Item> words = words_in(passage, terms);
  sort_rarest_first(words);
  if (words.size() > kMaxWords) words.resize(kMaxWords);
  const std::size_t n_matches = count_matches(words);
  const bool has_several = n_matches > 1 && n_matches <= kMaxMatches;
  std::vector<Item> items = joined(words, passage);
  if (has_several && count_matches(items) < n_matches) items = std::move(words);  // side by side in this passage alone
  sort_rarest_first(items);
  std::vector<std::string> list;
  if (has_several) {
    for (Item& item : items) list.push_back(std::move(item.text));
    return list;
  }
  const Item hook = hook_of(items, passage, sources);
  list.push_back(hook.text);
  for (Item& item : items) {
    if (item.first < hook.first || item.last > hook.last) list.push_back(std::move(item.text));
  }
  return list;
}

}  // namespace

PassageWords::PassageWords(std::string_view text, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& spans) {
  for (std::uint32_t passage = 0; passage < spans.size(); ++passage) {
    first_.push_back(static_cast<std::uint32_t>(words_.size()));
    const auto [begin, end] = spans[passage];
    const std::string_view span = text.substr(begin, end - begin);
    std::uint32_t ordinal = 0;
    std::size_t last = 0;
    for (const CutWord& word : cut_words(span)) {
      const std::string_view surface = span.substr(word.begin, word.end - word.begin);
      const bool follows = ordinal > 0 && word.begin == last + 1 && span[last] == ' ';
      last = word.end;
      words_.push_back({word.unspaced ? std::string(surface) : folded(surface), std::string(surface), passage, ordinal++, follows, word.unspaced});
    }
  }
  first_.push_back(static_cast<std::uint32_t>(words_.size()));
  for (std::uint32_t i = 0; i < words_.size(); ++i) {
    if (words_[i].unspaced || is_function_word(words_[i].folded)) continue;
    sorted_.push_back(i);
    for (std::string& part : word_parts(words_[i].surface)) parts_.emplace_back(std::move(part), i);
  }
  std::ranges::sort(parts_);
  std::ranges::stable_sort(sorted_, {}, [this](std::uint32_t i) -> const std::string& { return words_[i].folded; });
}

const PassageWords::Place* PassageWords::at(std::uint32_t passage, std::uint32_t ordinal) const {
  if (passage >= size() || ordinal >= first_[passage + 1] - first_[passage]) return nullptr;
  return &words_[first_[passage] + ordinal];
}

std::vector<const PassageWords::Place*> PassageWords::beginning_with(std::string_view begin) const {
  std::vector<const Place*> places;
  const auto less = [this](std::uint32_t i, std::string_view key) { return std::string_view(words_[i].folded) < key; };
  for (auto at = std::lower_bound(sorted_.begin(), sorted_.end(), begin, less); at != sorted_.end() && words_[*at].folded.starts_with(begin); ++at) {
    places.push_back(&words_[*at]);
  }
  return places;
}

std::vector<const PassageWords::Place*> PassageWords::with_part(std::string_view folded_part) const {
  std::vector<const Place*> places;
  const auto less = [](const std::pair<std::string, std::uint32_t>& part, std::string_view key) { return std::string_view(part.first) < key; };
  for (auto at = std::lower_bound(parts_.begin(), parts_.end(), folded_part, less); at != parts_.end() && at->first == folded_part; ++at) {
    places.push_back(&words_[at->second]);
  }
  return places;
}

std::vector<const PassageWords::Place*> PassageWords::unspaced() const {
  std::vector<const Place*> places;
  for (const Place& place : words_) {
    if (place.unspaced) places.push_back(&place);
  }
  return places;
}

QuestionWords choose_words(std::string_view question, const std::vector<const PassageWords*>& sources) {
  std::vector<Term> terms = terms_of(question, sources);
  if (terms.empty()) return {};
  weigh(terms, sources);
  if (auto exact = absent_words(terms, true); !exact.empty()) return {std::move(exact), false};
  const auto best = best_passage(terms, sources);
  auto absent = absent_words(terms, false);
  if (best && (absent.empty() || share_held(*best, terms) >= kTelling)) return {asked_words(*best, terms, sources), true};
  return {std::move(absent), false};
}

std::string list_words(const std::vector<std::string>& words) {
  std::string list;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) list += i + 1 == words.size() ? " and " : ", ";
    list += words[i];
  }
  return list;
}

}  // namespace app
