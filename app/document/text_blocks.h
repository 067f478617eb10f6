#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/document/page.h"

namespace app {

/// Makes the text of a document that has structure but no pages: blocks become Markdown with one span
/// per heading, sentence, list item, table row. Text is cleaned and its white space collapsed here.
class TextBlocks {
 public:
  void heading(int level, std::string_view text);
  void paragraph(std::string_view text);
  /// `marker` is "-" or "3."; depth 0 is the outermost list.
  void item(int depth, std::string_view marker, std::string_view text);
  void caption(std::string_view text);
  void footnote(std::string_view text);
  /// Lines and their white space are kept.
  void code(std::string_view text);
  /// Rows of one table; the first is its head. Short rows are filled up.
  void table(const std::vector<std::vector<std::string>>& rows);

  bool empty() const { return part_.text.empty(); }
  std::size_t n_bytes() const { return part_.text.size(); }
  PartText take();

 private:
  enum class Gap { kLine, kBlank };
  void begin(Gap gap);
  void add(SpanKind kind, int level, std::string_view text);
  void block(SpanKind kind, std::string_view text);

  PartText part_;
  std::int32_t line_ = 1;
  bool in_list_ = false;
};

/// Clean text in one line: runs of white space are one space, none at the ends.
std::string collapsed(std::string_view text);

}  // namespace app
