#include "app/document/part_codec.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

constexpr std::uint8_t kFormat = 1;
constexpr float kBoxSteps = 65535.0f;
constexpr std::uint8_t kLastKind = static_cast<std::uint8_t>(SpanKind::kCode);

class Writer {
 public:
  void byte(std::uint8_t value) { bytes_ += static_cast<char>(value); }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(value | 0x80));
    byte(static_cast<std::uint8_t>(value));
  }
  void box(const Box& box) {
    for (const float edge : {box.left, box.top, box.right, box.bottom}) {
      const float inside = std::isfinite(edge) ? std::clamp(edge, 0.0f, 1.0f) : 0.0f;
      const auto steps = static_cast<std::uint16_t>(std::lround(inside * kBoxSteps));
      byte(static_cast<std::uint8_t>(steps));
      byte(static_cast<std::uint8_t>(steps >> 8));
    }
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool whole() const { return whole_; }
  std::size_t left() const { return bytes_.size(); }

  std::uint8_t byte() {
    if (bytes_.empty()) {
      whole_ = false;
      return 0;
    }
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }
  /// At most 32 bits: nothing we store is larger.
  std::uint32_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const std::uint8_t part = byte();
      value |= static_cast<std::uint64_t>(part & 0x7f) << shift;
      if (part < 0x80) {
        if (value > UINT32_MAX) whole_ = false;
        return static_cast<std::uint32_t>(value);
      }
    }
    whole_ = false;
    return 0;
  }
  Box box() {
    float edges[4];
    for (float& edge : edges) {
      const unsigned low = byte();
      edge = static_cast<float>(low | static_cast<unsigned>(byte()) << 8) / kBoxSteps;
    }
    return {edges[0], edges[1], edges[2], edges[3]};
  }

 private:
  std::string_view bytes_;
  bool whole_ = true;
};

Error damaged() { return {ErrorCode::kCorrupt, "The places of the words of a page are damaged. Read the document in again."}; }

/// Half-open ranges that ascend within the text; `at` is where the one before ended.
bool read_range(Reader& reader, std::uint64_t& at, std::size_t n_text_bytes, std::uint32_t& begin, std::uint32_t& end) {
  const std::uint64_t first = at + reader.number();
  const std::uint64_t last = first + reader.number();
  if (!reader.whole() || last > n_text_bytes || last > UINT32_MAX) return false;
  begin = static_cast<std::uint32_t>(first);
  end = static_cast<std::uint32_t>(last);
  at = last;
  return true;
}

}  // namespace

std::string encode_spans(const std::vector<Span>& spans) {
  Writer writer;
  writer.byte(kFormat);
  writer.number(spans.size());
  std::uint32_t at = 0;
  for (const Span& span : spans) {
    CHECK(span.begin >= at && span.end >= span.begin);
    writer.byte(static_cast<std::uint8_t>(span.kind));
    writer.byte(span.level);
    writer.number(span.begin - at);
    writer.number(span.end - span.begin);
    writer.number(static_cast<std::uint32_t>(std::max(span.first_line, 0)));
    writer.number(static_cast<std::uint32_t>(std::max(span.last_line, 0)));
    writer.number(span.boxes.size());
    for (const Box& box : span.boxes) writer.box(box);
    at = span.end;
  }
  return writer.take();
}

std::string encode_words(const std::vector<Word>& words) {
  Writer writer;
  writer.byte(kFormat);
  writer.number(words.size());
  std::uint32_t at = 0;
  for (const Word& word : words) {
    CHECK(word.begin >= at && word.end >= word.begin);
    writer.number(word.begin - at);
    writer.number(word.end - word.begin);
    writer.box(word.box);
    at = word.end;
  }
  return writer.take();
}

Result<std::vector<Span>> decode_spans(std::string_view bytes, std::size_t n_text_bytes) {
  Reader reader(bytes);
  if (reader.byte() != kFormat) return damaged();
  const std::uint32_t n_spans = reader.number();
  if (n_spans > reader.left()) return damaged();  // each takes several bytes
  std::vector<Span> spans(n_spans);
  std::uint64_t at = 0;
  for (Span& span : spans) {
    const std::uint8_t kind = reader.byte();
    if (kind > kLastKind) return damaged();
    span.kind = static_cast<SpanKind>(kind);
    span.level = reader.byte();
    if (!read_range(reader, at, n_text_bytes, span.begin, span.end)) return damaged();
    const std::uint32_t first_line = reader.number(), last_line = reader.number();
    if (first_line > INT32_MAX || last_line > INT32_MAX) return damaged();
    span.first_line = static_cast<std::int32_t>(first_line);
    span.last_line = static_cast<std::int32_t>(last_line);
    const std::uint32_t n_boxes = reader.number();
    if (!reader.whole() || n_boxes > reader.left() / 8) return damaged();
    span.boxes.reserve(n_boxes);
    for (std::uint32_t i = 0; i < n_boxes; ++i) span.boxes.push_back(reader.box());
  }
  if (!reader.whole() || reader.left() != 0) return damaged();
  return spans;
}

Result<std::vector<Word>> decode_words(std::string_view bytes, std::size_t n_text_bytes) {
  Reader reader(bytes);
  if (reader.byte() != kFormat) return damaged();
  const std::uint32_t n_words = reader.number();
  if (n_words > reader.left() / 10) return damaged();
  std::vector<Word> words(n_words);
  std::uint64_t at = 0;
  for (Word& word : words) {
    if (!read_range(reader, at, n_text_bytes, word.begin, word.end)) return damaged();
    word.box = reader.box();
  }
  if (!reader.whole() || reader.left() != 0) return damaged();
  return words;
}

std::string checksum_of(std::initializer_list<std::string_view> pieces) {
  XXH3_state_t* state = XXH3_createState();
  CHECK(state);
  XXH3_128bits_reset(state);
  for (const std::string_view piece : pieces) {
    const std::uint64_t length = piece.size();
    XXH3_128bits_update(state, &length, sizeof length);
    XXH3_128bits_update(state, piece.data(), piece.size());
  }
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
  XXH3_freeState(state);
  return std::string(reinterpret_cast<const char*>(canonical.digest), sizeof canonical.digest);
}

}  // namespace app
