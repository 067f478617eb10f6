#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace app {

/// Whether `text` matches a pattern of git's kind. With `pathname`, * and ? stop at slashes and **
/// does not. Time is bounded by the product of the two lengths.
bool wild_match(std::string_view pattern, std::string_view text, bool pathname);

/// The rules of one .gitignore (or info/exclude), for paths below the folder it lies in.
class IgnoreFile {
 public:
  IgnoreFile(std::string_view content, std::string folder);

  /// `path` is below this file's folder, both seen from the top of the repository. Nothing: no rule
  /// speaks of it; else whether it is ignored, as the last rule that matches says.
  std::optional<bool> decide(std::string_view path, bool is_folder) const;

 private:
  struct Rule {
    std::string pattern;
    bool negated = false;
    bool folders_only = false;
    bool by_name = false;   // no slash in it: any folder's entry of that name
    bool literal = false;   // no wildcard in it
  };
  std::string folder_;      // "" or ends with /
  std::vector<Rule> rules_;
};

/// The files in force in a folder: its own, then those of the folders above it.
struct IgnoreChain {
  IgnoreFile file;
  std::shared_ptr<const IgnoreChain> above;
};

bool is_ignored(const IgnoreChain* chain, std::string_view path, bool is_folder);

}  // namespace app
