#include "app/document/source_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "app/document/file_rules.h"
#include "app/document/git_library.h"
#include "app/document/ignore_rules.h"

namespace app {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

namespace {

constexpr int kMaxDepth = 256;
constexpr std::int64_t kMaxIncludedBytes = 32 << 20;

/// The ignore rules in force in one repository (or folder without one).
struct Rules {
  GitRepository repository;
  GitIndex index;  // tracked files are never ignored
  std::string prefix;                             // of the walked root inside the repository, ends with /
  std::size_t n_outer = 0;                        // bytes of a path of the walk before this repository begins
  bool has_attributes = false;
  std::shared_ptr<const IgnoreChain> ignored;     // info/exclude and the .gitignore files above the walked root

  bool tracks(const std::string& path, bool folder) const {
    if (!index) return false;
    if (!folder) return git_index_get_bypath(index.get(), path.c_str(), 0) != nullptr;
    std::size_t at = 0;
    return git_index_find_prefix(&at, index.get(), (path + "/").c_str()) == 0;
  }

  std::string inside(std::string_view walked) const { return prefix + std::string(walked.substr(n_outer)); }

  std::string left_out_by_attribute(std::string_view walked) const {
    if (!has_attributes || !repository) return "";
    const std::string path = inside(walked);
    const char* value = nullptr;
    if (git_attr_get(&value, repository.get(), 0, path.c_str(), "linguist-generated") == 0 && (GIT_ATTR_IS_TRUE(value) || (value && std::strcmp(value, "true") == 0))) {
      return "generated (.gitattributes: linguist-generated)";
    }
    if (git_attr_get(&value, repository.get(), 0, path.c_str(), "binary") == 0 && GIT_ATTR_IS_TRUE(value)) return "binary (.gitattributes)";
    return "";
  }
};

constexpr std::int64_t kMaxIgnoreFile = 4 << 20;

/// All of a regular file that is not too large, else nothing.
std::string content_of(int file) {
  const Descriptor closer(file);
  struct stat facts {};
  if (file < 0 || ::fstat(file, &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size > kMaxIgnoreFile) return "";
  std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
  const ssize_t n = ::pread(file, bytes.data(), bytes.size(), 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  return bytes;
}

void add_rules(std::shared_ptr<const IgnoreChain>& chain, const std::string& content, const std::string& folder) {
  if (!content.empty()) chain = std::make_shared<IgnoreChain>(IgnoreChain{IgnoreFile(content, folder), chain});
}

void add_ignore_file(std::shared_ptr<const IgnoreChain>& chain, const std::filesystem::path& file, const std::string& folder) {
  add_rules(chain, content_of(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)), folder);
}

Rules rules_for(const std::filesystem::path& folder, bool search_upwards) {
  Rules rules;
  git_repository* repository = nullptr;
  if (git_repository_open_ext(&repository, folder.c_str(), search_upwards ? 0 : GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr) == 0 && !git_repository_is_bare(repository)) {
    rules.repository.reset(repository);
    const std::filesystem::path top = git_repository_workdir(repository);
    const std::string inside = folder.lexically_relative(top).string();
    if (inside != "." && !inside.empty()) rules.prefix = inside + "/";
    git_index* index = nullptr;
    if (git_repository_index(&index, repository) == 0) rules.index.reset(index);
    add_ignore_file(rules.ignored, std::filesystem::path(git_repository_commondir(repository)) / "info/exclude", "");
    for (std::size_t end = 0; end < rules.prefix.size(); end = rules.prefix.find('/', end) + 1) {
      add_ignore_file(rules.ignored, top / rules.prefix.substr(0, end) / ".gitignore", rules.prefix.substr(0, end));
    }
    return rules;
  }
  if (repository) git_repository_free(repository);
  return rules;
}

struct FolderCloser {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

int open_beneath(int root, const std::string& path, std::uint64_t flags) {
  struct open_how how {};
  how.flags = flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const auto file = static_cast<int>(::syscall(SYS_openat2, root, path.empty() ? "." : path.c_str(), &how, sizeof how));
  if (file >= 0 || (errno != ENOSYS && errno != EPERM)) return file;
  return ::openat(root, path.empty() ? "." : path.c_str(), static_cast<int>(how.flags));  // kernels before 5.6
}

std::string megabytes(std::int64_t n_bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(n_bytes) / 1e6);
  return text;
}

/// Whether `path` (a folder ends with /) or a folder that it lies in is among those asked for.
bool is_included(const std::set<std::string>& included, const std::string& path) {
  if (included.empty()) return false;
  if (included.contains(path)) return true;
  for (std::size_t end = path.find('/'); end != std::string::npos && end + 1 < path.size(); end = path.find('/', end + 1)) {
    if (included.contains(path.substr(0, end + 1))) return true;
  }
  return false;
}

/// A folder that something asked for lies in.
bool leads_to_included(const std::set<std::string>& included, const std::string& folder) {
  const auto next = included.lower_bound(folder);
  return next != included.end() && next->starts_with(folder);
}

}  // namespace

struct SourceTree::State {
  std::filesystem::path root;
  Descriptor folder;

  struct Walk {
    const State& tree;
    std::int64_t max_file_bytes;
    const std::set<std::string>& included;
    TreeListing listing;
    struct Folder {
      std::string path;  // "" or ends with /
      int depth;
      std::shared_ptr<Rules> rules;
      std::shared_ptr<const IgnoreChain> ignored;  // in the folders above
    };
    std::vector<Folder> todo;

    void visit(const Folder& here);
    void visit_folder(const Folder& here, std::shared_ptr<const IgnoreChain> ignored, const std::string& path, bool is_repository);
    void visit_file(const Folder& here, const std::string& path, const struct stat& facts);
    bool asked_for(const std::string& path, bool folder) const {
      const std::string name = folder ? path + "/" : path;
      return is_included(included, name) || (folder && leads_to_included(included, name));
    }
    void leave_out(const std::string& path, std::string reason) { listing.left_out.push_back({path, std::move(reason)}); }
  };
};

SourceTree::SourceTree(std::unique_ptr<State> state) : state_(std::move(state)) {}
SourceTree::SourceTree(SourceTree&&) noexcept = default;
SourceTree::~SourceTree() = default;

Result<SourceTree> SourceTree::open(const std::filesystem::path& root) {
  start_libgit2();
  auto state = std::make_unique<State>();
  std::error_code failed;
  state->root = std::filesystem::canonical(root, failed);
  if (failed) return Error{ErrorCode::kNotFound, root.string() + " does not exist or cannot be reached. Check the path."};
  state->folder = Descriptor(::open(state->root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!state->folder) return Error{ErrorCode::kIo, root.string() + " cannot be read: " + std::strerror(errno) + ". Check the rights of the folder."};
  return SourceTree(std::move(state));
}

void SourceTree::State::Walk::visit_folder(const Folder& here, std::shared_ptr<const IgnoreChain> ignored, const std::string& path, bool is_repository) {
  if (here.depth >= kMaxDepth) return leave_out(path + "/", "too deep (more than " + std::to_string(kMaxDepth) + " folders)");
  std::shared_ptr<Rules> rules = here.rules;
  if (is_repository) {
    rules = std::make_shared<Rules>(rules_for(tree.root / path, /*search_upwards=*/false));
    rules->n_outer = path.size() + 1;
    ignored = rules->ignored;
  }
  todo.push_back({path + "/", here.depth + 1, std::move(rules), std::move(ignored)});
}

void SourceTree::State::Walk::visit_file(const Folder& here, const std::string& path, const struct stat& facts) {
  if (is_included(included, path)) {
    if (facts.st_size > kMaxIncludedBytes) return leave_out(path, "large (" + megabytes(facts.st_size) + "), too large to be read even when asked for");
    listing.files.push_back({path, facts.st_size, /*included=*/true});
    return;
  }
  std::string reason = left_out_by_name(path);
  if (reason.empty()) reason = here.rules->left_out_by_attribute(path);
  if (reason.empty() && facts.st_size > max_file_bytes) {
    reason = "large (" + megabytes(facts.st_size) + "; the limit is " + megabytes(max_file_bytes) + ")";
  }
  if (!reason.empty()) return leave_out(path, std::move(reason));
  listing.files.push_back({path, facts.st_size, /*included=*/false});
}

void SourceTree::State::Walk::visit(const Folder& here) {
  const int number = open_beneath(tree.folder.get(), here.path, O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, FolderCloser> folder(number >= 0 ? ::fdopendir(number) : nullptr);
  if (!folder) return leave_out(here.path, std::string("cannot be read: ") + std::strerror(errno));
  std::vector<std::string> names;
  while (const struct dirent* entry = ::readdir(folder.get())) names.emplace_back(entry->d_name);
  if (std::find(names.begin(), names.end(), ".gitattributes") != names.end()) here.rules->has_attributes = true;
  std::shared_ptr<const IgnoreChain> ignored = here.ignored;
  if (std::find(names.begin(), names.end(), ".gitignore") != names.end()) {
    add_rules(ignored, content_of(open_beneath(tree.folder.get(), here.path + ".gitignore", O_RDONLY)), here.rules->inside(here.path));
  }
  for (const std::string& name : names) {
    if (name == "." || name == ".." || name == ".git") continue;
    const std::string path = here.path + name;
    struct stat facts {};
    if (::fstatat(::dirfd(folder.get()), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
      leave_out(path, std::string("cannot be read: ") + std::strerror(errno));
    } else if (const std::string inside = here.rules->inside(path);
               is_ignored(ignored.get(), inside, S_ISDIR(facts.st_mode)) && !here.rules->tracks(inside, S_ISDIR(facts.st_mode)) && !asked_for(path, S_ISDIR(facts.st_mode))) {
      leave_out(S_ISDIR(facts.st_mode) ? path + "/" : path, "ignored by .gitignore");
    } else if (S_ISDIR(facts.st_mode)) {
      struct stat inner {};
      const bool is_repository = ::fstatat(::dirfd(folder.get()), (name + "/.git").c_str(), &inner, AT_SYMLINK_NOFOLLOW) == 0;
      visit_folder(here, ignored, path, is_repository);
    } else if (S_ISLNK(facts.st_mode)) {
      leave_out(path, "symbolic link");
    } else if (!S_ISREG(facts.st_mode)) {
      leave_out(path, "not a regular file");
    } else {
      visit_file(here, path, facts);
    }
  }
}

Result<TreeListing> SourceTree::list(std::int64_t max_file_bytes, const std::set<std::string>& included, std::stop_token stop) const {
  State::Walk walk{*state_, max_file_bytes, included, {}, {}};
  const auto rules = std::make_shared<Rules>(rules_for(state_->root, /*search_upwards=*/true));
  walk.todo.push_back({"", 0, rules, rules->ignored});
  while (!walk.todo.empty()) {
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "Stopped while listing " + state_->root.string() + "."};
    const State::Walk::Folder here = std::move(walk.todo.back());
    walk.todo.pop_back();
    walk.visit(here);
  }
  std::sort(walk.listing.files.begin(), walk.listing.files.end(), [](const TreeFile& a, const TreeFile& b) { return a.path < b.path; });
  std::sort(walk.listing.left_out.begin(), walk.listing.left_out.end(), [](const TreeOmission& a, const TreeOmission& b) { return a.path < b.path; });
  return std::move(walk.listing);
}

Result<std::string> SourceTree::read(const std::string& path, std::int64_t max_bytes) const {
  const Descriptor file(open_beneath(state_->folder.get(), path, O_RDONLY));
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0) return Error{ErrorCode::kIo, std::string("cannot be read: ") + std::strerror(errno)};
  if (!S_ISREG(facts.st_mode)) return Error{ErrorCode::kIo, "became something else while the folder was read"};
  if (facts.st_size > max_bytes) return Error{ErrorCode::kIo, "grew while the folder was read"};
  std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
  std::size_t n = 0;
  while (n < bytes.size()) {
    const ssize_t got = ::pread(file.get(), bytes.data() + n, bytes.size() - n, static_cast<off_t>(n));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{ErrorCode::kIo, std::string("cannot be read: ") + std::strerror(errno)};
    if (got == 0) break;
    n += static_cast<std::size_t>(got);
  }
  bytes.resize(n);
  return bytes;
}

}  // namespace app
