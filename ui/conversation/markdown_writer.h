#pragma once

#include <QString>
#include <QTextCursor>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/question/citations.h"
#include "ui/conversation/answer_objects.h"

namespace ui {

/// What stands in the place of an anchor: the window shows page or file:line, never the raw number.
struct Chip {
  std::uint32_t begin = 0;   // bytes of the anchor in the answer
  std::uint32_t end = 0;
  bool hidden = false;       // the first of a pair around a quote
  QString label;
  ChipMark mark = ChipMark::kNone;
  ChipEvidence evidence = ChipEvidence::kUnsaid;
  int index = 0;             // into the caller's list
};

constexpr double kQuoteIndent = 16;  // pixels, of each quotation
constexpr double kListIndent = 22;  // pixels, of a document that answers are written to

/// A run of characters of the document and the bytes of the answer they come from.
struct TextRun {
  int position = 0;          // of the document
  int length = 0;            // UTF-16 units
  std::uint32_t begin = 0;   // bytes of the answer
  std::uint32_t end = 0;
};

/// Writes Markdown (GitHub's tables, strike-through, task lists; TeX between $ or \( \)) at a cursor.
/// The text is data: raw HTML is shown as text, pictures as their words, links only carry their address.
class MarkdownWriter {
 public:
  MarkdownWriter(QTextCursor cursor, const std::vector<Chip>& chips) : cursor_(std::move(cursor)), chips_(chips) {}

  /// `markdown` starts at byte `offset` of the answer (chips are numbered from its start).
  void write(std::string_view markdown, std::uint32_t offset, std::vector<TextRun>* runs);

 private:
  QTextCursor cursor_;
  const std::vector<Chip>& chips_;
};

/// Where the last piece of a growing Markdown text begins that may still change when more is added:
/// what lies before it can stay as it was drawn. Never inside a code fence.
std::size_t last_open_block(std::string_view markdown, std::size_t from);

}  // namespace ui
