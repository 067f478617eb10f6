#include "engine/trace/trace_chunk.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <utility>

namespace engine {

namespace {

constexpr std::string_view kMagic{"LLTRACE\n", 8};
constexpr int kZstdLevel = 1;  // traces are written while a model runs
enum Codec : std::uint32_t { kRaw = 0, kZstd = 1 };

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

Error corrupt(std::size_t offset, const std::string& what) {
  return Error{ErrorCode::kCorrupt, "The selection trace is damaged at byte " + std::to_string(offset) + ": " + what +
                                        ". The answer is not affected; ask again to get a new trace."};
}

struct ChunkHeader {
  ChunkKind kind{};
  std::uint32_t codec = 0;
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t raw_bytes = 0;
  std::uint32_t payload_checksum = 0;
};

std::string encode_header(const ChunkHeader& header) {
  std::string out(header.kind.data(), header.kind.size());
  put(out, header.codec);
  put(out, header.first);
  put(out, header.count);
  put(out, header.stored_bytes);
  put(out, header.raw_bytes);
  put(out, header.payload_checksum);
  put(out, checksum(out));
  return out;
}

Result<ChunkHeader> decode_header(std::string_view bytes, std::size_t offset) {
  ChunkHeader header;
  ChunkReader reader(bytes);
  std::uint32_t own_checksum = 0;
  const bool whole = reader.take_all(std::span<char>(header.kind)) && reader.take(header.codec) &&
                     reader.take(header.first) && reader.take(header.count) && reader.take(header.stored_bytes) &&
                     reader.take(header.raw_bytes) && reader.take(header.payload_checksum) &&
                     reader.take(own_checksum);
  if (!whole || own_checksum != checksum(bytes.substr(0, kChunkHeaderBytes - sizeof own_checksum))) {
    return corrupt(offset, "the checksum of a chunk's header is wrong");
  }
  return header;
}

}  // namespace

std::string trace_start() {
  std::string out(kMagic);
  put(out, kTraceVersion);
  put(out, std::uint32_t{0});
  return out;
}

Result<void> check_trace_start(std::string_view bytes) {
  if (bytes.size() < kTraceStartBytes || !bytes.starts_with(kMagic)) {
    return Error{ErrorCode::kCorrupt, "This is not a selection trace of Longleaf."};
  }
  ChunkReader reader(bytes.substr(kMagic.size()));
  std::uint32_t version = 0;
  reader.take(version);
  if (version != kTraceVersion) {
    return Error{ErrorCode::kUnsupported, "The selection trace has version " + std::to_string(version) +
                                              ", this program reads version " + std::to_string(kTraceVersion) +
                                              ". Open it with the newer program that wrote it."};
  }
  return {};
}

std::string encode_chunk(ChunkKind kind, std::int64_t first, std::int64_t count, std::string_view raw) {
  std::string compressed(ZSTD_compressBound(raw.size()), '\0');
  const std::size_t size = ZSTD_compress(compressed.data(), compressed.size(), raw.data(), raw.size(), kZstdLevel);
  const bool smaller = !ZSTD_isError(size) && size < raw.size();
  const std::string_view payload = smaller ? std::string_view(compressed).substr(0, size) : raw;

  ChunkHeader header;
  header.kind = kind;
  header.codec = smaller ? kZstd : kRaw;
  header.first = first;
  header.count = count;
  header.stored_bytes = payload.size();
  header.raw_bytes = raw.size();
  header.payload_checksum = checksum(payload);
  return encode_header(header).append(payload);
}

Result<std::optional<Chunk>> decode_chunk(std::string_view bytes, std::size_t& offset, std::size_t max_raw_bytes,
                                          bool& truncated) {
  const std::string_view rest = bytes.substr(std::min(offset, bytes.size()));
  if (rest.empty()) return std::optional<Chunk>{};
  if (rest.size() < kChunkHeaderBytes) {
    truncated = true;
    return std::optional<Chunk>{};
  }
  TRY_ASSIGN(const ChunkHeader header, decode_header(rest.substr(0, kChunkHeaderBytes), offset));
  if (header.stored_bytes > rest.size() - kChunkHeaderBytes) {
    truncated = true;
    return std::optional<Chunk>{};
  }
  const std::string_view payload = rest.substr(kChunkHeaderBytes, header.stored_bytes);
  if (checksum(payload) != header.payload_checksum) return corrupt(offset, "the checksum of a chunk is wrong");
  if (header.raw_bytes > max_raw_bytes) return corrupt(offset, "a chunk is larger than the program allows");

  Chunk chunk;
  chunk.kind = header.kind;
  chunk.first = header.first;
  chunk.count = header.count;
  chunk.offset = offset;
  if (header.codec == kRaw) {
    if (header.raw_bytes != header.stored_bytes) return corrupt(offset, "a chunk's two lengths disagree");
    chunk.raw.assign(payload);
  } else if (header.codec == kZstd) {
    if (ZSTD_getFrameContentSize(payload.data(), payload.size()) != header.raw_bytes) {
      return corrupt(offset, "a chunk's two lengths disagree");
    }
    chunk.raw.resize(header.raw_bytes);
    const std::size_t size = ZSTD_decompress(chunk.raw.data(), chunk.raw.size(), payload.data(), payload.size());
    if (ZSTD_isError(size) || size != header.raw_bytes) return corrupt(offset, "a chunk cannot be decompressed");
  } else {
    return corrupt(offset, "a chunk is packed in an unknown way");
  }
  offset += kChunkHeaderBytes + payload.size();
  return std::optional<Chunk>(std::move(chunk));
}

}  // namespace engine
