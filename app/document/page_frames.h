#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/document/page.h"
#include "engine/base/result.h"

/// What goes through the pipe between the page worker and the program: frames of a length, a letter
/// and a payload. The program takes every byte of them as hostile.
namespace app {

enum class FrameKind : char {
  kDocument = 'D',  // DocumentFacts
  kReading = 'R',   // page number: the worker is about to read it
  kPage = 'P',      // PageFrame
  kPicture = 'I',   // width, height, pixels
  kError = 'E',     // code, sentence: this document or picture failed
  kDone = 'Z'
};

struct Frame {
  FrameKind kind = FrameKind::kDone;
  std::string payload;
};

struct DocumentFacts {
  std::int32_t n_pages = 0;
  std::string title;
  std::string confinement;  // what the system could not confine, empty when all of it is in force
};

struct PageFrame {
  std::int32_t number = 0;
  std::string label;
  PartText text;
};

inline constexpr std::size_t kMaxFrameBytes = 320u << 20;  // a picture of 64 million pixels and a head
inline constexpr std::size_t kMaxPageBytes = 64u << 20;

/// False when the reader has gone. For blocking descriptors.
bool write_frame(int descriptor, FrameKind kind, std::string_view payload);

std::string encode_facts(const DocumentFacts& facts);
engine::Result<DocumentFacts> decode_facts(std::string_view payload);
std::string encode_number(std::int32_t number);
engine::Result<std::int32_t> decode_number(std::string_view payload);
std::string encode_page(const PageFrame& page);
engine::Result<PageFrame> decode_page(std::string_view payload);
std::string encode_error(const engine::Error& error);
engine::Error decode_error(std::string_view payload);

/// Puts frames together from the bytes of a pipe as they come.
class FrameReader {
 public:
  explicit FrameReader(std::size_t max_bytes) : max_bytes_(max_bytes) {}
  void feed(std::string_view bytes) { bytes_ += bytes; }
  /// Nothing yet, a frame, or kCorrupt: what comes is not frames, end the worker.
  engine::Result<std::optional<Frame>> next();

 private:
  std::size_t max_bytes_;
  std::size_t at_ = 0;
  std::string bytes_;
};

}  // namespace app
