#include "engine/base/utf8.h"

namespace engine {
namespace {

/// The range of the second byte after `lead`; every later one is 80..BF.
struct SecondByte {
  unsigned char least = 0x80;
  unsigned char most = 0xBF;
};

SecondByte second_byte(unsigned char lead) {
  switch (lead) {
    case 0xE0:
      return {0xA0, 0xBF};
    case 0xED:
      return {0x80, 0x9F};
    case 0xF0:
      return {0x90, 0xBF};
    case 0xF4:
      return {0x80, 0x8F};
    default:
      return {};
  }
}

}  // namespace

Utf8Step next_utf8(std::string_view text, std::size_t begin) {
  const auto lead = static_cast<unsigned char>(text[begin]);
  if (lead < 0x80) return {Utf8Kind::kValid, 1, lead};
  if (lead < 0xC2 || lead > 0xF4) return {Utf8Kind::kInvalid, 1, 0};
  const std::size_t n_bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t code_point = lead & (0x7Fu >> n_bytes);
  SecondByte range = second_byte(lead);
  for (std::size_t i = 1; i < n_bytes; ++i) {
    if (begin + i == text.size()) return {Utf8Kind::kIncomplete, i, 0};
    const auto byte = static_cast<unsigned char>(text[begin + i]);
    if (byte < range.least || byte > range.most) return {Utf8Kind::kInvalid, i, 0};
    code_point = (code_point << 6) | (byte & 0x3Fu);
    range = {};
  }
  return {Utf8Kind::kValid, n_bytes, code_point};
}

void append_utf8(std::string& text, char32_t code_point) {
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)); };
  if (code_point < 0x80) {
    text += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    text += static_cast<char>(0xC0 | (code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    text += static_cast<char>(0xE0 | (code_point >> 12));
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xF0 | (code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace engine
