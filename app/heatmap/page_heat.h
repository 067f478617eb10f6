#pragma once

#include <cstdint>
#include <vector>

#include "app/document/page.h"
#include "app/heatmap/source_heat.h"

namespace app {

/// A place on a page with how much of it was selected.
struct BoxHeat {
  Box box;
  double weight = 0;  // 0..1, see KeyHeat::share
};

/// A line of a file, 1-based.
struct LineHeat {
  std::int32_t line = 0;
  double weight = 0;
};

/// Heat on one page (words) or file (lines). What is missing was not in the prompt; weight 0 was in the
/// prompt and not selected.
struct PageHeat {
  PartId part = 0;
  bool in_prompt = false;
  /// False: nothing was sparse, the page is not to be coloured.
  bool sparse = false;
  double confidence = 1;   // of the reading: say so before colouring what was read badly
  double maximum = 0;      // the heaviest of this part
  std::vector<BoxHeat> boxes;
  std::vector<LineHeat> lines;
};

/// Joins the heat of keys with the words of a page or the lines of a file. Inside one block of the prompt
/// its tokens are taken to be spread evenly over its bytes: a word is placed to within a few tokens, and
/// where the trace knows only blocks of 64 keys, to within those.
PageHeat page_heat(const KeyHeat& heat, const PromptMap& map, PartId part, const PartText& text);

}  // namespace app
