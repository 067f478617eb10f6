#include "app/document/process_limits.h"

#include <sys/resource.h>

namespace app {
namespace {

void limit(pid_t process, __rlimit_resource what, std::uint64_t value) {
  const struct rlimit limits {value, value};
  // Where the system has a lower limit already, that one stays.
  ::prlimit(process, what, &limits, nullptr);
}

}  // namespace

void limit_process(pid_t process, const ProcessLimits& limits) {
  if (limits.memory_bytes > 0) limit(process, RLIMIT_AS, limits.memory_bytes);
  limit(process, RLIMIT_CPU, limits.cpu_seconds);
  limit(process, RLIMIT_CORE, 0);
  limit(process, RLIMIT_FSIZE, 0);
  limit(process, RLIMIT_NOFILE, limits.n_files);
}

}  // namespace app
