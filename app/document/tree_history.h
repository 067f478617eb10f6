#pragma once

#include <filesystem>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/result.h"

namespace app {

struct TreeHistory {
  std::string revision;                            // "main 1a2b3c4 2026-11-20 Subject"; empty: not under git
  std::map<std::string, std::string> last_change;  // path in the tree -> "1a2b3c4 2026-11-20 Author: Subject"
};

/// What git says about the files of a folder. Looks back a few thousand commits and a few seconds at
/// most: a file that did not change in that time has no entry.
TreeHistory read_history(const std::filesystem::path& folder, const std::vector<std::string>& paths, std::stop_token stop);

/// What the changes of a folder can be read against: "HEAD" (for what is not committed yet), then
/// branches and tags. Empty: not under git.
std::vector<std::string> tree_revisions(const std::filesystem::path& folder);

struct FileDiff {
  std::string path;
  std::string text;    // as git prints it
};

struct TreeDiff {
  std::string title;   // "changes since main (1a2b3c4)"
  std::vector<FileDiff> files;
  std::vector<std::string> binary;  // changed, and no text
};

/// How the files of a working tree, also those not yet committed, differ from a branch, tag or commit.
/// Errors: no repository, no such revision, nothing differs.
engine::Result<TreeDiff> read_diff(const std::filesystem::path& folder, const std::string& since);

}  // namespace app
