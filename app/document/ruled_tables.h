#pragma once

#include <vector>

#include "app/document/layout.h"

namespace app {

/// A table drawn with lines. A cell that spans several places of the grid has its words in the first.
struct RuledTable {
  Rect box;
  std::vector<std::vector<std::vector<Fragment>>> rows;  // [row][column] -> the lines of print in that cell
};

/// Tables whose grid is drawn, from the page's rulings: at least two columns or rows of cells and words
/// in most of them. Neighbours that only share a frame (a picture in a box, a chart) are no tables.
/// The page reads from left to right.
std::vector<RuledTable> find_ruled_tables(const RawPage& page);

}  // namespace app
