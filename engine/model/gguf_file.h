#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/gguf_blocks.h"
#include "engine/model/input_file.h"

namespace engine {

/// A tensor of a GGUF file.
struct GgufTensor {
  GgufType type = GgufType::kF32;
  std::vector<std::int64_t> shape;  // slowest dimension first, as everywhere else; rows are whole blocks
  std::uint64_t offset = 0;         // from the beginning of its part
  std::uint64_t n_bytes = 0;        // exactly what shape and type need
  std::size_t file = 0;             // index of its part
};

/// A GGUF version 3 file, little endian, whole or split into parts: its metadata and where its
/// tensors lie.
///
/// The file is hostile until checked: counts are held against the bytes left before anything is
/// allocated, all arithmetic is checked, keys and names are unique, every tensor lies inside its
/// part and overlaps no other. Parts are looked for beside the first one under the names that its own
/// name implies; no name from inside a file is ever opened. Immutable and thread safe after `open`.
class GgufFile {
 public:
  /// `path`: the file, or the first part "NAME-00001-of-00003.gguf".
  static Result<GgufFile> open(const std::filesystem::path& path);

  /// Metadata by key, checked: an error names the file and the key. Whole numbers of any width.
  bool has(std::string_view key) const { return values_.contains(key); }
  Result<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most) const;
  Result<std::int64_t> integer_or(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most) const;
  Result<double> number_or(std::string_view key, double fallback, double least, double most) const;
  Result<bool> boolean_or(std::string_view key, bool fallback) const;
  Result<std::string_view> string(std::string_view key) const;
  Result<std::vector<std::string_view>> strings(std::string_view key) const;
  /// Also a list of true and false, as 1 and 0.
  Result<std::vector<std::int64_t>> integers(std::string_view key) const;

  const std::map<std::string, GgufTensor, std::less<>>& tensors() const { return tensors_; }
  const GgufTensor* find(std::string_view name) const;
  /// Its bytes; an error says that the file cannot be read any more.
  Result<std::vector<std::byte>> read(const GgufTensor& tensor) const { return read(tensor, 0, tensor.n_bytes); }
  /// `n` of its bytes from `first`.
  Result<std::vector<std::byte>> read(const GgufTensor& tensor, std::uint64_t first, std::uint64_t n) const {
    return parts_[tensor.file].read(tensor.offset + first, n);
  }
  /// File name, for messages.
  std::string name() const { return parts_.front().path().filename().string(); }
  Error error(ErrorCode code, std::string_view key, const std::string& what) const;

 private:
  friend class GgufReader;
  struct Value {
    std::uint32_t type = 0;          // of the value, or of each element
    bool is_array = false;
    std::uint64_t n_elements = 1;
    std::span<const std::byte> data;  // in head_: numbers; strings with their lengths
  };

  const Value* value(std::string_view key) const;
  Result<void> check_parts(std::size_t n_parts) const;

  std::vector<InputFile> parts_;
  std::vector<std::byte> head_;  // of the first part, with all its metadata
  std::map<std::string, Value, std::less<>> values_;  // of the first part
  std::map<std::string, GgufTensor, std::less<>> tensors_;
};

}  // namespace engine
