#pragma once

#include <QString>

#include "app/ingest/ingest.h"

namespace ui {

/// "120 of 335 pages, 1.3 MB, 210 pages/s, 1 s left" in the language of the window.
QString ingest_text(const app::IngestProgress& progress);

/// For a tool tip: names and texts of others, never taken as markup.
QString plain_tip(const QString& text);

}  // namespace ui
