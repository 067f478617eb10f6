#include <algorithm>
#include <limits>

#include <nlohmann/json.hpp>

#include "app/question/prompt_builder.h"

namespace app {
namespace {

constexpr int kMapVersion = 1;

Error damaged_map() {
  return {ErrorCode::kCorrupt, "The saved map of this run's prompt is damaged; ask the question again to make a new one."};
}

/// Reads a row of exactly `n` integers; false when it is anything else.
template <std::size_t n>
bool read_row(const nlohmann::json& row, std::int64_t (&out)[n]) {
  if (!row.is_array() || row.size() != n) return false;
  for (std::size_t i = 0; i < n; ++i) {
    if (!row[i].is_number_integer()) return false;
    out[i] = row[i].get<std::int64_t>();
  }
  return true;
}

bool fits(std::int64_t value, std::int64_t largest) { return value >= 0 && value <= largest; }

bool read_range(const nlohmann::json& row, engine::TokenRange& out) {
  std::int64_t ends[2];
  if (!read_row(row, ends) || ends[0] < 0 || ends[1] < ends[0]) return false;
  out = {ends[0], ends[1]};
  return true;
}

bool read_block(const nlohmann::json& row, PromptBlock& out) {
  std::int64_t v[7];
  if (!read_row(row, v)) return false;
  if (!fits(v[0], std::numeric_limits<std::int32_t>::max()) || v[1] < 0 || v[2] < 0) return false;
  if (!fits(v[4], std::numeric_limits<std::uint32_t>::max()) || v[3] < 0 || v[3] > v[4]) return false;
  if (v[5] < 0 || v[6] < v[5]) return false;
  out = {static_cast<std::int32_t>(v[0]), v[1], v[2], static_cast<std::uint32_t>(v[3]), static_cast<std::uint32_t>(v[4]), v[5], v[6]};
  return true;
}

}  // namespace

std::string TokenBudget::arithmetic() const {
  std::string sum = "instructions " + std::to_string(instructions) + " + sources " + std::to_string(sources);
  if (earlier > 0) sum += " + earlier turns " + std::to_string(earlier);
  return sum + " + question " + std::to_string(question) + " + reserve for the answer " + std::to_string(reserve) + " = " +
         std::to_string(total()) + " tokens, limit " + std::to_string(limit);
}

const PromptBlock* PromptMap::by_anchor(std::int32_t anchor) const {
  if (anchor <= 0) return nullptr;
  const auto found = std::ranges::find(blocks, anchor, &PromptBlock::anchor);
  return found == blocks.end() ? nullptr : &*found;
}

const PromptBlock* PromptMap::by_token(std::int64_t position) const {
  auto after = std::ranges::upper_bound(blocks, position, {}, &PromptBlock::first_token);
  if (after == blocks.begin()) return nullptr;
  --after;
  return position < after->last_token ? &*after : nullptr;
}

std::string PromptMap::to_json() const {
  nlohmann::json rows = nlohmann::json::array();
  for (const PromptBlock& block : blocks) {
    rows.push_back({block.anchor, block.part, block.document, block.begin, block.end, block.first_token, block.last_token});
  }
  nlohmann::json heading_rows = nlohmann::json::array();
  for (const engine::TokenRange& heading : headings) heading_rows.push_back({heading.begin, heading.end});
  return nlohmann::json{{"version", kMapVersion},
                        {"n_tokens", n_tokens},
                        {"question", {question.begin, question.end}},
                        {"headings", std::move(heading_rows)},
                        {"blocks", std::move(rows)}}
      .dump();
}

Result<PromptMap> PromptMap::from_json(std::string_view json) {
  const nlohmann::json root = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) return damaged_map();
  const auto member = [&root](const char* key) -> const nlohmann::json& {
    static const nlohmann::json kNothing;
    const auto found = root.find(key);
    return found == root.end() ? kNothing : *found;
  };
  if (!member("version").is_number_integer() || member("version").get<std::int64_t>() != kMapVersion) {
    return Error{ErrorCode::kUnsupported, "The map of this run's prompt was saved by a newer Longleaf; open the project with that one."};
  }
  PromptMap map;
  if (!member("n_tokens").is_number_integer() || !read_range(member("question"), map.question)) return damaged_map();
  map.n_tokens = member("n_tokens").get<std::int64_t>();
  if (!member("headings").is_array() || !member("blocks").is_array()) return damaged_map();
  for (const nlohmann::json& row : member("headings")) {
    if (!read_range(row, map.headings.emplace_back())) return damaged_map();
  }
  for (const nlohmann::json& row : member("blocks")) {
    if (!read_block(row, map.blocks.emplace_back())) return damaged_map();
  }
  if (!std::ranges::is_sorted(map.blocks, {}, &PromptBlock::first_token)) return damaged_map();
  return map;
}

}  // namespace app
