#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"

/// The framing of a trace file (docs/trace-format.md): a 16-byte start, then chunks that carry their own
/// length and checksums. Numbers are little-endian.
namespace engine {

static_assert(std::endian::native == std::endian::little, "trace files are written by memory copies");

using ChunkKind = std::array<char, 4>;
constexpr ChunkKind kHeadChunk{'H', 'E', 'A', 'D'};
constexpr ChunkKind kPrefillChunk{'P', 'R', 'E', 'F'};
constexpr ChunkKind kDecodeChunk{'D', 'E', 'C', 'O'};
constexpr ChunkKind kExactChunk{'E', 'X', 'A', 'C'};
constexpr ChunkKind kRecallChunk{'R', 'E', 'C', 'A'};
constexpr ChunkKind kTextsChunk{'T', 'E', 'X', 'T'};
constexpr ChunkKind kSaidChunk{'S', 'A', 'I', 'D'};
constexpr ChunkKind kSourcesChunk{'S', 'R', 'C', 'S'};
constexpr ChunkKind kDoneChunk{'D', 'O', 'N', 'E'};

constexpr std::size_t kTraceStartBytes = 16;
constexpr std::size_t kChunkHeaderBytes = 48;
constexpr std::uint32_t kTraceVersion = 1;

struct Chunk {
  ChunkKind kind{};
  std::int64_t first = 0;  // layer, or first token
  std::int64_t count = 0;
  std::string raw;         // uncompressed
  std::size_t offset = 0;  // in the file, for messages
};

/// Magic and version.
std::string trace_start();
Result<void> check_trace_start(std::string_view bytes);

/// Compresses `raw` where that makes it smaller.
std::string encode_chunk(ChunkKind kind, std::int64_t first, std::int64_t count, std::string_view raw);

/// Reads the chunk at `offset` and moves it behind. No value at the end of `bytes` and where the last
/// chunk is cut off (`truncated`). A wrong checksum or more than `max_raw_bytes` is kCorrupt.
Result<std::optional<Chunk>> decode_chunk(std::string_view bytes, std::size_t& offset, std::size_t max_raw_bytes,
                                          bool& truncated);

/// Appends the bytes of one number or of a row of numbers.
template <typename T>
void put(std::string& out, const T& value) {
  static_assert(std::is_arithmetic_v<T>);
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}
template <typename T>
void put_all(std::string& out, std::span<const T> values) {
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

/// Takes numbers off the front of a chunk; every take says whether there was enough.
class ChunkReader {
 public:
  explicit ChunkReader(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  bool take(T& value) {
    return take_all(std::span<T>(&value, 1));
  }
  template <typename T>
  bool take_all(std::span<T> values) {
    if (values.size_bytes() > bytes_.size()) return false;
    if (!values.empty()) std::memcpy(values.data(), bytes_.data(), values.size_bytes());
    bytes_.remove_prefix(values.size_bytes());
    return true;
  }
  std::size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

}  // namespace engine
