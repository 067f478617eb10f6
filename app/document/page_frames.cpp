#include "app/document/page_frames.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "app/document/part_codec.h"
#include "app/document/text_clean.h"

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

constexpr std::size_t kHeadBytes = 5;  // length of the payload, kind

Error broken() { return {ErrorCode::kCorrupt, "The page reader sent something that is no page; it was ended."}; }

bool write_all(int descriptor, const char* data, std::size_t n) {
  while (n > 0) {
    const ssize_t written = ::write(descriptor, data, n);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    data += written;
    n -= static_cast<std::size_t>(written);
  }
  return true;
}

void put_u32(std::string& out, std::uint32_t value) {
  char bytes[4];
  std::memcpy(bytes, &value, 4);
  out.append(bytes, 4);
}
void put_real(std::string& out, double value) {
  char bytes[8];
  std::memcpy(bytes, &value, 8);
  out.append(bytes, 8);
}
void put_text(std::string& out, std::string_view text) {
  put_u32(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

class Parser {
 public:
  explicit Parser(std::string_view bytes) : bytes_(bytes) {}
  bool whole() const { return whole_ && bytes_.empty(); }
  std::string_view take(std::size_t n) {
    if (n > bytes_.size()) {
      whole_ = false;
      return {};
    }
    const std::string_view part = bytes_.substr(0, n);
    bytes_.remove_prefix(n);
    return part;
  }
  std::uint32_t u32() {
    std::uint32_t value = 0;
    const std::string_view bytes = take(4);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), 4);
    return value;
  }
  double real() {
    double value = 0;
    const std::string_view bytes = take(8);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), 8);
    if (!std::isfinite(value)) whole_ = false;
    return value;
  }
  std::string_view text() { return take(u32()); }
  /// Text that is shown: cleaned once more on this side of the pipe.
  std::string name() {
    std::int64_t n_odd = 0;
    return clean_word(text().substr(0, 1000), n_odd);
  }

 private:
  std::string_view bytes_;
  bool whole_ = true;
};

}  // namespace

bool write_frame(int descriptor, FrameKind kind, std::string_view payload) {
  std::string head;
  put_u32(head, static_cast<std::uint32_t>(payload.size()));
  head += static_cast<char>(kind);
  if (payload.size() < 4096) {
    head += payload;
    return write_all(descriptor, head.data(), head.size());
  }
  return write_all(descriptor, head.data(), head.size()) && write_all(descriptor, payload.data(), payload.size());
}

std::string encode_facts(const DocumentFacts& facts) {
  std::string out;
  put_u32(out, static_cast<std::uint32_t>(facts.n_pages));
  put_text(out, facts.title);
  put_text(out, facts.confinement);
  return out;
}

Result<DocumentFacts> decode_facts(std::string_view payload) {
  Parser parser(payload);
  DocumentFacts facts;
  const std::uint32_t n_pages = parser.u32();
  facts.title = parser.name();
  facts.confinement = parser.name();
  if (!parser.whole() || n_pages < 1 || n_pages > 10'000'000) return broken();
  facts.n_pages = static_cast<std::int32_t>(n_pages);
  return facts;
}

std::string encode_number(std::int32_t number) {
  std::string out;
  put_u32(out, static_cast<std::uint32_t>(number));
  return out;
}

Result<std::int32_t> decode_number(std::string_view payload) {
  Parser parser(payload);
  const std::uint32_t number = parser.u32();
  if (!parser.whole() || number < 1 || number > 10'000'000) return broken();
  return static_cast<std::int32_t>(number);
}

std::string encode_page(const PageFrame& page) {
  std::string out;
  put_u32(out, static_cast<std::uint32_t>(page.number));
  put_text(out, page.label);
  put_text(out, page.text.text);
  put_text(out, page.text.margins);
  put_text(out, page.text.hidden);
  put_text(out, page.text.note);
  put_real(out, page.text.width_pt);
  put_real(out, page.text.height_pt);
  put_real(out, page.text.confidence);
  put_text(out, encode_spans(page.text.spans));
  put_text(out, encode_words(page.text.words));
  return out;
}

Result<PageFrame> decode_page(std::string_view payload) {
  Parser parser(payload);
  PageFrame page;
  const std::uint32_t number = parser.u32();
  page.label = parser.name();
  page.text.text = std::string(parser.text());
  page.text.margins = clean_text(parser.text());
  page.text.hidden = clean_text(parser.text());
  page.text.note = parser.name();
  page.text.width_pt = parser.real();
  page.text.height_pt = parser.real();
  page.text.confidence = parser.real();
  const std::string_view spans = parser.text(), words = parser.text();
  if (!parser.whole() || number < 1 || number > 10'000'000) return broken();
  if (page.text.confidence < 0 || page.text.confidence > 1 || page.text.width_pt < 0 || page.text.height_pt < 0) return broken();
  // The places count bytes of the text as it is: if it is not clean already, it is not from our worker.
  if (clean_text(page.text.text) != page.text.text) return broken();
  page.number = static_cast<std::int32_t>(number);
  TRY_ASSIGN(page.text.spans, decode_spans(spans, page.text.text.size()));
  TRY_ASSIGN(page.text.words, decode_words(words, page.text.text.size()));
  return page;
}

std::string encode_error(const Error& error) {
  std::string out;
  put_u32(out, static_cast<std::uint32_t>(error.code));
  put_text(out, error.message);
  return out;
}

Error decode_error(std::string_view payload) {
  Parser parser(payload);
  const std::uint32_t code = parser.u32();
  std::string message = parser.name();
  if (!parser.whole() || code > static_cast<std::uint32_t>(ErrorCode::kNetwork) || message.empty()) return broken();
  return {static_cast<ErrorCode>(code), message};
}

Result<std::optional<Frame>> FrameReader::next() {
  if (bytes_.size() - at_ < kHeadBytes) return std::optional<Frame>();
  std::uint32_t n_bytes = 0;
  std::memcpy(&n_bytes, bytes_.data() + at_, 4);
  const char kind = bytes_[at_ + 4];
  if (n_bytes > max_bytes_ || std::string_view("DRPIEZ").find(kind) == std::string_view::npos) return broken();
  if (bytes_.size() - at_ - kHeadBytes < n_bytes) return std::optional<Frame>();
  Frame frame{static_cast<FrameKind>(kind), bytes_.substr(at_ + kHeadBytes, n_bytes)};
  at_ += kHeadBytes + n_bytes;
  if (at_ == bytes_.size() || at_ > (1u << 20)) {
    bytes_.erase(0, at_);
    at_ = 0;
  }
  return std::optional<Frame>(std::move(frame));
}

}  // namespace app
