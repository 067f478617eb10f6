#include "kernels/reference/host_memory.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace kernels {

namespace {
constexpr std::size_t kAlignment = 64;
}

std::unique_ptr<HostBuffer> HostBuffer::create(std::size_t n_bytes) {
  if (n_bytes > SIZE_MAX - kAlignment) return nullptr;
  const std::size_t rounded = (n_bytes + kAlignment - 1) / kAlignment * kAlignment;
  // calloc leaves untouched pages of large blocks unmapped, so a cache for 128k tokens costs only what is
  // used.
  void* raw = std::calloc(1, rounded + kAlignment);
  if (raw == nullptr) return nullptr;
  auto address = reinterpret_cast<std::uintptr_t>(raw);
  const std::uintptr_t aligned = (address + kAlignment) & ~(std::uintptr_t{kAlignment} - 1);
  auto* data = reinterpret_cast<std::byte*>(aligned);
  data[-1] = static_cast<std::byte>(aligned - address);
  return std::unique_ptr<HostBuffer>(new HostBuffer(data, n_bytes));
}

HostBuffer::~HostBuffer() {
  std::free(data_ - static_cast<std::size_t>(data_[-1]));
}

std::optional<std::size_t> checked_product(std::int64_t a, std::int64_t b, std::int64_t c) {
  if (a < 0 || b < 0 || c < 0) return std::nullopt;
  std::int64_t ab = 0;
  std::int64_t abc = 0;
  if (__builtin_mul_overflow(a, b, &ab) || __builtin_mul_overflow(ab, c, &abc)) return std::nullopt;
  return static_cast<std::size_t>(abc);
}

DeviceError out_of_memory(const std::string& what, std::size_t n_bytes) {
  return DeviceError{true, "Not enough memory for " + what + ": " + std::to_string((n_bytes >> 20) + 1) +
                               " MB are wanted and " + std::to_string(host_memory_free_bytes() >> 20) +
                               " MB are free. Close other programs or choose a shorter context."};
}

std::size_t host_memory_free_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string line;
  while (std::getline(file, line)) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "MemAvailable: %llu kB", &kib) == 1)
      return static_cast<std::size_t>(kib) * 1024;
  }
  return 0;
}

}  // namespace kernels
