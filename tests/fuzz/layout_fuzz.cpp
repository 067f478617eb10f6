#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "engine/tokenizer/prompt_layout.h"
#include "tests/fuzz/memory_file.h"

/// A hostile longleaf.json that is accepted keeps the document, its anchor and the question.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFolder folder;
  folder.fill("longleaf.json", data, size);
  const auto layout = engine::PromptLayout::load(folder.path());
  if (!layout) return 0;
  if (layout->block.find("{text}") == std::string::npos || layout->question.find("{question}") == std::string::npos) std::abort();
  if (layout->max_new_tokens <= 0 || layout->max_block_tokens <= 0 || !(layout->top_p > 0)) std::abort();
  return 0;
}
