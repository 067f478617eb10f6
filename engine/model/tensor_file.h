#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/input_file.h"

namespace engine {

/// How the values of a safetensors tensor are stored.
enum class StoredType { kF32, kF16, kBF16, kF8E4M3, kF8E8M0, kI8, kU8, kI32, kI64 };

std::size_t size_of(StoredType type);
std::string_view name_of(StoredType type);

/// Where a tensor lies; row-major, little endian.
struct StoredTensor {
  StoredType type = StoredType::kF32;
  std::vector<std::int64_t> shape;
  std::uint64_t offset = 0;   // from the beginning of its file
  std::uint64_t n_bytes = 0;  // exactly shape x size_of(type)
  std::size_t file = 0;       // index of its shard
};

/// "[128, 64]", for messages.
std::string to_string(const std::vector<std::int64_t>& shape);

/// The tensors of a safetensors checkpoint, single or sharded. All shards in the folder are scanned:
/// some published index files leave tensors out. The index, where there is one, must name no shard
/// that is missing. Nothing is read but the headers; every offset and size is checked against the
/// file. Immutable and thread safe after `open`.
class TensorFile {
 public:
  /// `folder` holds model.safetensors, or shards *.safetensors with model.safetensors.index.json.
  static Result<TensorFile> open(const std::filesystem::path& folder);
  /// One file, for tests and recorded numbers.
  static Result<TensorFile> open_single(const std::filesystem::path& file);

  const StoredTensor* find(std::string_view name) const;
  const std::map<std::string, StoredTensor, std::less<>>& tensors() const { return tensors_; }
  /// Its bytes; an error says that the file cannot be read any more.
  Result<std::vector<std::byte>> read(const StoredTensor& tensor) const { return read(tensor, 0, tensor.n_bytes); }
  /// `n` of its bytes from `first`.
  Result<std::vector<std::byte>> read(const StoredTensor& tensor, std::uint64_t first, std::uint64_t n) const {
    return shards_[tensor.file].read(tensor.offset + first, n);
  }
  const std::filesystem::path& path_of(const StoredTensor& tensor) const { return shards_[tensor.file].path(); }

 private:
  Result<void> add_shard(const std::filesystem::path& path);

  std::vector<InputFile> shards_;
  std::map<std::string, StoredTensor, std::less<>> tensors_;
};

}  // namespace engine
