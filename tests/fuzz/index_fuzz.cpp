#include <cstddef>
#include <cstdint>
#include <string>

#include "engine/model/tensor_file.h"
#include "tests/fuzz/memory_file.h"

/// A hostile index beside one good shard: whatever it says, only that shard may be opened.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFolder folder;
  static const bool filled = [] {
    const std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
    const std::string shard = std::string(1, static_cast<char>(header.size())) + std::string(7, '\0') + header + "x";
    folder.fill("model.safetensors", shard.data(), shard.size());
    return true;
  }();
  (void)filled;
  folder.fill("model.safetensors.index.json", data, size);
  const auto opened = engine::TensorFile::open(folder.path());
  if (opened && opened->tensors().size() > 1) std::abort();
  return 0;
}
