#pragma once

#include "app/document/rich_text.h"
#include "app/document/zip_archive.h"

namespace app {

/// An EPUB (2 or 3): its chapters in reading order, one part each. Encrypted ones are refused.
engine::Result<RichDocument> read_epub(ZipArchive& archive);

}  // namespace app
