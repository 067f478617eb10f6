#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ui/conversation/markdown_writer.h"

namespace ui {

constexpr char kAnchorByte = '\x02';  // stands for one byte of an anchor while md4c reads
constexpr char kFillByte = '\x03';    // stands for a byte that is dropped

/// What md4c reads of an answer: GitHub's tables, strike-through and task lists, TeX between dollars,
/// no raw HTML.
extern const unsigned kMarkdownFlags;

/// The same number of bytes, so that offsets stay: anchors cannot become links or link definitions,
/// and TeX in \( \) and \[ \] becomes the dollar form that md4c knows. `offset`: where `markdown` begins
/// in the answer, from whose start chips are numbered.
std::string prepared_markdown(std::string_view markdown, std::uint32_t offset, const std::vector<Chip>& chips);

}  // namespace ui
