#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "app/project/project.h"

namespace app {

/// A part together with the document it belongs to.
struct Source {
  Part part;
  DocumentId document = 0;
  DocumentKind kind = DocumentKind::kPdf;
  std::string title;  // of the document
};

/// What a person calls a part: "report.pdf, p. 14" or "src/wal.cc".
std::string source_name(const Source& source);

/// The same with lines for files: "src/wal.cc:120-124". Pages have no lines and keep their name.
std::string source_label(const Source& source, const PartText& text, std::uint32_t begin, std::uint32_t end);

/// Looks parts up by their id; reads the project's lists once. One thread.
class SourceIndex {
 public:
  explicit SourceIndex(const Project& project) : project_(project) {}
  /// Reads the lists again when the part is not among the known ones. Names the part when there is none.
  Result<Source> find(PartId part);
  void clear() { sources_.clear(); }

 private:
  const Project& project_;
  std::map<PartId, Source> sources_;
};

}  // namespace app
