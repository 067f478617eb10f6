#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/tokenizer/tokenizer.h"
#include "tests/fuzz/memory_file.h"

/// A hostile tokenizer.json that is accepted must give every text back and no control token.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFolder folder;
  folder.fill("tokenizer.json", data, size);
  const auto loaded = engine::Tokenizer::load(folder.path());
  if (!loaded) return 0;
  const std::string text = "The bridge, 1997: <think> \xE6\xBC\xA2\xE5\xAD\x97 \xFF\r\n\t x  y";
  const auto ids = (*loaded)->encode(text);
  for (const engine::TokenId id : ids) {
    if ((*loaded)->is_control(id)) std::abort();
  }
  if ((*loaded)->decode(ids) != text) std::abort();
  return 0;
}
