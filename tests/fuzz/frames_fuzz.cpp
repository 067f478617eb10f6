#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "app/document/page_frames.h"

/// A worker that was taken over: whatever comes through its pipe, in whatever pieces, is refused or is a
/// page whose spans and words lie inside its text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::size_t piece = 1 + data[0] % 64u;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  app::FrameReader reader(1 << 20);
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    for (;;) {
      auto frame = reader.next();
      if (!frame) return 0;
      if (!*frame) break;
      const std::string& payload = (*frame)->payload;
      (void)app::decode_facts(payload);
      (void)app::decode_number(payload);
      if (app::decode_error(payload).message.empty()) std::abort();
      const auto page = app::decode_page(payload);
      if (!page) continue;
      std::uint32_t end = 0;
      for (const app::Span& span : page->text.spans) {
        if (span.begin < end || span.end < span.begin || span.end > page->text.text.size()) std::abort();
        end = span.end;
      }
      for (const app::Word& word : page->text.words) {
        if (word.end < word.begin || word.end > page->text.text.size()) std::abort();
      }
    }
  }
  return 0;
}
