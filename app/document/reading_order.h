#pragma once

#include <vector>

#include "app/document/layout.h"

namespace app {

/// The lines of a page in the order in which a person reads them. Columns are found by the white
/// gutters between pieces of running text (recursive cuts, after XY-cut); rows of tables stay rows,
/// because their cells are too short to be columns of text. Only words with `rotation` take part.
std::vector<Line> reading_order(const RawPage& page, int rotation = 0);

/// The rotation most of the page's text has.
int main_rotation(const RawPage& page);

}  // namespace app
