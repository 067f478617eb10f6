#include "app/document/text_file.h"

#include <iconv.h>
#include <unicode/ucsdet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "app/document/text_clean.h"

namespace app {
namespace {

constexpr std::size_t kLinesPerSpan = 6;
constexpr std::uint32_t kMaxSpanBytes = 1200;
constexpr std::ptrdiff_t kLeastForGuess = 8;    // bytes beyond ASCII
constexpr std::size_t kMaxForGuess = 256 << 10;
constexpr std::int32_t kLeastConfidence = 20;   // of 100

struct DetectorCloser {
  void operator()(UCharsetDetector* detector) const { ucsdet_close(detector); }
};

struct TextLine {
  std::uint32_t begin = 0, end = 0;  // without the line end
  bool blank = false;
};

std::vector<TextLine> lines_of(std::string_view text) {
  std::vector<TextLine> lines;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view line = text.substr(at, end - at);
    lines.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end), line.find_first_not_of(" \t") == std::string_view::npos});
    at = end + 1;
  }
  return lines;
}

bool is_valid_utf8(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    if (static_cast<unsigned char>(bytes[at]) < 0x80) {
      ++at;
      continue;
    }
    const auto [code, n] = code_point(bytes, at);
    if (code == 0xFFFD && n == 1) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

/// Which of the many old encodings it most likely is, by the statistics of their languages; empty: too
/// little to tell, or Latin.
std::string guessed_encoding(std::string_view bytes) {
  const auto n_high = std::count_if(bytes.begin(), bytes.end(), [](char c) { return (c & 0x80) != 0; });
  if (n_high < kLeastForGuess) return "";
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UCharsetDetector, DetectorCloser> detector(ucsdet_open(&status));
  const auto n_looked_at = static_cast<std::int32_t>(std::min<std::size_t>(bytes.size(), kMaxForGuess));
  ucsdet_setText(detector.get(), bytes.data(), n_looked_at, &status);
  const UCharsetMatch* match = U_SUCCESS(status) ? ucsdet_detect(detector.get(), &status) : nullptr;
  if (!match || U_FAILURE(status) || ucsdet_getConfidence(match, &status) < kLeastConfidence) return "";
  const std::string_view name = ucsdet_getName(match, &status);
  // Text of Western Europe is read as Windows-1252, which holds all of Latin 1.
  if (U_FAILURE(status) || name == "ISO-8859-1" || name == "windows-1252" || name.starts_with("UTF-") || name.starts_with("IBM")) return "";
  return std::string(name);
}

std::string converted(std::string_view bytes, const char* encoding) {
  const iconv_t converter = ::iconv_open("UTF-8", encoding);
  if (converter == reinterpret_cast<iconv_t>(-1)) return std::string(bytes);
  std::string text;
  std::array<char, 8192> buffer;
  char* in = const_cast<char*>(bytes.data());
  std::size_t n_in = bytes.size();
  while (n_in > 0) {
    char* out = buffer.data();
    std::size_t n_out = buffer.size();
    const std::size_t result = ::iconv(converter, &in, &n_in, &out, &n_out);
    text.append(buffer.data(), buffer.size() - n_out);
    if (result != static_cast<std::size_t>(-1) || errno == E2BIG) continue;
    append_code_point(text, 0xFFFD);
    ++in;
    --n_in;
  }
  ::iconv_close(converter);
  return text;
}

/// Makes the spans of one text file, line by line.
class SpanMaker {
 public:
  SpanMaker(std::string_view text, PartText& out) : text_(text), lines_(lines_of(text)), out_(out) {}

  void code() { code(0, lines_.size()); }

  void prose(bool is_markdown) {
    for (std::size_t i = 0; i < lines_.size();) {
      if (lines_[i].blank) {
        ++i;
      } else if (is_markdown && fence_of(i)) {
        i = fenced(i);
      } else if (is_markdown && heading_level(i)) {
        add(SpanKind::kHeading, heading_level(i), i, i);
        ++i;
      } else if (content(i).starts_with('|')) {
        add(SpanKind::kTableRow, 0, i, i);
        ++i;
      } else {
        i = paragraph(i, is_markdown);
      }
    }
  }

 private:
  std::string_view content(std::size_t line) const {
    const std::string_view text = text_.substr(lines_[line].begin, lines_[line].end - lines_[line].begin);
    const std::size_t at = text.find_first_not_of(" \t");
    return at == std::string_view::npos ? std::string_view() : text.substr(at);
  }

  bool fence_of(std::size_t line) const { return content(line).starts_with("```") || content(line).starts_with("~~~"); }

  int heading_level(std::size_t line) const {
    const std::string_view text = content(line);
    const std::size_t n = text.find_first_not_of('#');
    return n != std::string_view::npos && n >= 1 && n <= 6 && text[n] == ' ' ? static_cast<int>(n) : 0;
  }

  static bool is_item(std::string_view text) {
    if (text.starts_with("- ") || text.starts_with("* ") || text.starts_with("+ ") || text.starts_with("• ")) return true;
    const std::size_t n = text.find_first_not_of("0123456789");
    return n != std::string_view::npos && n >= 1 && n <= 3 && (text[n] == '.' || text[n] == ')') && n + 1 < text.size() && text[n + 1] == ' ';
  }

  /// The code between two fences; the fences themselves are no text.
  std::size_t fenced(std::size_t fence) {
    std::size_t end = fence + 1;
    while (end < lines_.size() && !fence_of(end)) ++end;
    code(fence + 1, end);
    return end + 1;
  }

  std::size_t paragraph(std::size_t first, bool is_markdown) {
    std::size_t end = first + 1;
    while (end < lines_.size() && !lines_[end].blank && !is_item(content(end)) && !content(end).starts_with('|') &&
           !(is_markdown && (fence_of(end) || heading_level(end)))) ++end;
    const SpanKind kind = is_item(content(first)) ? SpanKind::kListItem : SpanKind::kSentence;
    // Sentences run over line ends: to the splitter these are spaces of the same length.
    std::string text(text_.substr(lines_[first].begin, lines_[end - 1].end - lines_[first].begin));
    std::replace_if(text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    for (const auto& [begin, finish] : split_sentences(text, kMaxSpanBytes)) {
      const std::uint32_t from = lines_[first].begin + begin, to = lines_[first].begin + finish;
      add(kind, 0, line_at(from), line_at(to - 1), from, to);
    }
    return end;
  }

  void code(std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last;) {
      if (lines_[i].blank) {
        ++i;
        continue;
      }
      std::size_t end = i;
      while (end < last && !lines_[end].blank && end - i < kLinesPerSpan && (end == i || lines_[end].end - lines_[i].begin <= kMaxSpanBytes)) ++end;
      add_long(i, end - 1);
      i = end;
    }
  }

  /// A line longer than a span can be is cut where a character ends.
  void add_long(std::size_t first, std::size_t last) {
    std::uint32_t begin = lines_[first].begin;
    const std::uint32_t end = lines_[last].end;
    while (end - begin > 2 * kMaxSpanBytes) {
      std::uint32_t cut = begin + kMaxSpanBytes;
      while (cut > begin + 1 && (static_cast<unsigned char>(text_[cut]) & 0xC0) == 0x80) --cut;
      add(SpanKind::kCode, 0, line_at(begin), line_at(cut - 1), begin, cut);
      begin = cut;
    }
    add(SpanKind::kCode, 0, line_at(begin), last, begin, end);
  }

  std::size_t line_at(std::uint32_t offset) const {
    const auto after = std::upper_bound(lines_.begin(), lines_.end(), offset, [](std::uint32_t at, const TextLine& line) { return at < line.begin; });
    return static_cast<std::size_t>(after - lines_.begin()) - 1;
  }

  void add(SpanKind kind, int level, std::size_t first, std::size_t last) { add(kind, level, first, last, lines_[first].begin, lines_[last].end); }
  void add(SpanKind kind, int level, std::size_t first, std::size_t last, std::uint32_t begin, std::uint32_t end) {
    Span span;
    span.kind = kind;
    span.level = static_cast<std::uint8_t>(level);
    span.begin = begin;
    span.end = end;
    span.first_line = static_cast<std::int32_t>(first) + 1;
    span.last_line = static_cast<std::int32_t>(last) + 1;
    out_.spans.push_back(std::move(span));
  }

  std::string_view text_;
  std::vector<TextLine> lines_;
  PartText& out_;
};

}  // namespace

DecodedText decode_text(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return {clean_text(bytes.substr(3)), "UTF-8"};
  if (bytes.starts_with("\xFF\xFE")) return {clean_text(converted(bytes.substr(2), "UTF-16LE")), "UTF-16"};
  if (bytes.starts_with("\xFE\xFF")) return {clean_text(converted(bytes.substr(2), "UTF-16BE")), "UTF-16"};
  if (is_valid_utf8(bytes)) return {clean_text(bytes), "UTF-8"};
  if (const std::string encoding = guessed_encoding(bytes); !encoding.empty()) {
    const std::string text = converted(bytes, encoding.c_str());
    if (text.find("\xEF\xBF\xBD") == std::string::npos) return {clean_text(text), encoding};
  }
  return {clean_text(converted(bytes, "WINDOWS-1252")), "Windows-1252"};
}

PartText code_part(std::string text) {
  PartText part;
  part.text = std::move(text);
  SpanMaker(part.text, part).code();
  return part;
}

PartText prose_part(std::string text, bool is_markdown) {
  PartText part;
  part.text = std::move(text);
  SpanMaker(part.text, part).prose(is_markdown);
  return part;
}

bool is_prose(std::string_view language) { return language == "Markdown" || language == "Text" || language == "reStructuredText"; }

}  // namespace app
