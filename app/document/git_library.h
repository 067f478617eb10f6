#pragma once

#include <git2.h>

#include <memory>

/// What the readers of git repositories share. Only they include this: it shows libgit2.
namespace app {

/// Once per process: libgit2 without any configuration of this user or machine, and without asking
/// whose repository it is. It reads; it never runs a program.
void start_libgit2();

template <typename T, void (*free_one)(T*)>
struct GitCloser {
  void operator()(T* object) const { free_one(object); }
};
template <typename T, void (*free_one)(T*)>
using GitObject = std::unique_ptr<T, GitCloser<T, free_one>>;

using GitRepository = GitObject<git_repository, git_repository_free>;
using GitIndex = GitObject<git_index, git_index_free>;
using GitCommit = GitObject<git_commit, git_commit_free>;
using GitTree = GitObject<git_tree, git_tree_free>;
using GitDiff = GitObject<git_diff, git_diff_free>;
using GitPatch = GitObject<git_patch, git_patch_free>;
using GitWalk = GitObject<git_revwalk, git_revwalk_free>;
using GitReference = GitObject<git_reference, git_reference_free>;
using GitReferences = GitObject<git_reference_iterator, git_reference_iterator_free>;
using GitAny = GitObject<git_object, git_object_free>;

}  // namespace app
