#include "app/document/confinement.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <initializer_list>

#include "app/document/process_limits.h"

namespace app {
namespace {

// What the drawing of text may need from the disk: fonts, their lists, encodings, and the modules of
// the C library that convert them.
constexpr std::array kReadable = {"/usr/share", "/usr/lib", "/lib", "/etc/fonts", "/etc/ld.so.cache", "/usr/local/share", "/var/cache/fontconfig"};

bool confine_files() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return false;
  struct landlock_ruleset_attr rules {};
  rules.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  if (version >= 2) rules.handled_access_fs |= 1ull << 13;  // moving files between folders
  if (version >= 3) rules.handled_access_fs |= 1ull << 14;  // truncating
  const int ruleset = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0));
  if (ruleset < 0) return false;
  for (const char* path : kReadable) {
    struct landlock_path_beneath_attr beneath {};
    beneath.parent_fd = ::open(path, O_PATH | O_CLOEXEC);
    if (beneath.parent_fd < 0) continue;
    beneath.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) != 0) {
      beneath.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;  // a file, not a folder
      ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    }
    ::close(beneath.parent_fd);
  }
  const bool in_force = ::syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  ::close(ruleset);
  return in_force;
}

bool confine_calls(bool files_are_confined) {
  const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (!filter) return false;
  for (const int call : {SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(lseek), SCMP_SYS(close),
                         SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs),
                         SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
                         SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
                         SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
                         SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(time),
                         SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
                         SCMP_SYS(getrandom), SCMP_SYS(getcwd), SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(access), SCMP_SYS(faccessat),
                         SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getrlimit),
                         SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(fadvise64)}) {
    seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
  }
  seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_LE, F_SETFL));
  // abort() is how a library ends itself: the signal may go to this process only.
  seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
  if (files_are_confined) {
    const scmp_datum_t writing = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC;
    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, writing, 0));
    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, writing, 0));
  }
  for (const int call : {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
                         SCMP_SYS(process_vm_writev), SCMP_SYS(kill), SCMP_SYS(io_uring_setup), SCMP_SYS(bpf), SCMP_SYS(memfd_create)}) {
    seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, call, 0);
  }
  const bool in_force = seccomp_load(filter) == 0;
  seccomp_release(filter);
  return in_force;
}

}  // namespace

std::string confine_worker(std::uint64_t memory_bytes, unsigned cpu_seconds) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  memory_bytes = 0;  // the sanitizers map terabytes
#endif
  limit_process(0, {memory_bytes, cpu_seconds});
  ::signal(SIGXFSZ, SIG_IGN);  // fontconfig tries to write its cache: that fails, and is no reason to die
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_DUMPABLE, 0);
  std::string missing;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) missing = "privileges";
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const bool files = confine_files();
  if (!files) missing += missing.empty() ? "files (no Landlock)" : ", files (no Landlock)";
  if (!confine_calls(files)) missing += missing.empty() ? "system calls (no seccomp)" : ", system calls (no seccomp)";
#endif
  return missing;
}

}  // namespace app
