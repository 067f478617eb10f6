#include "app/document/tables.h"

#include <algorithm>
#include <cmath>

namespace app {
namespace {

constexpr double kBinPoints = 1.0;
constexpr double kMaxRowGapEm = 2.2;   // more white than this between lines ends a table
constexpr double kMinColumnGap = 3.0;  // points

/// Lines that may belong to one table: beginning with cells side by side, no wide gap, and at most
/// one line in a row that has a single cell.
std::size_t candidate_length(std::span<const Line> lines) {
  std::size_t n = 0, last_multi = 0;
  for (; n < lines.size(); ++n) {
    if (lines[n].column != lines[0].column || lines[n].cells.front().table >= 0 || lines[n].fixed_width) break;
    if (n > 0 && lines[n].box.top - lines[n - 1].box.bottom > kMaxRowGapEm * std::max(lines[n].font_size, 6.0)) break;
    if (lines[n].cells.size() >= 2) {
      last_multi = n + 1;
    } else if (n + 1 - last_multi > 2) {
      break;
    }
  }
  return last_multi;
}

std::size_t column_of(const Fragment& cell, const std::vector<double>& edges) {
  const double middle = (cell.box.left + cell.box.right) / 2;
  return static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), middle) - edges.begin());
}

bool has_two_in_one_column(const Line& line, const std::vector<double>& edges) {
  for (std::size_t i = 1; i < line.cells.size(); ++i) {
    if (column_of(line.cells[i], edges) == column_of(line.cells[i - 1], edges)) return true;
  }
  return false;
}

}  // namespace

std::optional<Table> find_table(std::span<const Line> lines) {
  if (lines.empty() || lines[0].cells.size() < 2 || lines[0].fixed_width || lines[0].cells[0].table >= 0) return std::nullopt;
  const std::size_t n_lines = candidate_length(lines);
  if (n_lines < 2) return std::nullopt;
  double left = 1e9, right = -1e9;
  std::size_t n_multi = 0;
  for (const Line& line : lines.first(n_lines)) {
    left = std::min(left, line.box.left);
    right = std::max(right, line.box.right);
    n_multi += line.cells.size() >= 2;
  }
  if (n_multi < 2 || n_multi * 2 < n_lines || !(right - left > 20 && right - left < 20000)) return std::nullopt;

  // How many of the lines with several cells have ink at each x.
  std::vector<std::size_t> ink(static_cast<std::size_t>((right - left) / kBinPoints) + 1, 0);
  for (const Line& line : lines.first(n_lines)) {
    if (line.cells.size() < 2) continue;
    for (const Fragment& cell : line.cells) {
      const auto first = static_cast<std::size_t>(std::max(0.0, (cell.box.left - left) / kBinPoints));
      const auto last = std::min(static_cast<std::size_t>((cell.box.right - left) / kBinPoints), ink.size() - 1);
      for (std::size_t bin = first; bin <= last; ++bin) ++ink[bin];
    }
  }
  Table table;
  table.n_lines = n_lines;
  const std::size_t allowed = n_multi >= 8 ? n_multi / 8 : 0;
  for (std::size_t bin = 0; bin < ink.size();) {
    std::size_t end = bin;
    while (end < ink.size() && ink[end] <= allowed) ++end;
    if (end > bin && bin > 0 && end < ink.size() && static_cast<double>(end - bin) * kBinPoints >= kMinColumnGap) {
      table.column_edges.push_back(left + (static_cast<double>(bin) + static_cast<double>(end - bin) / 2) * kBinPoints);
    }
    bin = std::max(end, bin + 1);
  }
  if (table.column_edges.empty()) return std::nullopt;
  std::size_t n_clear = 0;
  for (const Line& line : lines.first(n_lines)) n_clear += line.cells.size() >= 2 && !has_two_in_one_column(line, table.column_edges);
  table.confidence = static_cast<double>(n_clear) / static_cast<double>(n_multi);
  return table;
}

std::vector<TableRow> table_rows(std::span<const Line> lines, const std::vector<double>& edges) {
  std::vector<double> pitches;
  for (std::size_t i = 1; i < lines.size(); ++i) pitches.push_back(lines[i].box.middle() - lines[i - 1].box.middle());
  double widest = 0;
  for (const double pitch : pitches) widest = std::max(widest, pitch);
  std::vector<TableRow> rows;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::vector<std::vector<const Fragment*>> cells(edges.size() + 1);
    for (const Fragment& cell : lines[i].cells) cells[column_of(cell, edges)].push_back(&cell);
    // A line without a first cell, set closer than rows are, goes on with the row above.
    const bool continues = i > 0 && cells[0].empty() && !rows.empty() && pitches[i - 1] < 0.8 * widest;
    if (!continues) rows.push_back({std::vector<std::vector<const Fragment*>>(edges.size() + 1), {}});
    for (std::size_t column = 0; column < cells.size(); ++column) {
      auto& there = rows.back().cells[column];
      there.insert(there.end(), cells[column].begin(), cells[column].end());
    }
    rows.back().lines.push_back(&lines[i]);
  }
  return rows;
}

}  // namespace app
