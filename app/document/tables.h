#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "app/document/layout.h"

namespace app {

struct Table {
  std::size_t n_lines = 0;              // from the beginning of what was looked at
  std::vector<double> column_edges;     // n_columns - 1 separators, left to right
  double confidence = 1;                // share of the rows that have no two cells in one column
};

/// Whether a table begins with the first of `lines`: several lines of two or more cells whose gaps
/// stand below each other.
std::optional<Table> find_table(std::span<const Line> lines);

/// The lines of a table as rows of cells (indices into `lines` and their cells): lines that only
/// continue the row above belong to it.
struct TableRow {
  std::vector<std::vector<const Fragment*>> cells;  // per column
  std::vector<const Line*> lines;
};
std::vector<TableRow> table_rows(std::span<const Line> lines, const std::vector<double>& column_edges);

}  // namespace app
