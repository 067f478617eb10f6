#include "app/question/word_forms.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include <utf8proc.h>

#include "engine/base/utf8.h"

namespace app {
namespace {

bool is_word_character(char32_t c) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return c == U'_';
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether the character at `at` can stand inside a word; commas only inside numbers.
bool joins(std::string_view text, std::size_t at, char32_t c) {
  if (c == U',') return at > 0 && is_digit(text[at - 1]) && at + 1 < text.size() && is_digit(text[at + 1]);
  return c == U'-' || c == U'.' || c == U'\'' || c == U'\u2019';
}

/// Thai, Lao, Burmese, Khmer, kana, Chinese characters.
bool is_unspaced(char32_t c) {
  return (c >= 0x0E00 && c <= 0x0EFF) || (c >= 0x1000 && c <= 0x109F) || (c >= 0x1780 && c <= 0x17FF) || (c >= 0x3040 && c <= 0x30FF) ||
         (c >= 0x3400 && c <= 0x9FFF);
}

using Words = std::unordered_set<std::string_view>;

const Words& function_words() {
  static const Words words = {
      // English
      "a", "an", "the", "and", "or", "of", "to", "in", "on", "at", "by", "for", "from", "with", "as", "is", "are", "was", "were", "be", "been", "being",
      "it", "its", "this", "that", "these", "those", "there", "here", "he", "she", "they", "we", "you", "i", "his", "her", "their", "our", "your", "my",
      "me", "him", "them", "us", "not", "no", "nor", "do", "does", "did", "done", "has", "have", "had", "can", "could", "will", "would", "shall", "should",
      "may", "might", "must", "if", "then", "else", "than", "so", "but", "also", "into", "about", "which", "what", "where", "who", "whom", "whose", "when",
      "why", "how", "all", "any", "each", "every", "some", "such", "very", "too", "many", "much", "please", "anything", "something", "there's", "what's",
      "who's", "where's", "how's", "it's", "doesn't", "don't", "didn't", "isn't", "aren't", "wasn't",
      // German
      "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines", "und", "oder", "von", "zu", "zum", "zur", "im", "am", "mit",
      "auf", "für", "über", "ist", "sind", "war", "waren", "wird", "werden", "wurde", "wurden", "hat", "haben", "wie", "wer", "wo", "wann", "warum",
      "welche", "welcher", "welches", "viele", "viel", "etwas", "es", "sich", "nicht", "nach", "bei", "aus",
      // French
      "le", "la", "les", "un", "une", "et", "ou", "où", "du", "de", "au", "aux", "dans", "sur", "par", "pour", "avec", "est", "sont", "était", "que", "qui",
      "quoi", "quel", "quelle", "quels", "quelles", "quand", "comment", "pourquoi", "combien", "il", "elle", "ce", "cette", "ne", "pas",
      // Spanish, Italian, Portuguese, Dutch
      "el", "los", "las", "unos", "unas", "y", "en", "con", "del", "al", "es", "son", "se", "qué", "cuál", "cómo", "cuándo", "dónde", "cuántos", "cuántas",
      "lo", "gli", "uno", "di", "da", "che", "chi", "dove", "quando", "come", "quanti", "quante", "della", "dei", "delle", "nel", "nella", "o", "os", "as",
      "um", "uma", "dos", "em", "na", "nos", "nas", "onde", "quem", "qual", "quais", "é", "são", "foi", "het", "een", "van", "voor", "op", "te", "zijn",
      "wat", "waar", "welk", "welke", "hoe", "wanneer", "iets", "naar", "bij"};
  return words;
}

const Words& asking_words() {
  static const Words words = {
      "mention", "mentions", "mentioned", "say", "says", "said", "tell", "tells", "told", "find", "found", "quote", "cite", "look", "looks", "show", "shows",
      "give", "gives", "given", "know", "known", "describe", "describes", "described", "define", "defines", "defined", "explain", "explains", "explained",
      "discuss", "discusses", "discussed", "cover", "covers", "covered", "contain", "contains", "happen", "happens", "happened", "talk", "talks", "appear",
      "appears", "use", "used", "uses", "get", "gets", "exist", "exists", "long", "often", "only", "just", "more", "most", "other", "same", "own", "up", "down",
      "out", "over", "under", "spent", "spend", "make", "makes", "made", "take", "takes", "took", "come", "comes", "go", "goes", "become", "hold", "holds", "held",
      "keep", "keeps", "kept", "put", "call", "called", "want", "wants", "need", "needs", "between", "during", "after", "before", "because", "while", "through", "per", "within", "without", "among", "passage",
      "passages", "sentence", "sentences", "line", "lines", "paragraph", "document", "documents", "text", "texts", "part", "parts", "section", "sections",
      "report", "page", "pages", "file", "files", "code", "place", "kind", "kinds", "thing", "things", "author", "authors", "according",
      "steht", "sagt", "stelle", "text", "dokument", "dit", "parle", "texte", "habla", "dice", "texto", "testo", "staat"};
  return words;
}

bool ends(std::string_view word, std::string_view ending, std::size_t shortest) {
  return word.size() >= shortest + ending.size() && word.ends_with(ending);
}

/// "planned" -> "plann" -> "plan", "burned" -> "burn", "baking" -> "bak"
void drop_doubled(std::string& word) {
  const std::size_t n = word.size();
  if (n > 3 && word[n - 1] == word[n - 2] && std::string_view("bdgmnprt").find(word[n - 1]) != std::string_view::npos) word.pop_back();
}

}  // namespace

std::vector<CutWord> cut_words(std::string_view text) {
  std::vector<CutWord> words;
  bool open = false;
  bool joined = false;  // a joining character stands behind the open word
  for (std::size_t at = 0; at < text.size();) {
    const engine::Utf8Step step = engine::next_utf8(text, at);
    const char32_t c = step.kind == engine::Utf8Kind::kValid ? step.code_point : U' ';
    if (is_word_character(c)) {
      const bool unspaced = is_unspaced(c);
      if (!open || words.back().unspaced != unspaced) words.push_back({at, at, unspaced});
      words.back().end = at + step.size;
      open = true;
      joined = false;
    } else if (open && !joined && joins(text, at, c)) {
      joined = true;
    } else {
      open = false;
    }
    at += step.size;
  }
  return words;
}

std::vector<std::string> word_parts(std::string_view word) {
  const auto is_lower = [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c); };
  std::vector<std::string> parts{""};
  for (std::size_t i = 0; i < word.size(); ++i) {
    const char c = word[i];
    const bool divides = c == '_' || c == '-' || c == '.';
    const bool rises = i > 0 && c >= 'A' && c <= 'Z' && is_lower(word[i - 1]);
    if ((divides || rises) && !parts.back().empty()) parts.emplace_back();
    if (!divides) parts.back().push_back(c);
  }
  if (parts.back().empty()) parts.pop_back();
  if (parts.size() < 2) return {};
  for (std::string& part : parts) part = folded(part);
  return parts;
}

std::string folded(std::string_view word) {
  std::string out;
  for (std::size_t at = 0; at < word.size();) {
    const engine::Utf8Step step = engine::next_utf8(word, at);
    if (step.kind == engine::Utf8Kind::kValid) {
      const auto lower = static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(step.code_point)));
      engine::append_utf8(out, lower == U'\u2019' ? U'\'' : lower);
    }
    at += step.size;
  }
  return out;
}

bool is_function_word(std::string_view folded_word) { return function_words().contains(folded_word); }

bool is_asking_word(std::string_view folded_word) { return asking_words().contains(folded_word); }

std::string stem(std::string_view folded_word) {
  std::string word(folded_word);
  if (ends(word, "'s", 2)) word.resize(word.size() - 2);
  if (ends(word, "ies", 2) || ends(word, "ied", 2)) {
    word.resize(word.size() - 3);
    return word + "i";
  }
  if (ends(word, "sses", 2) || ends(word, "xes", 2) || ends(word, "ches", 2) || ends(word, "shes", 2)) {
    word.resize(word.size() - 2);
  } else if (ends(word, "s", 3) && !ends(word, "ss", 0) && !ends(word, "us", 0) && !ends(word, "is", 0)) {
    word.pop_back();
  }
  if (ends(word, "ing", 3) || ends(word, "ed", 3)) {
    word.resize(word.size() - (word.ends_with("ing") ? 3 : 2));
    drop_doubled(word);
  }
  if (ends(word, "e", 3)) word.pop_back();
  if (ends(word, "y", 2)) word.back() = 'i';
  return word;
}

bool is_exact_word(std::string_view word, bool begins_sentence) {
  if (std::ranges::any_of(word, is_digit) || word.find('_') != std::string_view::npos) return true;
  const auto is_capital = [](char32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_LU; };
  for (std::size_t at = 0; at < word.size();) {
    const engine::Utf8Step step = engine::next_utf8(word, at);
    const bool is_first = at == 0;
    if (step.kind == engine::Utf8Kind::kValid && is_capital(step.code_point) && !(is_first && begins_sentence)) return true;
    at += step.size;
  }
  return false;
}

}  // namespace app
