#include "app/document/git_library.h"

#include <mutex>

namespace app {

void start_libgit2() {
  static std::once_flag once;
  std::call_once(once, [] {
    git_libgit2_init();
    // We read rules, we run nothing: whose repository it is does not matter.
    git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    // Ignore rules of one user's machine are no property of the tree.
    for (const int level : {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL, GIT_CONFIG_LEVEL_PROGRAMDATA}) {
      git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, level, "");
    }
  });
}

}  // namespace app
