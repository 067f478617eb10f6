#pragma once

#include <cstdint>
#include <string>

namespace app {

/// Takes from this process what reading a hostile document does not need: memory and processor time
/// beyond limits, writing or opening files outside of fonts and encodings, the network, other
/// processes. Call once, before the first byte of the document is looked at. Cannot be undone.
/// Returns what this system could not confine, as a phrase; empty when all of it is in force.
std::string confine_worker(std::uint64_t memory_bytes, unsigned cpu_seconds);

}  // namespace app
