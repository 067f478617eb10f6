#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace app {

/// Something in a text that looks like a secret. The value itself is never copied into this struct.
struct Secret {
  std::string kind;          // "AWS access key", "private key", "password in an assignment"
  std::uint32_t begin = 0;   // bytes of the value in the text
  std::uint32_t end = 0;
  std::int32_t line = 0;     // 1-based
  std::string preview;       // its first four characters and dots
};

/// Looks for keys, tokens and passwords by their known forms, and for long random values that are
/// assigned to names like password, secret, token or api_key. A warning with a preview, never a proof:
/// it misses what has no form, and takes some harmless values for secrets. Linear in the text.
std::vector<Secret> find_secrets(std::string_view text);

}  // namespace app
