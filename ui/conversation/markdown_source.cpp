#include "ui/conversation/markdown_source.h"

#include <md4c.h>

#include <algorithm>

namespace ui {

const unsigned kMarkdownFlags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_PERMISSIVEURLAUTOLINKS | MD_FLAG_LATEXMATHSPANS |
                                MD_FLAG_NOHTML | MD_FLAG_NOINDENTEDCODEBLOCKS;

std::string prepared_markdown(std::string_view markdown, std::uint32_t offset, const std::vector<Chip>& chips) {
  std::string text(markdown);
  for (char& c : text) {
    if (c == kAnchorByte || c == kFillByte || c == '\0') c = ' ';
  }
  for (const Chip& chip : chips) {
    if (chip.begin < offset || chip.end > offset + text.size()) continue;
    std::fill(text.begin() + (chip.begin - offset), text.begin() + (chip.end - offset), kAnchorByte);
  }
  const auto replace_pair = [&text](const char* open, const char* close, const char* with_open, const char* with_close) {
    for (std::size_t at = text.find(open); at != std::string::npos; at = text.find(open, at + 2)) {
      const std::size_t end = text.find(close, at + 2);
      if (end == std::string::npos || text.substr(at, end - at).find("\n\n") != std::string::npos) return;
      text.replace(at, 2, with_open);
      text.replace(end, 2, with_close);
    }
  };
  replace_pair("\\(", "\\)", "\x03$", "$\x03");
  replace_pair("\\[", "\\]", "$$", "$$");
  return text;
}

}  // namespace ui
