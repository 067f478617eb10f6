#include <nlohmann/json.hpp>

#include "app/question/findings.h"

namespace app {
namespace {

using nlohmann::ordered_json;

const char* level_of(Severity severity) {
  switch (severity) {
    case Severity::kNote:
      return "note";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "warning";
}

std::string place_of(const Finding& finding) {
  std::string place = finding.path + ":" + std::to_string(finding.first_line);
  if (finding.last_line > finding.first_line) place += "-" + std::to_string(finding.last_line);
  return place;
}

const char* remark_on(const Finding& finding) {
  if (!finding.place_exists) return " (no such place in the sources)";
  if (finding.check == QuoteCheck::kNotFound) return " (the quoted code is not there)";
  return "";
}

/// A path as a relative URI reference: what is no plain letter of a path is written as %XX.
std::string as_uri(std::string_view path) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string uri;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || std::string_view("/._-~").find(c) != std::string_view::npos) {
      uri.push_back(c);
    } else {
      uri += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return uri;
}

}  // namespace

std::string findings_to_markdown(const std::vector<Finding>& findings, std::string_view title) {
  std::string out = "# " + std::string(title) + "\n";
  for (const Finding& finding : findings) {
    out += "\n## " + std::string(level_of(finding.severity)) + ": " + place_of(finding) + remark_on(finding) + "\n\n" + finding.title + "\n";
    if (!finding.text.empty()) out += "\n" + finding.text + "\n";
  }
  if (findings.empty()) out += "\nNo findings.\n";
  return out;
}

std::string findings_to_sarif(const std::vector<Finding>& findings, std::string_view version) {
  ordered_json results = ordered_json::array();
  std::int64_t n_without_place = 0;
  for (const Finding& finding : findings) {
    if (!finding.place_exists) {
      ++n_without_place;
      continue;
    }
    const std::string message = finding.text.empty() ? finding.title : finding.title + "\n" + finding.text;
    ordered_json region{{"startLine", finding.first_line}, {"endLine", finding.last_line}};
    if (!finding.quote.empty() && finding.check != QuoteCheck::kNotFound) region["snippet"] = {{"text", finding.quote}};
    results.push_back({{"ruleId", "review"},
                       {"level", level_of(finding.severity)},
                       {"message", {{"text", message}}},
                       {"locations", {{{"physicalLocation", {{"artifactLocation", {{"uri", as_uri(finding.path)}}}, {"region", std::move(region)}}}}}}});
  }
  const ordered_json sarif{
      {"version", "2.1.0"},
      {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
      {"runs",
       {{{"tool", {{"driver", {{"name", "Longleaf"}, {"version", version}, {"rules", {{{"id", "review"}, {"shortDescription", {{"text", "A finding of a model's review"}}}}}}}}}},
         {"columnKind", "utf16CodeUnits"},
         {"properties", {{"findingsWithoutPlace", n_without_place}}},
         {"results", std::move(results)}}}}};
  return sarif.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace app
