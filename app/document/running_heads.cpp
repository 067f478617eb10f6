#include "app/document/running_heads.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace app {
namespace {

constexpr double kZone = 0.13;        // of the page's height, at the top and at the bottom
constexpr std::size_t kMaxRows = 3;   // in each zone
constexpr double kSameHeight = 4.0;   // points

struct Row {
  double middle = 0;
  Rect box;
  std::vector<std::int32_t> words;
  std::string key;                    // digits as #
};

bool is_roman(const std::string& text) {
  return !text.empty() && text.size() < 8 && text.find_first_not_of("ivxlcIVXLC") == std::string::npos;
}

std::string key_of(const RawPage& page, const Row& row) {
  std::string key;
  for (const std::int32_t index : row.words) {
    const std::string& text = page.words[static_cast<std::size_t>(index)].text;
    if (!key.empty()) key += ' ';
    if (is_roman(text) && row.words.size() == 1) {
      key += '#';
      continue;
    }
    for (const char c : text) {
      const bool digit = std::isdigit(static_cast<unsigned char>(c));
      if (!digit || key.empty() || key.back() != '#') key += digit ? '#' : c;
    }
  }
  return key;
}

/// The rows of one zone, the outermost first.
std::vector<Row> edge_rows(const RawPage& page, bool top) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < page.words.size(); ++i) {
    const RawWord& word = page.words[i];
    const bool inside = top ? word.box.bottom < kZone * page.height : word.box.top > (1 - kZone) * page.height;
    if (!inside || word.rotation != 0) continue;
    const double middle = word.box.middle();
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& each) { return std::abs(each.middle - middle) < 0.4 * std::max(word.font_size, 4.0); });
    if (row == rows.end()) row = rows.insert(rows.end(), {middle, word.box, {}, ""});
    row->box.add(word.box);
    row->words.push_back(static_cast<std::int32_t>(i));
  }
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) { return top ? a.middle < b.middle : a.middle > b.middle; });
  if (rows.size() > kMaxRows) rows.resize(kMaxRows);
  for (Row& row : rows) {
    std::sort(row.words.begin(), row.words.end(), [&](auto a, auto b) {
      return page.words[static_cast<std::size_t>(a)].box.left < page.words[static_cast<std::size_t>(b)].box.left;
    });
    row.key = key_of(page, row);
  }
  return rows;
}

/// "12", "- 12 -", "Page 12", "12 / 40": the page's own number and little else.
bool is_own_number(const RawPage& page, const Row& row) {
  if (row.words.size() > 5) return false;
  bool own = false;
  for (const std::int32_t index : row.words) {
    const std::string& text = page.words[static_cast<std::size_t>(index)].text;
    own = own || text == page.label || text == std::to_string(page.number);
  }
  if (!own) return false;
  return row.key.find_first_not_of("# -–—|/.[]()") == std::string::npos || row.key.starts_with("Page #") || row.key.starts_with("page #");
}

}  // namespace

std::string take_running_heads(RawPage& page, std::span<const RawPage* const> neighbours) {
  std::vector<bool> taken(page.words.size(), false);
  std::string text;
  for (const bool top : {true, false}) {
    std::vector<std::vector<Row>> others;
    for (const RawPage* other : neighbours) others.push_back(edge_rows(*other, top));
    for (const Row& row : edge_rows(page, top)) {
      bool repeats = is_own_number(page, row);
      for (const std::vector<Row>& rows : others) {
        repeats = repeats || std::any_of(rows.begin(), rows.end(), [&](const Row& other) {
                    return other.key == row.key && std::abs(other.middle - row.middle) < kSameHeight;
                  });
      }
      // What stands further in can only be a head when everything outside of it is.
      if (!repeats) break;
      for (const std::int32_t index : row.words) {
        taken[static_cast<std::size_t>(index)] = true;
        if (!text.empty() && text.back() != '\n') text += ' ';
        text += page.words[static_cast<std::size_t>(index)].text;
      }
      text += '\n';
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < page.words.size(); ++i) {
    if (taken[i]) continue;
    if (kept != i) page.words[kept] = std::move(page.words[i]);
    ++kept;
  }
  page.words.resize(kept);
  if (!text.empty()) text.pop_back();
  return text;
}

}  // namespace app
