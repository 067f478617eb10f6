#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ui/conversation/markdown_writer.h"

namespace ui {

/// Markdown as HTML for a file. The text is data: all of it is escaped, pictures become their words,
/// only web and mail addresses become links, TeX stays TeX. A chip becomes a raised number that
/// leads to #NOTES-number, NOTES being `note_prefix`; its number is `note_of_chip[chip.index]`.
std::string markdown_to_html(std::string_view markdown, const std::vector<Chip>& chips, const std::vector<int>& note_of_chip, std::string_view note_prefix);

}  // namespace ui
