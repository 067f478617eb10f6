#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/document/layout.h"
#include "app/document/page_pictures.h"
#include "engine/base/result.h"

namespace app {

struct OutlineEntry {
  std::string title;
  int level = 1;
};

/// A PDF that Poppler has opened. Lives in the worker process only: nothing here survives a PDF that
/// means harm. One thread.
class PdfDocument {
 public:
  /// `bytes` must outlive the document. Encrypted without a usable password: kUnsupported; not a PDF
  /// or beyond repair: kCorrupt; no pages: kInvalidInput.
  static engine::Result<PdfDocument> open(std::string_view bytes);
  PdfDocument(PdfDocument&&) noexcept;
  ~PdfDocument();

  int n_pages() const;
  std::string title() const;
  std::vector<OutlineEntry> outline() const;
  /// Words with places, fonts and sizes. `page` is 1-based.
  engine::Result<RawPage> read(int page, bool with_fonts = true) const;
  engine::Result<PagePicture> draw(int page, double dots_per_inch) const;

 private:
  struct State;
  explicit PdfDocument(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace app
