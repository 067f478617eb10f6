#include <array>
#include <limits>

#include <nlohmann/json.hpp>

#include "app/question/citations.h"

namespace app {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 4> kChecks = {"no quote", "verified", "near", "not found"};

bool read_number(const json& object, const char* key, std::int64_t largest, std::int64_t& out) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return false;
  out = found->get<std::int64_t>();
  return out >= 0 && out <= largest;
}

bool read_text(const json& object, const char* key, std::string& out) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return false;
  out = found->get<std::string>();
  return true;
}

bool read_flag(const json& object, const char* key, bool& out) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_boolean()) return false;
  out = found->get<bool>();
  return true;
}

bool read_citation(const json& object, Citation& out) {
  if (!object.is_object()) return false;
  constexpr std::int64_t kBytes = std::numeric_limits<std::uint32_t>::max();
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
  std::int64_t begin = 0, end = 0, anchor = 0, source_begin = 0, source_end = 0;
  std::string check;
  if (!read_number(object, "begin", kBytes, begin) || !read_number(object, "end", kBytes, end) ||
      !read_number(object, "anchor", std::numeric_limits<std::int32_t>::max(), anchor) || !read_flag(object, "in_prompt", out.in_prompt) ||
      !read_text(object, "check", check) || !read_text(object, "quote", out.quote) || !read_number(object, "part", kAny, out.part) ||
      !read_number(object, "document", kAny, out.document) || !read_number(object, "source_begin", kBytes, source_begin) ||
      !read_number(object, "source_end", kBytes, source_end) || !read_flag(object, "opens", out.opens) ||
      !read_text(object, "label", out.label)) {
    return false;
  }
  out.begin = static_cast<std::uint32_t>(begin);
  out.end = static_cast<std::uint32_t>(end);
  out.anchor = static_cast<std::int32_t>(anchor);
  out.source_begin = static_cast<std::uint32_t>(source_begin);
  out.source_end = static_cast<std::uint32_t>(source_end);
  for (std::size_t i = 0; i < kChecks.size(); ++i) {
    if (check != kChecks[i]) continue;
    out.check = static_cast<QuoteCheck>(i);
    return begin <= end && source_begin <= source_end;
  }
  return false;
}

}  // namespace

std::string citations_to_json(const std::vector<Citation>& citations) {
  json rows = json::array();
  for (const Citation& one : citations) {
    rows.push_back({{"begin", one.begin},
                    {"end", one.end},
                    {"anchor", one.anchor},
                    {"in_prompt", one.in_prompt},
                    {"check", kChecks[static_cast<std::size_t>(one.check)]},
                    {"quote", one.quote},
                    {"part", one.part},
                    {"document", one.document},
                    {"source_begin", one.source_begin},
                    {"source_end", one.source_end},
                    {"opens", one.opens},
                    {"label", one.label}});
  }
  // The answer may hold bytes that are no UTF-8 when a generation was cut short.
  return rows.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::vector<Citation>> citations_from_json(std::string_view text) {
  const json rows = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const Error damaged{ErrorCode::kCorrupt, "The saved citations of this run are damaged; ask the question again to make new ones."};
  if (!rows.is_array()) return damaged;
  std::vector<Citation> citations;
  for (const json& row : rows) {
    if (!read_citation(row, citations.emplace_back())) return damaged;
  }
  return citations;
}

}  // namespace app
