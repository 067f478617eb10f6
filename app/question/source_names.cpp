#include "app/question/source_names.h"

#include <algorithm>

namespace app {
namespace {

/// 1-based line of a file at byte `at`, counted from the span that holds it.
std::int32_t line_at(const PartText& text, std::uint32_t at) {
  const auto bytes = std::string_view(text.text).substr(0, at);
  auto after = std::ranges::upper_bound(text.spans, at, {}, &Span::begin);
  if (after == text.spans.begin()) return 1 + static_cast<std::int32_t>(std::ranges::count(bytes, '\n'));
  --after;
  return after->first_line + static_cast<std::int32_t>(std::ranges::count(bytes.substr(after->begin), '\n'));
}

}  // namespace

std::string source_name(const Source& source) {
  switch (source.kind) {
    case DocumentKind::kPdf:
      return source.title + ", p. " + (source.part.name.empty() ? std::to_string(source.part.ordinal) : source.part.name);
    case DocumentKind::kCodeTree:
      return source.part.name;
    case DocumentKind::kTextFile:
      return source.part.name.empty() ? source.title : source.part.name;
  }
  return source.title;
}

std::string source_label(const Source& source, const PartText& text, std::uint32_t begin, std::uint32_t end) {
  const std::string name = source_name(source);
  if (source.kind == DocumentKind::kPdf || end > text.text.size() || begin > end) return name;
  const std::int32_t first = line_at(text, begin);
  const std::int32_t last = line_at(text, end > begin ? end - 1 : begin);
  return name + ":" + std::to_string(first) + (last > first ? "-" + std::to_string(last) : "");
}

Result<Source> SourceIndex::find(PartId part) {
  if (const auto known = sources_.find(part); known != sources_.end()) return known->second;
  sources_.clear();
  TRY_ASSIGN(auto documents, project_.documents());
  // Old answers cite documents that have been removed since.
  TRY_ASSIGN(const auto removed, project_.removed_documents());
  documents.insert(documents.end(), removed.begin(), removed.end());
  for (const Document& document : documents) {
    TRY_ASSIGN(const auto parts, project_.parts(document.id));
    for (const Part& one : parts) sources_[one.id] = {one, document.id, document.kind, document.title};
  }
  if (const auto known = sources_.find(part); known != sources_.end()) return known->second;
  return Error{ErrorCode::kNotFound, "The project has no page or file number " + std::to_string(part) + "; it may have been removed. Choose the sources again."};
}

}  // namespace app
