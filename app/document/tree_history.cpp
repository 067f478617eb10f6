#include "app/document/tree_history.h"

#include <chrono>
#include <ctime>

#include "app/document/git_library.h"
#include "app/document/text_clean.h"

namespace app {
namespace {

using engine::Error;
using engine::ErrorCode;
using engine::Result;

constexpr int kMaxCommits = 5000;
constexpr auto kMaxTime = std::chrono::seconds(3);
constexpr std::size_t kMaxRevisions = 500;
constexpr std::size_t kMaxDiffBytes = 4u << 20;  // of one file

GitRepository open_repository(const std::filesystem::path& folder, std::string& prefix) {
  start_libgit2();
  git_repository* opened = nullptr;
  if (git_repository_open_ext(&opened, folder.c_str(), 0, nullptr) != 0) return nullptr;
  GitRepository repository(opened);
  if (git_repository_is_bare(opened)) return nullptr;
  const std::string inside = folder.lexically_relative(git_repository_workdir(opened)).string();
  if (inside != "." && !inside.empty()) prefix = inside + "/";
  return repository;
}

std::string short_id(const git_oid* id) {
  char text[8];
  git_oid_tostr(text, sizeof text, id);
  return text;
}

std::string day_of(const git_commit* commit) {
  const std::time_t when = git_commit_time(commit) + git_commit_time_offset(commit) * 60;
  std::tm parts{};
  char text[16] = "";
  if (gmtime_r(&when, &parts)) std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

std::string cleaned(const char* text) {
  std::int64_t n_odd = 0;
  return clean_word(std::string_view(text ? text : "").substr(0, 200), n_odd);
}

GitCommit commit_of(git_repository* repository, const git_oid* id) {
  git_commit* commit = nullptr;
  return GitCommit(git_commit_lookup(&commit, repository, id) == 0 ? commit : nullptr);
}

GitTree tree_of(const git_commit* commit) {
  git_tree* tree = nullptr;
  return GitTree(commit && git_commit_tree(&tree, commit) == 0 ? tree : nullptr);
}

std::string revision_of(git_repository* repository) {
  git_reference* opened = nullptr;
  if (git_repository_head(&opened, repository) != 0) return "";
  const GitReference head(opened);
  const git_oid* id = git_reference_target(opened);
  const GitCommit commit = id ? commit_of(repository, id) : nullptr;
  if (!commit) return "";
  const std::string branch = git_repository_head_detached(repository) == 1 ? "" : cleaned(git_reference_shorthand(opened)) + " ";
  return branch + short_id(id) + " " + day_of(commit.get()) + " " + cleaned(git_commit_summary(commit.get()));
}

/// The changes of one commit against its first parent.
GitDiff diff_of(git_repository* repository, const git_commit* commit) {
  git_commit* first = nullptr;
  if (git_commit_parentcount(commit) > 0) git_commit_parent(&first, commit, 0);
  const GitCommit parent(first);
  const GitTree before = tree_of(first), after = tree_of(commit);
  git_diff_options options = GIT_DIFF_OPTIONS_INIT;
  options.flags = GIT_DIFF_SKIP_BINARY_CHECK | GIT_DIFF_IGNORE_SUBMODULES;
  git_diff* diff = nullptr;
  if (!after || git_diff_tree_to_tree(&diff, repository, before.get(), after.get(), &options) != 0) return nullptr;
  return GitDiff(diff);
}

}  // namespace

TreeHistory read_history(const std::filesystem::path& folder, const std::vector<std::string>& paths, std::stop_token stop) {
  TreeHistory history;
  std::string prefix;
  const GitRepository repository = open_repository(folder, prefix);
  if (!repository) return history;
  history.revision = revision_of(repository.get());
  git_revwalk* opened = nullptr;
  if (history.revision.empty() || git_revwalk_new(&opened, repository.get()) != 0) return history;
  const GitWalk walk(opened);
  git_revwalk_sorting(opened, GIT_SORT_TIME);
  git_revwalk_push_head(opened);
  std::map<std::string, bool> wanted;
  for (const std::string& path : paths) wanted[prefix + path] = true;
  const auto end = std::chrono::steady_clock::now() + kMaxTime;
  git_oid id;
  for (int n = 0; n < kMaxCommits && !wanted.empty() && git_revwalk_next(&id, opened) == 0; ++n) {
    if (stop.stop_requested() || std::chrono::steady_clock::now() > end) break;
    const GitCommit commit = commit_of(repository.get(), &id);
    if (!commit || git_commit_parentcount(commit.get()) > 1) continue;  // a merge changes nothing by itself
    const GitDiff diff = diff_of(repository.get(), commit.get());
    for (std::size_t i = 0; diff && i < git_diff_num_deltas(diff.get()); ++i) {
      const auto found = wanted.find(git_diff_get_delta(diff.get(), i)->new_file.path);
      if (found == wanted.end()) continue;
      const git_signature* author = git_commit_author(commit.get());
      history.last_change[found->first.substr(prefix.size())] =
          short_id(&id) + " " + day_of(commit.get()) + " " + cleaned(author ? author->name : "") + ": " + cleaned(git_commit_summary(commit.get()));
      wanted.erase(found);
    }
  }
  return history;
}

std::vector<std::string> tree_revisions(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::string prefix;
  const GitRepository repository = open_repository(folder, prefix);
  if (!repository || revision_of(repository.get()).empty()) return names;
  names.push_back("HEAD");
  for (const char* glob : {"refs/heads/*", "refs/remotes/*", "refs/tags/*"}) {
    git_reference_iterator* opened = nullptr;
    if (git_reference_iterator_glob_new(&opened, repository.get(), glob) != 0) continue;
    const GitReferences references(opened);
    const char* name = nullptr;
    while (names.size() < kMaxRevisions && git_reference_next_name(&name, opened) == 0) {
      const std::string_view whole = name;
      names.emplace_back(whole.substr(whole.find('/', 5) + 1));  // past "refs/heads/"
    }
  }
  return names;
}

Result<TreeDiff> read_diff(const std::filesystem::path& folder, const std::string& since) {
  std::string prefix;
  const GitRepository repository = open_repository(folder, prefix);
  if (!repository) return Error{ErrorCode::kInvalidInput, "The folder is not under git, so there are no changes to read. Read the folder itself."};
  git_object* found = nullptr;
  git_object* peeled = nullptr;
  if (git_revparse_single(&found, repository.get(), since.c_str()) != 0) {
    return Error{ErrorCode::kNotFound, "The repository has no branch, tag or commit \"" + since + "\". Look at its list of branches."};
  }
  const GitAny object(found);
  if (git_object_peel(&peeled, found, GIT_OBJECT_TREE) != 0) return Error{ErrorCode::kInvalidInput, "\"" + since + "\" is no commit. Name a branch, tag or commit."};
  const GitAny tree(peeled);
  git_diff_options options = GIT_DIFF_OPTIONS_INIT;
  options.flags = GIT_DIFF_INCLUDE_UNTRACKED | GIT_DIFF_RECURSE_UNTRACKED_DIRS | GIT_DIFF_SHOW_UNTRACKED_CONTENT | GIT_DIFF_IGNORE_SUBMODULES;
  options.max_size = static_cast<git_off_t>(kMaxDiffBytes);
  std::string only = prefix;
  char* paths[] = {only.data()};
  if (!prefix.empty()) options.pathspec = {paths, 1};
  git_diff* made = nullptr;
  if (git_diff_tree_to_workdir_with_index(&made, repository.get(), reinterpret_cast<git_tree*>(peeled), &options) != 0) {
    return Error{ErrorCode::kCorrupt, "The changes since \"" + since + "\" cannot be read; the repository may be damaged (git fsck says more)."};
  }
  const GitDiff diff(made);
  TreeDiff result;
  result.title = "changes since " + since + " (" + short_id(git_object_id(found)) + ")";
  for (std::size_t i = 0; i < git_diff_num_deltas(made); ++i) {
    const git_diff_delta* delta = git_diff_get_delta(made, i);
    const std::string path = std::string(delta->new_file.path).substr(prefix.size());
    git_patch* opened = nullptr;
    if (git_patch_from_diff(&opened, made, i) != 0 || !opened) {
      result.binary.push_back(path);
      continue;
    }
    const GitPatch patch(opened);
    git_buf text = GIT_BUF_INIT;
    const bool is_text = !(git_patch_get_delta(opened)->flags & GIT_DIFF_FLAG_BINARY) && git_patch_to_buf(&text, opened) == 0 && text.size > 0;
    if (is_text) result.files.push_back({path, std::string(text.ptr, text.size)});
    else result.binary.push_back(path);
    git_buf_dispose(&text);
  }
  if (result.files.empty()) return Error{ErrorCode::kInvalidInput, "Nothing differs from \"" + since + "\", so there are no changes to read."};
  return result;
}

}  // namespace app
