#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "engine/model/tensor_file.h"
#include "tests/fuzz/memory_file.h"

/// Every byte of every tensor that a hostile file was accepted with must be readable.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  file.fill(data, size);
  const auto opened = engine::TensorFile::open_single(file.path());
  if (!opened) return 0;
  unsigned sum = 0;
  for (const auto& [name, tensor] : opened->tensors()) {
    const auto bytes = opened->read(tensor);
    if (!bytes) std::abort();
    for (const std::byte byte : *bytes) sum += std::to_integer<unsigned>(byte);
  }
  static volatile unsigned sink;
  sink = sum;
  return 0;
}
