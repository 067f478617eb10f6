#pragma once

#include <filesystem>
#include <optional>

/// Where the program finds and keeps its things (XDG base directories on Linux).
namespace app {

std::filesystem::path config_folder();  // $XDG_CONFIG_HOME/longleaf
std::filesystem::path data_folder();    // $XDG_DATA_HOME/longleaf: models of the user's own
std::filesystem::path cache_folder();   // $XDG_CACHE_HOME/longleaf: prefix states, page pictures

/// The folder with models/ and sample/: $LONGLEAF_RESOURCES, else PREFIX/share/longleaf where the
/// program lies in PREFIX/bin, else `resources` in the source tree that the program was built in.
/// Nothing where there is none.
std::optional<std::filesystem::path> resources_folder();

/// The bundled model: models/finder, or models/starter where that is missing.
std::optional<std::filesystem::path> bundled_model();

}  // namespace app
