#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "app/document/worker_process.h"
#include "engine/base/result.h"

namespace app {

/// A file of a tree that may be read.
struct TreeFile {
  std::string path;             // inside the tree, bytes as the disk has them
  std::int64_t n_bytes = 0;
  bool included = false;        // asked for, although a rule leaves it out
};

struct TreeOmission {
  std::string path;             // a folder ends with /
  std::string reason;
};

struct TreeListing {
  std::vector<TreeFile> files;  // sorted by path
  std::vector<TreeOmission> left_out;
};

/// A folder of source files, walked with git's ignore rules (ignore_rules.h), whether or not it is a
/// repository; libgit2 tells what is tracked and what .gitattributes say. Links are never followed, only regular files are opened, and no program is ever run.
/// One thread.
class SourceTree {
 public:
  static engine::Result<SourceTree> open(const std::filesystem::path& root);
  SourceTree(SourceTree&&) noexcept;
  ~SourceTree();

  /// `included`: files, and folders that end with /, to be listed whatever the rules say of them.
  engine::Result<TreeListing> list(std::int64_t max_file_bytes, const std::set<std::string>& included, std::stop_token stop) const;

  /// The bytes of a listed file. Fails when it has gone, grown over `max_bytes` or become something else.
  engine::Result<std::string> read(const std::string& path, std::int64_t max_bytes) const;

 private:
  struct State;
  explicit SourceTree(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace app
