#include "app/document/text_clean.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace app {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

const char* ligature(char32_t code) {
  static constexpr std::array kLigatures = {"ff", "fi", "fl", "ffi", "ffl", "st", "st"};
  return code >= 0xFB00 && code <= 0xFB06 ? kLigatures[code - 0xFB00] : nullptr;
}

bool is_private(char32_t code) { return (code >= 0xE000 && code <= 0xF8FF) || code >= 0xF0000; }

/// Invisible characters that carry no text: soft hyphen, zero width, direction marks, tags, BOM.
bool is_invisible(char32_t code) {
  return code == 0xAD || (code >= 0x200B && code <= 0x200F) || (code >= 0x202A && code <= 0x202E) || (code >= 0x2060 && code <= 0x2069) ||
         code == 0xFEFF || (code >= 0xE0000 && code <= 0xE007F);
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char byte) { return byte >= 0x20 && byte < 0x7F; });
}

std::string nfc(const std::string& text) {
  utf8proc_uint8_t* composed = nullptr;
  const auto n_bytes = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                                    &composed, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (n_bytes < 0) return text;
  std::string result(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(n_bytes));
  std::free(composed);
  return result;
}

constexpr std::array<std::string_view, 54> kAbbreviations = {
    "al",  "approx", "art", "bd",  "bzw", "ca",  "cf",  "ch",   "chap", "co",  "col", "corp", "d.h", "dr",  "e.g", "ed",   "eds", "eq",
    "eqs", "est",    "etc", "ex",  "fig", "figs", "ff", "gen",  "i.e",  "inc", "jr",  "ltd",  "max", "min", "mr",  "mrs",  "ms",  "no",
    "nos", "nr",     "op",  "p",   "pp",  "prof", "ref", "refs", "rev",  "sec", "sect", "sr",  "st",  "tab", "u.s", "viz",  "vol", "vs"};

bool is_abbreviation(std::string_view word) {
  while (!word.empty() && (word.front() == '(' || word.front() == '[' || word.front() == '"')) word.remove_prefix(1);
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kAbbreviations.begin(), kAbbreviations.end(), lower) != kAbbreviations.end() || lower == "z.b" || lower == "a.m" || lower == "p.m";
}

bool closes(char32_t code) { return code == ')' || code == ']' || code == '"' || code == '\'' || code == 0x201D || code == 0x2019 || code == 0xBB || code == 0x300D || code == 0xFF09; }

bool is_superscript(char32_t code) { return code == 0xB9 || code == 0xB2 || code == 0xB3 || (code >= 0x2070 && code <= 0x2079); }

/// Whether the full stop at `at` ends a sentence when what follows begins at `next` (after spaces).
bool ends_sentence(std::string_view text, std::size_t at, std::size_t next) {
  const char stop = text[at];
  if (stop == '.') {
    std::size_t word = at;
    while (word > 0 && text[word - 1] != ' ') --word;
    const std::string_view before = text.substr(word, at - word);
    const char32_t follows = next < text.size() ? code_point(text, next).first : U'A';
    if (is_lower(follows)) return false;
    if (is_abbreviation(before)) {
      // "etc." and "et al." may end one; "Fig. 3" and "Dr. No" never do.
      if (before != "etc" && before != "al" && before != "a.m" && before != "p.m") return false;
      return is_upper(follows);
    }
    // An initial: "J. Smith". "Part B. The" is rarer than names are.
    if (before.size() == 1 && is_upper(static_cast<unsigned char>(before[0])) && before[0] != 'I') return false;
    // A number at the very beginning counts something: "3. Results".
    if (word == 0 && !before.empty() && std::all_of(before.begin(), before.end(), [](unsigned char c) { return std::isdigit(c) || c == '.'; })) return false;
  }
  return true;
}

}  // namespace

std::pair<char32_t, int> code_point(std::string_view text, std::size_t at) {
  utf8proc_int32_t code = 0;
  const auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at), static_cast<utf8proc_ssize_t>(text.size() - at), &code);
  if (n <= 0) return {kReplacement, 1};
  return {static_cast<char32_t>(code), static_cast<int>(n)};
}

void append_code_point(std::string& text, char32_t code) {
  utf8proc_uint8_t bytes[4];
  const auto n = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(std::max<utf8proc_ssize_t>(n, 0)));
}

bool is_lower(char32_t code) { return utf8proc_category(static_cast<utf8proc_int32_t>(code)) == UTF8PROC_CATEGORY_LL; }
bool is_upper(char32_t code) { return utf8proc_category(static_cast<utf8proc_int32_t>(code)) == UTF8PROC_CATEGORY_LU; }
bool is_letter(char32_t code) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

std::string clean_word(std::string_view utf8, std::int64_t& n_odd) {
  if (is_ascii(utf8)) return std::string(utf8);
  std::string clean;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto [code, n] = code_point(utf8, at);
    at += static_cast<std::size_t>(n);
    if (const char* letters = ligature(code)) {
      clean += letters;
    } else if (code < 0x20 || (code >= 0x7F && code < 0xA0) || is_invisible(code)) {
      // An end-of-line soft hyphen still says that the word goes on.
      if (code == 0xAD && at == utf8.size()) clean += '-';
    } else if (code == 0xA0 || (code >= 0x2000 && code <= 0x200A) || code == 0x202F) {
      clean += ' ';
    } else {
      if (code == kReplacement || is_private(code)) ++n_odd;
      append_code_point(clean, code == 0x2010 || code == 0x2011 ? U'-' : code);
    }
  }
  return nfc(clean);
}

std::string clean_text(std::string_view utf8) {
  std::string clean;
  clean.reserve(utf8.size());
  bool plain = true;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto byte = static_cast<unsigned char>(utf8[at]);
    if (byte < 0x80) {
      ++at;
      if (byte == '\r') {
        if (at >= utf8.size() || utf8[at] != '\n') clean += '\n';
      } else if (byte >= 0x20 ? byte != 0x7F : byte == '\n' || byte == '\t') {
        clean += static_cast<char>(byte);
      }
      continue;
    }
    const auto [code, n] = code_point(utf8, at);
    if (code != 0xFEFF || at != 0) append_code_point(clean, code);
    at += static_cast<std::size_t>(n);
    plain = false;
  }
  return plain ? clean : nfc(clean);
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> split_sentences(std::string_view paragraph, std::uint32_t max_bytes) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sentences;
  const auto add = [&](std::size_t begin, std::size_t end) {
    while (begin < end && paragraph[begin] == ' ') ++begin;
    while (end > begin && paragraph[end - 1] == ' ') --end;
    while (end - begin > max_bytes) {
      std::size_t cut = paragraph.rfind(' ', begin + max_bytes);
      if (cut == std::string_view::npos || cut <= begin) {
        cut = begin + max_bytes;
        while (cut > begin && (static_cast<unsigned char>(paragraph[cut]) & 0xC0) == 0x80) --cut;
      }
      sentences.emplace_back(static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(cut));
      begin = cut;
      while (begin < end && paragraph[begin] == ' ') ++begin;
    }
    if (begin < end) sentences.emplace_back(static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end));
  };
  std::size_t begin = 0;
  for (std::size_t at = 0; at < paragraph.size();) {
    const auto [code, n] = code_point(paragraph, at);
    const std::size_t stop = at;
    at += static_cast<std::size_t>(n);
    const bool wide = code == 0x3002 || code == 0xFF01 || code == 0xFF1F;
    if (!wide && code != '.' && code != '!' && code != '?') continue;
    std::size_t end = at;
    while (end < paragraph.size()) {
      const auto [after, length] = code_point(paragraph, end);
      if (!closes(after) && !is_superscript(after)) break;
      end += static_cast<std::size_t>(length);
    }
    if (!wide && end < paragraph.size() && paragraph[end] != ' ') continue;
    std::size_t next = end;
    while (next < paragraph.size() && paragraph[next] == ' ') ++next;
    if (wide || ends_sentence(paragraph, stop, next)) {
      add(begin, end);
      begin = end;
      at = end;
    }
  }
  add(begin, paragraph.size());
  return sentences;
}

}  // namespace app
