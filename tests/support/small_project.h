#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/project/project.h"

/// Small projects for tests, made of plain strings.
namespace support {

/// A page or file whose lines are its spans: "# " begins a heading.
inline app::PartText text_of_lines(std::string_view lines, bool is_code) {
  app::PartText text;
  text.text = std::string(lines);
  std::int32_t line = 1;
  for (std::size_t at = 0; at < lines.size(); ++line) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    if (end > at) {
      app::Span span;
      span.kind = is_code ? app::SpanKind::kCode : lines.substr(at).starts_with("# ") ? app::SpanKind::kHeading : app::SpanKind::kSentence;
      span.level = span.kind == app::SpanKind::kHeading ? 1 : 0;
      span.begin = static_cast<std::uint32_t>(at);
      span.end = static_cast<std::uint32_t>(end);
      if (is_code) {
        span.first_line = span.last_line = line;
      } else {
        span.boxes.push_back({0.1f, 0.02f * static_cast<float>(line), 0.9f, 0.02f * static_cast<float>(line) + 0.015f});
      }
      text.spans.push_back(std::move(span));
    }
    at = end + 1;
  }
  return text;
}

inline app::DocumentId add_document(app::Project& project, app::DocumentKind kind, const std::string& title,
                                    const std::vector<std::pair<std::string, std::string>>& parts) {
  app::Document document;
  document.kind = kind;
  document.title = title;
  document.n_expected_parts = static_cast<std::int64_t>(parts.size());
  const auto id = project.add_document(document);
  std::int32_t ordinal = 0;
  for (const auto& [name, lines] : parts) {
    app::Part part;
    part.document = *id;
    part.ordinal = ++ordinal;
    part.name = name;
    const app::PartText text = text_of_lines(lines, kind == app::DocumentKind::kCodeTree);
    part.n_bytes = static_cast<std::int64_t>(text.text.size());
    static_cast<void>(project.add_part(*id, part, text));
  }
  static_cast<void>(project.finish_document(*id, ""));
  return *id;
}

/// A report of two pages and a tree of two files.
inline std::unique_ptr<app::Project> small_project(const std::filesystem::path& path) {
  auto project = std::move(*app::Project::open(path));
  add_document(*project, app::DocumentKind::kPdf, "report.pdf",
               {{"1", "# Weather\nThe wind came from the north on nine days.\nRain fell on 12 March 2021."},
                {"2", "# Costs\nThe firebreaks cost 41,300 dollars in total.\nFuel was the smallest item."}});
  add_document(*project, app::DocumentKind::kCodeTree, "burnbook",
               {{"src/wind.cc", "#include \"wind.h\"\n\nint wind_speed(int gusts) {\n  return gusts * 2;\n}"},
                {"src/main.cc", "int main() {\n  return wind_speed(3);\n}"}});
  return project;
}

}  // namespace support
