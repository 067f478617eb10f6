#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/checked.h"
#include "engine/model/gguf_file.h"

namespace engine {

/// The value types of GGUF metadata, by number.
enum class GgufValueType : std::uint32_t {
  kU8 = 0, kI8 = 1, kU16 = 2, kI16 = 3, kU32 = 4, kI32 = 5, kF32 = 6, kBool = 7, kString = 8, kArray = 9, kU64 = 10, kI64 = 11, kF64 = 12,
};

/// Bytes of a number; 0 for strings, arrays and unknown types.
std::size_t size_of(GgufValueType type);

/// Takes numbers and strings off the front of a hostile file, of which only the first bytes may be at hand.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes) : ByteCursor(bytes, bytes.size()) {}
  ByteCursor(std::span<const std::byte> bytes, std::uint64_t file_size) : bytes_(bytes), file_size_(file_size) {}

  template <typename Number>
  std::optional<Number> take() {
    const auto slice = take_bytes(sizeof(Number));
    if (!slice) return std::nullopt;
    Number number;
    std::memcpy(&number, slice->data(), sizeof number);
    return number;
  }
  std::optional<std::span<const std::byte>> take_bytes(std::uint64_t n) {
    const auto slice = checked_slice(bytes_, at_, n);
    if (slice) {
      at_ += n;
    } else if (is_within(file_size_, at_, n)) {
      n_wanted_ = at_ + n;
    }
    return slice;
  }
  /// A length of 8 bytes and that many bytes; nothing when longer than `most`.
  std::optional<std::string_view> take_string(std::uint64_t most);

  std::uint64_t position() const { return at_; }
  std::uint64_t n_left() const { return file_size_ - at_; }
  /// Where something was refused only because the bytes at hand end: so many are needed. Else 0.
  std::uint64_t n_wanted() const { return n_wanted_; }

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t file_size_;
  std::uint64_t at_ = 0;
  std::uint64_t n_wanted_ = 0;
};

/// Reads one part of a GGUF file: header, metadata, tensor table.
/// `head` are its first bytes.
class GgufReader {
 public:
  GgufReader(const InputFile& file, std::span<const std::byte> head, std::size_t index)
      : cursor_(head, file.size()), bytes_(head), file_size_(file.size()), index_(index), name_(file.path().filename().string()) {}

  using Values = std::map<std::string, GgufFile::Value, std::less<>>;
  using Tensors = std::map<std::string, GgufTensor, std::less<>>;

  /// Adds the part's tensors to `tensors`, its metadata to `values`, which refer to `head`.
  Result<void> read(Values& values, Tensors& tensors);
  /// After a failure: how many bytes of the file it takes to get further; 0: more do not help.
  std::uint64_t n_wanted() const { return cursor_.n_wanted(); }

 private:
  struct Entry {
    std::string name;
    GgufTensor tensor;
    std::uint64_t offset = 0;
  };

  Result<void> read_header(std::uint64_t& n_tensors, std::uint64_t& n_values);
  Result<GgufFile::Value> read_value(const std::string& key);
  Result<void> read_array(const std::string& key, GgufFile::Value& value);
  Result<Entry> read_tensor();
  Result<std::uint64_t> read_alignment(const Values& values) const;
  Result<void> place(std::vector<Entry>& entries, std::uint64_t alignment, Tensors& tensors) const;
  Error corrupt(const std::string& what) const;

  ByteCursor cursor_;
  std::span<const std::byte> bytes_;
  std::uint64_t file_size_;
  std::size_t index_;
  std::string name_;
};

}  // namespace engine
