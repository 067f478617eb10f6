#include "app/settings/paths.h"

#include <cstdlib>
#include <string>
#include <system_error>

namespace app {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

fs::path base_folder(const char* variable, const char* below_home) {
  // The specification says to ignore a relative path here.
  if (const fs::path set = environment(variable); set.is_absolute()) return set / "longleaf";
  const std::string home = environment("HOME");
  return (home.empty() ? fs::temp_directory_path() : fs::path(home) / below_home) / "longleaf";
}

bool holds_resources(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder / "models", ignored);
}

}  // namespace

fs::path config_folder() { return base_folder("XDG_CONFIG_HOME", ".config"); }
fs::path data_folder() { return base_folder("XDG_DATA_HOME", ".local/share"); }
fs::path cache_folder() { return base_folder("XDG_CACHE_HOME", ".cache"); }

std::optional<fs::path> resources_folder() {
  if (const fs::path set = environment("LONGLEAF_RESOURCES"); !set.empty()) return set;
  std::error_code fault;
  const fs::path program = fs::read_symlink("/proc/self/exe", fault);
  if (fault) return std::nullopt;
  if (const fs::path installed = program.parent_path().parent_path() / "share" / "longleaf"; holds_resources(installed)) return installed;
  // A program of a build tree lies some folders below the source tree.
  for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path()) {
    if (holds_resources(folder / "resources")) return folder / "resources";
  }
  return std::nullopt;
}

std::optional<fs::path> bundled_model() {
  const auto resources = resources_folder();
  if (!resources) return std::nullopt;
  std::error_code ignored;
  for (const char* name : {"finder", "starter"}) {
    const fs::path model = *resources / "models" / name;
    if (fs::is_regular_file(model / "config.json", ignored)) return model;
  }
  return std::nullopt;
}

}  // namespace app
