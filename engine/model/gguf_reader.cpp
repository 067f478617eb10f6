#include "engine/model/gguf_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/utf8.h"

namespace engine {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::uint32_t kVersion = 3;
constexpr std::uint64_t kMaxName = 1024;
constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint64_t kMaxAlignment = 65'536;
constexpr std::uint64_t kDefaultAlignment = 32;
// The least that an entry of each table takes: counts are held against the bytes left with these.
constexpr std::uint64_t kLeastValue = 8 + 4 + 1;
constexpr std::uint64_t kLeastTensor = 8 + 4 + 8 + 4 + 8;
constexpr std::uint64_t kLeastString = 8;

bool is_text(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = next_utf8(text, at);
    if (step.kind != Utf8Kind::kValid || step.code_point < 0x20) return false;
    at += step.size;
  }
  return !text.empty();
}

}  // namespace

std::size_t size_of(GgufValueType type) {
  switch (type) {
    case GgufValueType::kU8:
    case GgufValueType::kI8:
    case GgufValueType::kBool:
      return 1;
    case GgufValueType::kU16:
    case GgufValueType::kI16:
      return 2;
    case GgufValueType::kU32:
    case GgufValueType::kI32:
    case GgufValueType::kF32:
      return 4;
    case GgufValueType::kU64:
    case GgufValueType::kI64:
    case GgufValueType::kF64:
      return 8;
    case GgufValueType::kString:
    case GgufValueType::kArray:
      break;
  }
  return 0;
}

std::optional<std::string_view> ByteCursor::take_string(std::uint64_t most) {
  const auto size = take<std::uint64_t>();
  if (!size || *size > most) return std::nullopt;
  const auto slice = take_bytes(*size);
  if (!slice) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(slice->data()), slice->size());
}

Error GgufReader::corrupt(const std::string& what) const {
  return Error{ErrorCode::kCorrupt, name_ + ": " + what + " Download the file again."};
}

Result<void> GgufReader::read_header(std::uint64_t& n_tensors, std::uint64_t& n_values) {
  const auto magic = cursor_.take<std::uint32_t>();
  if (!magic || *magic != kMagic) return Error{ErrorCode::kUnsupported, name_ + " is not a GGUF file."};
  const auto version = cursor_.take<std::uint32_t>();
  if (!version) return corrupt("the file ends inside its header.");
  if (*version != kVersion) {
    return Error{ErrorCode::kUnsupported, name_ + " is GGUF version " + std::to_string(*version) +
                                              "; Longleaf reads version 3, little endian."};
  }
  const auto tensors = cursor_.take<std::uint64_t>();
  const auto values = cursor_.take<std::uint64_t>();
  if (!tensors || !values) return corrupt("the file ends inside its header.");
  if (*values > cursor_.n_left() / kLeastValue) return corrupt("the number of metadata entries is larger than the file.");
  if (*tensors > cursor_.n_left() / kLeastTensor) return corrupt("the number of tensors is larger than the file.");
  n_tensors = *tensors;
  n_values = *values;
  return {};
}

Result<void> GgufReader::read_array(const std::string& key, GgufFile::Value& value) {
  const auto type = cursor_.take<std::uint32_t>();
  const auto n = cursor_.take<std::uint64_t>();
  if (!type || !n) return corrupt("the file ends inside " + key + ".");
  value.is_array = true;
  value.type = *type;
  value.n_elements = *n;
  const auto kind = static_cast<GgufValueType>(*type);
  if (kind == GgufValueType::kString) {
    if (*n > cursor_.n_left() / kLeastString) return corrupt("the list " + key + " is larger than the file.");
    const std::uint64_t begin = cursor_.position();
    for (std::uint64_t i = 0; i < *n; ++i) {
      if (!cursor_.take_string(std::numeric_limits<std::uint64_t>::max())) return corrupt("the file ends inside " + key + ".");
    }
    value.data = bytes_.subspan(begin, cursor_.position() - begin);
    return {};
  }
  const std::size_t size = size_of(kind);
  if (size == 0) return Error{ErrorCode::kUnsupported, name_ + ": " + key + " is a list of type " + std::to_string(*type) + ", which is not supported."};
  const auto n_bytes = checked_multiply(*n, size);
  const auto slice = n_bytes ? cursor_.take_bytes(*n_bytes) : std::nullopt;
  if (!slice) return corrupt("the list " + key + " is larger than the file.");
  value.data = *slice;
  return {};
}

Result<GgufFile::Value> GgufReader::read_value(const std::string& key) {
  GgufFile::Value value;
  const auto type = cursor_.take<std::uint32_t>();
  if (!type) return corrupt("the file ends inside " + key + ".");
  value.type = *type;
  const auto kind = static_cast<GgufValueType>(*type);
  if (kind == GgufValueType::kArray) {
    TRY(read_array(key, value));
    return value;
  }
  if (kind == GgufValueType::kString) {
    const std::uint64_t begin = cursor_.position();
    if (!cursor_.take_string(std::numeric_limits<std::uint64_t>::max())) return corrupt("the file ends inside " + key + ".");
    value.data = bytes_.subspan(begin, cursor_.position() - begin);
    return value;
  }
  const std::size_t size = size_of(kind);
  if (size == 0) return Error{ErrorCode::kUnsupported, name_ + ": " + key + " has the type " + std::to_string(*type) + ", which GGUF version 3 does not know."};
  const auto slice = cursor_.take_bytes(size);
  if (!slice) return corrupt("the file ends inside " + key + ".");
  if (kind == GgufValueType::kBool && std::to_integer<int>((*slice)[0]) > 1) return corrupt(key + " is neither true nor false.");
  value.data = *slice;
  return value;
}

Result<GgufReader::Entry> GgufReader::read_tensor() {
  Entry entry;
  const auto name = cursor_.take_string(kMaxName);
  if (!name || !is_text(*name)) return corrupt("a tensor has no proper name.");
  entry.name = *name;
  const std::string where = "the tensor " + entry.name;
  const auto n_dimensions = cursor_.take<std::uint32_t>();
  if (!n_dimensions || *n_dimensions == 0 || *n_dimensions > kMaxDimensions) {
    return corrupt(where + " must have 1 to 4 dimensions.");
  }
  std::uint64_t n_values = 1;
  for (std::uint32_t i = 0; i < *n_dimensions; ++i) {
    const auto n = cursor_.take<std::uint64_t>();
    if (!n) return corrupt("the file ends inside " + where + ".");
    const auto product = checked_multiply(n_values, *n);
    if (*n == 0 || !product || !std::in_range<std::int64_t>(*product)) return corrupt(where + " has an impossible shape.");
    n_values = *product;
    entry.tensor.shape.insert(entry.tensor.shape.begin(), static_cast<std::int64_t>(*n));
  }
  const auto type = cursor_.take<std::uint32_t>();
  const auto offset = cursor_.take<std::uint64_t>();
  if (!type || !offset) return corrupt("the file ends inside " + where + ".");
  auto known = gguf_type(*type);
  if (!known) return Error{known.error().code, name_ + ": " + where + " " + known.error().message};
  entry.tensor.type = *known;
  entry.tensor.file = index_;
  entry.offset = *offset;
  const auto row = gguf_bytes(*known, static_cast<std::uint64_t>(entry.tensor.shape.back()));
  if (!row || !gguf_bytes(*known, n_values)) return corrupt(where + " has rows that are no whole blocks of " + name_of(*known) + ".");
  return entry;
}

Result<std::uint64_t> GgufReader::read_alignment(const Values& values) const {
  const auto found = values.find("general.alignment");
  if (found == values.end()) return kDefaultAlignment;
  const GgufFile::Value& value = found->second;
  if (value.is_array || static_cast<GgufValueType>(value.type) != GgufValueType::kU32) {
    return corrupt("general.alignment must be a number of 32 bits.");
  }
  std::uint32_t alignment;
  std::memcpy(&alignment, value.data.data(), sizeof alignment);
  const bool is_power = alignment != 0 && (alignment & (alignment - 1)) == 0;
  if (!is_power || alignment > kMaxAlignment) {
    return corrupt("general.alignment is " + std::to_string(alignment) + ", no power of two up to 65536.");
  }
  return std::uint64_t{alignment};
}

Result<void> GgufReader::place(std::vector<Entry>& entries, std::uint64_t alignment, Tensors& tensors) const {
  if (entries.empty()) return {};
  const auto padded = checked_add(cursor_.position(), alignment - 1);
  if (!padded) return corrupt("the tensor data lies beyond the end of the file.");
  const std::uint64_t data_begin = *padded / alignment * alignment;
  if (data_begin > file_size_) return corrupt("the tensor data lies beyond the end of the file.");
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.offset < b.offset; });
  std::uint64_t end = 0;
  for (Entry& entry : entries) {
    const std::string where = "the tensor " + entry.name;
    if (entry.offset % alignment != 0) return corrupt(where + " is not aligned.");
    if (entry.offset < end) return corrupt(where + " overlaps another one.");
    std::uint64_t n_values = 1;
    for (const std::int64_t n : entry.tensor.shape) n_values *= static_cast<std::uint64_t>(n);  // checked when read
    const std::uint64_t n_bytes = *gguf_bytes(entry.tensor.type, n_values);
    if (!is_within(file_size_ - data_begin, entry.offset, n_bytes)) {
      return corrupt(where + " lies beyond the end of the file, which is cut short.");
    }
    entry.tensor.offset = data_begin + entry.offset;
    entry.tensor.n_bytes = n_bytes;
    end = entry.offset + n_bytes;
    if (!tensors.emplace(entry.name, std::move(entry.tensor)).second) return corrupt(where + " stands there twice.");
  }
  return {};
}

Result<void> GgufReader::read(Values& values, Tensors& tensors) {
  std::uint64_t n_tensors = 0;
  std::uint64_t n_values = 0;
  TRY(read_header(n_tensors, n_values));
  for (std::uint64_t i = 0; i < n_values; ++i) {
    const auto key = cursor_.take_string(kMaxName);
    if (!key || !is_text(*key)) return corrupt("a metadata entry has no proper key.");
    const std::string name(*key);
    TRY_ASSIGN(GgufFile::Value value, read_value(name));
    if (!values.emplace(name, value).second) return corrupt("the key " + name + " stands there twice.");
  }
  TRY_ASSIGN(const std::uint64_t alignment, read_alignment(values));
  std::vector<Entry> entries;
  for (std::uint64_t i = 0; i < n_tensors; ++i) {
    TRY_ASSIGN(Entry entry, read_tensor());
    entries.push_back(std::move(entry));
  }
  return place(entries, alignment, tensors);
}

}  // namespace engine
