#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "engine/sampling/quote_constraint.h"

/// A hostile document and any choices of a model: what is allowed stays in the vocabulary, and whatever
/// a line quotes stands in a block.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto tokenizer = [] {
    auto loaded = engine::Tokenizer::load("tests/golden/tokenizer/deepseek");
    if (!loaded) std::abort();
    return *loaded;
  }();
  if (size < 4) return 0;
  const auto style = data[0] % 2 == 0 ? engine::QuoteStyle::kLines : engine::QuoteStyle::kMarks;
  const std::size_t n_text = std::min<std::size_t>(data[1] * 4u, size - 2);
  const std::string text(reinterpret_cast<const char*>(data) + 2, n_text);
  const auto prompt = tokenizer->encode(text);
  std::vector<engine::TokenRange> blocks;
  const auto n = static_cast<std::int64_t>(prompt.size());
  for (std::int64_t begin = 0; begin < n; begin += 5) blocks.push_back({begin, std::min(begin + 4, n)});
  engine::QuoteConstraint constraint(tokenizer, prompt, blocks, style, {1});
  for (std::size_t i = 2 + n_text; i + 1 < size; i += 2) {
    const auto allowed = constraint.allowed();
    if (!std::is_sorted(allowed.begin(), allowed.end())) std::abort();
    const std::size_t choice = data[i] * 256u + data[i + 1];
    engine::TokenId id = static_cast<engine::TokenId>(choice % static_cast<std::size_t>(tokenizer->vocabulary_size()));
    // Most models do as they are told; one in sixteen samples something else.
    if (!allowed.empty() && data[i] % 16 != 0) id = allowed[choice % allowed.size()];
    if (id < 0 || id >= tokenizer->vocabulary_size()) std::abort();
    constraint.push(id);
  }
  return 0;
}
