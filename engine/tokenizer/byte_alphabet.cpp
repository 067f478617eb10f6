#include "engine/tokenizer/byte_alphabet.h"

#include <array>

#include "engine/base/utf8.h"

namespace engine {
namespace {

constexpr int kLetters = 0x100 + 68;

struct Alphabet {
  std::array<char32_t, 256> letters{};
  std::array<int, kLetters> bytes{};  // -1: no byte
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  alphabet.bytes.fill(-1);
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    const char32_t letter = printable ? static_cast<char32_t>(byte) : next++;
    alphabet.letters[static_cast<std::size_t>(byte)] = letter;
    alphabet.bytes[letter] = byte;
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

char32_t letter_of_byte(unsigned char byte) { return kAlphabet.letters[byte]; }

std::optional<std::string> bytes_of_letters(std::string_view letters) {
  std::string bytes;
  for (std::size_t at = 0; at < letters.size();) {
    const Utf8Step step = next_utf8(letters, at);
    if (step.kind != Utf8Kind::kValid || step.code_point >= kLetters) return std::nullopt;
    const int byte = kAlphabet.bytes[step.code_point];
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
    at += step.size;
  }
  return bytes;
}

}  // namespace engine
