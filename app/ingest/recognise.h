#pragma once

#include "app/ingest/part_writer.h"
#include "app/ingest/readers.h"

namespace app {

/// Gives the pages of a PDF that are pictures without text to Tesseract, one process per page, and puts
/// what it read in their place. A note for the user when that is not possible here; an error when it was
/// stopped (pages done so far are kept).
Result<std::string> recognise_pages(const IngestJob& job, DocumentId document, ProgressTeller& teller);

/// A page from what `tesseract ... tsv` prints, for a picture of this resolution.
PartText recognised_page(std::string_view tsv, int width, int height, double dots_per_inch);

}  // namespace app
