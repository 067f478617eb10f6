#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "app/document/layout.h"

namespace app {

/// What is learned from a whole document or a stretch of it.
struct DocumentStyle {
  double body_size = 10;                    // font size of most of the text
  std::map<std::string, int> outline;       // heading_key(title) -> level
  std::unordered_set<std::string> words;    // for telling hyphens from hyphenation
};

/// Lower case letters and digits only: what a heading and its outline entry have in common.
std::string heading_key(std::string_view text);

/// Lines that belong together: a heading, a paragraph, a list item, a table.
struct Paragraph {
  SpanKind kind = SpanKind::kSentence;
  int level = 0;
  std::vector<Line> lines;
  std::vector<double> column_edges;         // aligned tables: where one column ends and the next begins
  double confidence = 1;                    // aligned tables: Table::confidence
  std::int32_t ruled_table = -1;            // tables drawn with lines: which of the page
};

std::vector<Paragraph> make_paragraphs(const RawPage& page, std::vector<Line> lines, const DocumentStyle& style);

/// Text of a line as it is printed.
std::string text_of(const RawPage& page, const Line& line);

}  // namespace app
