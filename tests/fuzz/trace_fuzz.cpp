// Any bytes as a selection trace: it comes out of a project file, which may have come from anywhere.
#include <cstdlib>
#include <string_view>

#include "engine/trace/trace_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::int64_t kMost = 64 << 20;
  const auto file = engine::trace_from_bytes({reinterpret_cast<const char*>(data), size}, kMost);
  if (!file) {
    if (file.error().message.empty()) std::abort();
    return 0;
  }
  // What is accepted can be shown: every set and row can be read, and written again it is the same.
  const engine::SelectionTrace& trace = file->trace;
  std::int64_t n = 0;
  for (const engine::PrefillCounts& prefill : trace.prefill) {
    for (std::int64_t row = 0; row < prefill.n_query_blocks; ++row) n += static_cast<std::int64_t>(prefill.row(row).size());
  }
  for (std::int64_t token = 0; token < trace.n_generated; ++token) {
    for (std::int32_t layer = 0; layer < trace.n_layers; ++layer) trace.selected(token, layer).for_each([&n](std::int64_t block) { n += block; });
  }
  if (n < 0) std::abort();
  const auto again = engine::trace_from_bytes(engine::trace_to_bytes(trace, file->sources_json), 2 * kMost);
  if (!again || again->trace.n_generated != trace.n_generated || again->trace.exact.size() != trace.exact.size()) std::abort();
  return 0;
}
