#pragma once

#include "app/document/rich_text.h"
#include "app/document/zip_archive.h"

namespace app {

/// A Word document (Office Open XML): headings by style or outline level, lists with their numbers,
/// tables, footnotes. Deleted and hidden text is left out; a long document is cut at its headings.
engine::Result<RichDocument> read_word(ZipArchive& archive);

}  // namespace app
