#include "app/document/ruled_tables.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "app/document/reading_order.h"

namespace app {
namespace {

constexpr double kTouch = 3.0;          // points: lines this near meet
constexpr double kSamePlace = 3.0;      // points: lines this near are one line of the grid
constexpr std::size_t kMaxLines = 2000; // more are a drawing
constexpr std::size_t kMaxCells = 20'000;
constexpr double kFilledShare = 0.35;

bool is_level(const Rect& line) { return line.width() >= line.height(); }

bool meet(const Rect& a, const Rect& b) {
  return a.left - kTouch <= b.right && b.left - kTouch <= a.right && a.top - kTouch <= b.bottom && b.top - kTouch <= a.bottom;
}

/// Groups of lines that hang together, by the numbers of their lines.
std::vector<std::vector<std::size_t>> groups_of(const std::vector<Rect>& lines) {
  std::vector<std::size_t> parent(lines.size());
  std::iota(parent.begin(), parent.end(), 0u);
  const auto root = [&](std::size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  std::vector<std::size_t> by_left(lines.size());
  std::iota(by_left.begin(), by_left.end(), 0u);
  std::sort(by_left.begin(), by_left.end(), [&](auto a, auto b) { return lines[a].left < lines[b].left; });
  for (std::size_t i = 0; i < by_left.size(); ++i) {
    for (std::size_t j = i + 1; j < by_left.size() && lines[by_left[j]].left <= lines[by_left[i]].right + kTouch; ++j) {
      if (meet(lines[by_left[i]], lines[by_left[j]])) parent[root(by_left[i])] = root(by_left[j]);
    }
  }
  std::vector<std::vector<std::size_t>> groups(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) groups[root(i)].push_back(i);
  std::erase_if(groups, [](const auto& group) { return group.size() < 4; });
  return groups;
}

/// Sorted places without those that are nearly the same.
std::vector<double> places_of(std::vector<double> places) {
  std::sort(places.begin(), places.end());
  std::vector<double> distinct;
  for (const double place : places) {
    if (distinct.empty() || place - distinct.back() > kSamePlace) distinct.push_back(place);
  }
  return distinct;
}

struct Grid {
  std::vector<Rect> level, upright;
  std::vector<double> xs, ys;

  std::size_t n_rows() const { return ys.size() - 1; }
  std::size_t n_columns() const { return xs.size() - 1; }
  Rect box() const { return {xs.front(), ys.front(), xs.back(), ys.back()}; }

  bool line_between_columns(std::size_t row, std::size_t edge) const {
    const double y = (ys[row] + ys[row + 1]) / 2;
    return std::any_of(upright.begin(), upright.end(), [&](const Rect& line) { return std::abs(line.left - xs[edge]) <= kSamePlace && line.top <= y && line.bottom >= y; });
  }
  bool line_between_rows(std::size_t column, std::size_t edge) const {
    const double x = (xs[column] + xs[column + 1]) / 2;
    return std::any_of(level.begin(), level.end(), [&](const Rect& line) { return std::abs(line.top - ys[edge]) <= kSamePlace && line.left <= x && line.right >= x; });
  }

  /// For each place of the grid the first place of the cell that it belongs to.
  std::vector<std::size_t> owners() const {
    std::vector<std::size_t> owner(n_rows() * n_columns());
    std::iota(owner.begin(), owner.end(), 0u);
    for (std::size_t row = 0; row < n_rows(); ++row) {
      for (std::size_t column = 0; column < n_columns(); ++column) {
        const std::size_t at = row * n_columns() + column;
        if (column > 0 && !line_between_columns(row, column)) owner[at] = owner[at - 1];
        else if (row > 0 && !line_between_rows(column, row)) owner[at] = owner[at - n_columns()];
      }
    }
    return owner;
  }
};

Grid grid_of(const std::vector<Rect>& lines, const std::vector<std::size_t>& group) {
  Grid grid;
  std::vector<double> xs, ys;
  for (const std::size_t i : group) {
    if (is_level(lines[i])) {
      grid.level.push_back(lines[i]);
      ys.push_back(lines[i].top);
    } else {
      grid.upright.push_back(lines[i]);
      xs.push_back(lines[i].left);
    }
  }
  grid.xs = places_of(std::move(xs));
  grid.ys = places_of(std::move(ys));
  return grid;
}

std::size_t place_of(double value, const std::vector<double>& edges) {
  const auto after = std::upper_bound(edges.begin(), edges.end(), value);
  return std::min(static_cast<std::size_t>(std::max<std::ptrdiff_t>(after - edges.begin(), 1)) - 1, edges.size() - 2);
}

/// The words of one cell as lines of print.
std::vector<Fragment> lines_of(const RawPage& page, std::vector<std::int32_t> words) {
  const auto box_of = [&](std::int32_t i) -> const Rect& { return page.words[static_cast<std::size_t>(i)].box; };
  std::stable_sort(words.begin(), words.end(), [&](auto a, auto b) { return box_of(a).middle() < box_of(b).middle(); });
  std::vector<Fragment> lines;
  for (const std::int32_t i : words) {
    const RawWord& word = page.words[static_cast<std::size_t>(i)];
    if (lines.empty() || word.box.middle() > lines.back().box.bottom - 0.2 * lines.back().box.height()) lines.push_back({{}, word.box, word.font_size, false, false, 0, -1});
    lines.back().words.push_back(i);
    lines.back().box.add(word.box);
    lines.back().n_bytes += static_cast<std::int32_t>(word.text.size());
  }
  for (Fragment& line : lines) std::stable_sort(line.words.begin(), line.words.end(), [&](auto a, auto b) { return box_of(a).left < box_of(b).left; });
  return lines;
}

/// Fills the grid with words; no rows when too little stands in it to be a table.
RuledTable filled(const RawPage& page, const Grid& grid) {
  std::vector<std::vector<std::int32_t>> words(grid.n_rows() * grid.n_columns());
  const std::vector<std::size_t> owner = grid.owners();
  const Rect box = grid.box();
  for (std::size_t i = 0; i < page.words.size(); ++i) {
    const RawWord& word = page.words[i];
    const double x = (word.box.left + word.box.right) / 2, y = word.box.middle();
    if (word.rotation != 0 || x < box.left || x > box.right || y < box.top || y > box.bottom) continue;
    words[owner[place_of(y, grid.ys) * grid.n_columns() + place_of(x, grid.xs)]].push_back(static_cast<std::int32_t>(i));
  }
  std::size_t n_cells = 0, n_filled = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    n_cells += owner[i] == i;
    n_filled += !words[i].empty();
  }
  RuledTable table{box, {}};
  if (n_cells < 3 || n_filled < 3 || static_cast<double>(n_filled) < kFilledShare * static_cast<double>(n_cells)) return table;
  for (std::size_t row = 0; row < grid.n_rows(); ++row) {
    std::vector<std::vector<Fragment>> cells;
    for (std::size_t column = 0; column < grid.n_columns(); ++column) cells.push_back(lines_of(page, std::move(words[row * grid.n_columns() + column])));
    // A row that is only the space between double lines.
    if (std::all_of(cells.begin(), cells.end(), [](const auto& cell) { return cell.empty(); })) continue;
    table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace

std::vector<RuledTable> find_ruled_tables(const RawPage& page) {
  std::vector<RuledTable> tables;
  if (page.rulings.size() < 4 || page.rulings.size() > kMaxLines) return tables;
  for (const std::vector<std::size_t>& group : groups_of(page.rulings)) {
    const Grid grid = grid_of(page.rulings, group);
    if (grid.xs.size() < 2 || grid.ys.size() < 2 || grid.xs.size() + grid.ys.size() < 5) continue;
    if (grid.n_rows() * grid.n_columns() > kMaxCells) continue;
    RuledTable table = filled(page, grid);
    if (table.rows.size() >= 2 || (table.rows.size() == 1 && grid.n_columns() >= 3)) tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace app
