#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/tokenizer/generation_text.h"
#include "engine/tokenizer/tokenizer.h"

/// A hostile text comes back byte by byte without a control token; streamed, it splits into thinking
/// and answer whole.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto tokenizer = [] {
    auto loaded = engine::Tokenizer::load("tests/golden/tokenizer/deepseek");
    if (!loaded) std::abort();
    return *loaded;
  }();
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto ids = tokenizer->encode(text);
  engine::GenerationText generation(tokenizer, size % 2 == 0);
  for (const engine::TokenId id : ids) {
    if (tokenizer->is_control(id)) std::abort();
    generation.push(id);
  }
  generation.finish();
  if (tokenizer->decode(ids) != text) std::abort();
  std::uint32_t ends[2] = {};
  for (const auto& place : generation.places()) {
    const int channel = place.channel == engine::Channel::kAnswer;
    const std::string& whole = channel ? generation.answer() : generation.thinking();
    if (place.begin > place.end || place.end > whole.size() || place.begin < ends[channel]) std::abort();
    ends[channel] = place.end;
  }
  return 0;
}
