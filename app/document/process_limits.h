#pragma once

#include <sys/types.h>

#include <cstdint>

namespace app {

/// What a process that reads the documents of others may take of this machine.
struct ProcessLimits {
  std::uint64_t memory_bytes = 0;  // of address space; 0: no limit
  unsigned cpu_seconds = 0;        // of processor time, all in all
  unsigned n_files = 32;           // open at once
};

/// Holds a process of this user to these limits, and keeps it from writing files and core dumps. 0 is
/// this process. What it starts is held to them too.
void limit_process(pid_t process, const ProcessLimits& limits);

}  // namespace app
