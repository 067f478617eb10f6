#pragma once

#include <filesystem>
#include <stop_token>
#include <vector>

#include "ui/conversation/conversation_export.h"

namespace ui {

/// Adds the figures of each turn: the map of what its run selected, where that was recorded, and the cited
/// pages with their words marked. Reads traces and draws pages: for any thread but the window's. `worker`
/// is longleaf-cli. What cannot be drawn is left out: an export never fails for a picture.
void add_figures(const app::Project& project, const std::filesystem::path& worker, std::vector<ExportedTurn>& turns, std::stop_token stop);

}  // namespace ui
