#include "app/document/reading_order.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

namespace app {

void Rect::add(const Rect& other) {
  left = std::min(left, other.left);
  top = std::min(top, other.top);
  right = std::max(right, other.right);
  bottom = std::max(bottom, other.bottom);
}

std::int32_t Line::n_words() const {
  return std::accumulate(cells.begin(), cells.end(), 0, [](int n, const Fragment& cell) { return n + static_cast<int>(cell.words.size()); });
}

namespace {

constexpr double kJoinGapEm = 0.7;       // words nearer than this belong together
constexpr double kNoSpaceEm = 0.38;      // where spaces are written, white without one is a border between cells
constexpr double kJoinSpaceEm = 1.3;     // also these, when the PDF has a space between them
constexpr double kGutterEm = 0.9;        // the least width of a gutter between columns
constexpr double kBinPoints = 2.0;
constexpr double kLevelPoints = 8.0;
constexpr int kMinGutterLines = 3;
constexpr int kMaxDepth = 6;

double shared_height(const Rect& a, const Rect& b) {
  const double shared = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const double smaller = std::min(a.height(), b.height());
  return smaller > 0 ? shared / smaller : 0;
}

struct Order {
  const RawPage& page;
  std::vector<Fragment> fragments;
  std::vector<std::vector<int>> leaves;  // fragments of each piece of the page

  void make_fragments(int rotation);
  void finish(Fragment& fragment) const;
  void split(std::vector<int> members, int depth);
  bool find_gutter(const std::vector<int>& members, double& x) const;
  bool reads_as_column(const std::vector<int>& members) const;
  std::vector<Line> lines() const;
};

void Order::finish(Fragment& fragment) const {
  std::map<int, int> bytes_by_size;
  int n_bold = 0, n_fixed = 0;
  for (const int index : fragment.words) {
    const RawWord& word = page.words[static_cast<std::size_t>(index)];
    const int n = static_cast<int>(word.text.size());
    bytes_by_size[static_cast<int>(std::lround(word.font_size * 4))] += n;
    fragment.n_bytes += n;
    if (word.font >= 0 && page.fonts[static_cast<std::size_t>(word.font)].bold) n_bold += n;
    if (word.font >= 0 && page.fonts[static_cast<std::size_t>(word.font)].fixed_width) n_fixed += n;
  }
  int most = 0;
  for (const auto& [size, n] : bytes_by_size) {
    if (n >= most) fragment.font_size = size / 4.0;
    most = std::max(most, n);
  }
  fragment.bold = 2 * n_bold > fragment.n_bytes;
  fragment.fixed_width = 2 * n_fixed > fragment.n_bytes;
}

void Order::make_fragments(int rotation) {
  std::vector<int> words;
  for (std::size_t i = 0; i < page.words.size(); ++i) {
    if (page.words[i].rotation == rotation && !page.words[i].text.empty()) words.push_back(static_cast<int>(i));
  }
  std::stable_sort(words.begin(), words.end(), [&](int a, int b) { return page.words[static_cast<std::size_t>(a)].box.left < page.words[static_cast<std::size_t>(b)].box.left; });
  // Fragments by the height of their last word: a word only looks at those on its own level.
  std::map<int, std::vector<std::size_t>> levels;
  const auto level_of = [](const RawWord& word) { return static_cast<int>(word.box.middle() / kLevelPoints); };
  for (const int index : words) {
    const RawWord& word = page.words[static_cast<std::size_t>(index)];
    if (word.table >= 0) {
      fragments.push_back({{index}, word.box, 0, false, false, 0, word.table});
      continue;
    }
    Fragment* home = nullptr;
    double nearest = 1e9;
    const int reach = 1 + static_cast<int>(word.box.height() / kLevelPoints);
    for (auto level = levels.lower_bound(level_of(word) - reach); level != levels.end() && level->first <= level_of(word) + reach; ++level) {
      for (const std::size_t each : level->second) {
        Fragment& fragment = fragments[each];
        const RawWord& last = page.words[static_cast<std::size_t>(fragment.words.back())];
        const double em = std::max({word.font_size, last.font_size, 4.0});
        const double gap = word.box.left - fragment.box.right;
        if (gap < -0.5 * em || gap > (last.space_after ? kJoinSpaceEm : page.has_written_spaces ? kNoSpaceEm : kJoinGapEm) * em || std::abs(gap) >= nearest) continue;
        if (shared_height(word.box, last.box) < 0.4) continue;
        home = &fragment;
        nearest = std::abs(gap);
      }
    }
    if (!home) {
      fragments.push_back({{}, word.box, 0, false, false, 0, -1});
      home = &fragments.back();
      levels[level_of(word)].push_back(fragments.size() - 1);
    }
    home->words.push_back(index);
    home->box.add(word.box);
  }
  for (Fragment& fragment : fragments) {
    if (fragment.table < 0) finish(fragment);
  }
}

/// The x that the most lines leave white between a piece of text on its left and one on its right.
bool Order::find_gutter(const std::vector<int>& members, double& x) const {
  double left = 1e9, right = -1e9;
  for (const int i : members) {
    left = std::min(left, fragments[static_cast<std::size_t>(i)].box.left);
    right = std::max(right, fragments[static_cast<std::size_t>(i)].box.right);
  }
  const double n_bins_real = (right - left) / kBinPoints;
  if (!(n_bins_real >= 10 && n_bins_real < 20000)) return false;
  std::vector<int> votes(static_cast<std::size_t>(n_bins_real) + 2, 0);
  for (const int i : members) {
    const Fragment& a = fragments[static_cast<std::size_t>(i)];
    const Fragment* next = nullptr;
    for (const int j : members) {
      const Fragment& b = fragments[static_cast<std::size_t>(j)];
      if (b.box.left < a.box.right || shared_height(a.box, b.box) < 0.3) continue;
      if (!next || b.box.left < next->box.left) next = &b;
    }
    if (!next || next->box.left - a.box.right < std::max(6.0, kGutterEm * std::min(a.font_size, next->font_size))) continue;
    const auto first = static_cast<std::size_t>((a.box.right - left) / kBinPoints) + 1;
    const auto last = static_cast<std::size_t>((next->box.left - left) / kBinPoints);
    for (std::size_t bin = first; bin < last && bin < votes.size(); ++bin) ++votes[bin];
  }
  const auto best = std::max_element(votes.begin(), votes.end());
  if (*best < kMinGutterLines) return false;
  auto end = best;
  while (end != votes.end() && *end == *best) ++end;
  x = left + (static_cast<double>(best - votes.begin()) + static_cast<double>(end - best) / 2) * kBinPoints;
  return true;
}

/// Running text fills its lines; the cells of a table are short and of any width.
bool Order::reads_as_column(const std::vector<int>& members) const {
  if (members.size() < static_cast<std::size_t>(kMinGutterLines)) return false;
  std::vector<double> widths;
  int n_bytes = 0, n_bytes_long = 0;
  for (const int i : members) {
    const Fragment& fragment = fragments[static_cast<std::size_t>(i)];
    widths.push_back(fragment.box.width());
    n_bytes += fragment.n_bytes;
    if (fragment.words.size() >= 4 || fragment.n_bytes >= 25) n_bytes_long += fragment.n_bytes;
  }
  std::sort(widths.begin(), widths.end());
  const double typical = widths[widths.size() * 4 / 5];
  const auto n_full = widths.end() - std::lower_bound(widths.begin(), widths.end(), 0.75 * typical);
  return n_bytes_long * 10 >= n_bytes * 6 && n_full * 100 >= static_cast<std::ptrdiff_t>(widths.size()) * 45;
}

void Order::split(std::vector<int> members, int depth) {
  const auto by_top = [&](int a, int b) { return fragments[static_cast<std::size_t>(a)].box.top < fragments[static_cast<std::size_t>(b)].box.top; };
  std::stable_sort(members.begin(), members.end(), by_top);
  double x = 0;
  if (depth >= kMaxDepth || !find_gutter(members, x)) {
    leaves.push_back(std::move(members));
    return;
  }
  std::vector<int> whole, left, right;
  const auto flush_whole = [&] {
    if (!whole.empty()) leaves.push_back(std::move(whole));
    whole.clear();
  };
  const auto end_band = [&] {
    if (reads_as_column(left) && reads_as_column(right)) {
      flush_whole();
      split(std::move(left), depth + 1);
      split(std::move(right), depth + 1);
    } else {
      whole.insert(whole.end(), left.begin(), left.end());
      whole.insert(whole.end(), right.begin(), right.end());
    }
    left.clear();
    right.clear();
  };
  for (const int i : members) {
    const Rect& box = fragments[static_cast<std::size_t>(i)].box;
    if (box.right <= x + 1) {
      left.push_back(i);
    } else if (box.left >= x - 1) {
      right.push_back(i);
    } else {
      end_band();
      whole.push_back(i);
    }
  }
  end_band();
  flush_whole();
}

std::vector<Line> Order::lines() const {
  std::vector<Line> lines;
  std::int32_t column = 0;
  for (const std::vector<int>& leaf : leaves) {
    const std::size_t first = lines.size();
    Rect column_box{1e9, 1e9, -1e9, -1e9};
    std::vector<int> members = leaf;
    std::stable_sort(members.begin(), members.end(), [&](int a, int b) {
      return fragments[static_cast<std::size_t>(a)].box.middle() < fragments[static_cast<std::size_t>(b)].box.middle();
    });
    for (const int i : members) {
      const Fragment& fragment = fragments[static_cast<std::size_t>(i)];
      column_box.add(fragment.box);
      const bool joins = lines.size() > first && fragment.table < 0 && lines.back().cells[0].table < 0 && shared_height(lines.back().box, fragment.box) > 0.5;
      if (!joins) lines.push_back({});
      Line& line = lines.back();
      if (!joins) line.box = fragment.box;
      line.box.add(fragment.box);
      line.column = column;
      line.cells.push_back(fragment);
    }
    for (std::size_t i = first; i < lines.size(); ++i) {
      Line& line = lines[i];
      std::stable_sort(line.cells.begin(), line.cells.end(), [](const Fragment& a, const Fragment& b) { return a.box.left < b.box.left; });
      const auto largest = std::max_element(line.cells.begin(), line.cells.end(), [](const Fragment& a, const Fragment& b) { return a.n_bytes < b.n_bytes; });
      line.font_size = largest->font_size;
      line.bold = std::all_of(line.cells.begin(), line.cells.end(), [](const Fragment& cell) { return cell.bold; });
      line.fixed_width = std::all_of(line.cells.begin(), line.cells.end(), [](const Fragment& cell) { return cell.fixed_width; });
      line.column_box = column_box;
    }
    ++column;
  }
  return lines;
}

}  // namespace

int main_rotation(const RawPage& page) {
  std::array<std::size_t, 4> n_bytes{};
  for (const RawWord& word : page.words) n_bytes[static_cast<std::size_t>(word.rotation) & 3] += word.text.size();
  return static_cast<int>(std::max_element(n_bytes.begin(), n_bytes.end()) - n_bytes.begin());
}

std::vector<Line> reading_order(const RawPage& page, int rotation) {
  Order order{page, {}, {}};
  order.make_fragments(rotation);
  std::vector<int> all(order.fragments.size());
  std::iota(all.begin(), all.end(), 0);
  if (!all.empty()) order.split(std::move(all), 0);
  return order.lines();
}

}  // namespace app
