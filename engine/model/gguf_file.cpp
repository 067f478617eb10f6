#include "engine/model/gguf_file.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <utility>

#include "engine/model/gguf_reader.h"

namespace engine {
namespace {

constexpr std::int64_t kMaxParts = 10'000;

template <typename Number>
Number number_at(std::span<const std::byte> data) {
  Number number;
  std::memcpy(&number, data.data(), sizeof number);
  return number;
}

/// A whole number of any width; nothing for other types and for what does not fit.
std::optional<std::int64_t> integer_of(std::uint32_t type, std::span<const std::byte> data) {
  switch (static_cast<GgufValueType>(type)) {
    case GgufValueType::kU8:
    case GgufValueType::kBool:
      return number_at<std::uint8_t>(data);
    case GgufValueType::kI8:
      return number_at<std::int8_t>(data);
    case GgufValueType::kU16:
      return number_at<std::uint16_t>(data);
    case GgufValueType::kI16:
      return number_at<std::int16_t>(data);
    case GgufValueType::kU32:
      return number_at<std::uint32_t>(data);
    case GgufValueType::kI32:
      return number_at<std::int32_t>(data);
    case GgufValueType::kI64:
      return number_at<std::int64_t>(data);
    case GgufValueType::kU64: {
      const auto number = number_at<std::uint64_t>(data);
      if (std::in_range<std::int64_t>(number)) return static_cast<std::int64_t>(number);
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

/// "NAME-00001-of-00003.gguf" -> the name of part `number`; nothing when the first part is not called so.
std::optional<std::filesystem::path> part_path(const std::filesystem::path& first, std::int64_t number, std::int64_t n_parts) {
  const auto ending = [n_parts](std::int64_t i) {
    char text[64];
    std::snprintf(text, sizeof text, "-%05lld-of-%05lld.gguf", static_cast<long long>(i), static_cast<long long>(n_parts));
    return std::string(text);
  };
  const std::string name = first.filename().string();
  const std::string expected = ending(1);
  if (!name.ends_with(expected)) return std::nullopt;
  return first.parent_path() / (name.substr(0, name.size() - expected.size()) + ending(number));
}

constexpr std::uint64_t kFirstBytes = std::uint64_t{1} << 20;  // of a part that are looked at first
constexpr std::uint64_t kMaxHead = std::uint64_t{512} << 20;  // metadata of real models: about 20 MB

/// Reads a part's metadata and tensor table; `head` receives as many of its first bytes as that takes.
Result<void> read_part(const InputFile& file, std::size_t index, std::vector<std::byte>& head, GgufReader::Values& values,
                       GgufReader::Tensors& tensors) {
  for (std::uint64_t n = std::min(kFirstBytes, file.size());;) {
    TRY_ASSIGN(head, file.read(0, n));
    GgufReader::Values its_values;
    GgufReader::Tensors its_tensors = tensors;
    GgufReader reader(file, head, index);
    const auto result = reader.read(its_values, its_tensors);
    if (!result && n < kMaxHead && reader.n_wanted() > 0) {
      n = std::min({file.size(), kMaxHead, std::max(2 * n, reader.n_wanted())});
      continue;
    }
    TRY(result);
    values = std::move(its_values);
    tensors = std::move(its_tensors);
    return {};
  }
}

}  // namespace

Error GgufFile::error(ErrorCode code, std::string_view key, const std::string& what) const {
  return Error{code, name() + ": " + std::string(key) + " " + what};
}

const GgufFile::Value* GgufFile::value(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

Result<std::int64_t> GgufFile::integer(std::string_view key, std::int64_t least, std::int64_t most) const {
  const Value* found = value(key);
  if (found == nullptr) return error(ErrorCode::kCorrupt, key, "is missing.");
  const bool is_number = !found->is_array && static_cast<GgufValueType>(found->type) != GgufValueType::kBool;
  const auto number = is_number ? integer_of(found->type, found->data) : std::nullopt;
  if (!number) return error(ErrorCode::kCorrupt, key, "must be a whole number.");
  if (*number >= least && *number <= most) return *number;
  return error(ErrorCode::kCorrupt, key, "is " + std::to_string(*number) + ", outside " + std::to_string(least) + " to " +
                                             std::to_string(most) + ".");
}

Result<std::int64_t> GgufFile::integer_or(std::string_view key, std::int64_t fallback, std::int64_t least,
                                          std::int64_t most) const {
  if (!has(key)) return fallback;
  return integer(key, least, most);
}

Result<double> GgufFile::number_or(std::string_view key, double fallback, double least, double most) const {
  const Value* found = value(key);
  if (found == nullptr) return fallback;
  double number = std::nan("");
  if (!found->is_array) {
    const auto kind = static_cast<GgufValueType>(found->type);
    if (kind == GgufValueType::kF32) number = number_at<float>(found->data);
    if (kind == GgufValueType::kF64) number = number_at<double>(found->data);
    const auto whole = kind != GgufValueType::kBool ? integer_of(found->type, found->data) : std::nullopt;
    if (whole) number = static_cast<double>(*whole);
  }
  if (number >= least && number <= most) return number;
  return error(ErrorCode::kCorrupt, key, "must be a number from " + std::to_string(least) + " to " + std::to_string(most) + ".");
}

Result<bool> GgufFile::boolean_or(std::string_view key, bool fallback) const {
  const Value* found = value(key);
  if (found == nullptr) return fallback;
  if (found->is_array || static_cast<GgufValueType>(found->type) != GgufValueType::kBool) {
    return error(ErrorCode::kCorrupt, key, "must be true or false.");
  }
  return found->data[0] != std::byte{0};
}

Result<std::string_view> GgufFile::string(std::string_view key) const {
  const Value* found = value(key);
  if (found == nullptr) return error(ErrorCode::kCorrupt, key, "is missing.");
  if (found->is_array || static_cast<GgufValueType>(found->type) != GgufValueType::kString) {
    return error(ErrorCode::kCorrupt, key, "must be a text.");
  }
  return *ByteCursor(found->data).take_string(found->data.size());
}

Result<std::vector<std::string_view>> GgufFile::strings(std::string_view key) const {
  const Value* found = value(key);
  if (found == nullptr) return error(ErrorCode::kCorrupt, key, "is missing.");
  if (!found->is_array || static_cast<GgufValueType>(found->type) != GgufValueType::kString) {
    return error(ErrorCode::kCorrupt, key, "must be a list of texts.");
  }
  std::vector<std::string_view> texts;
  texts.reserve(found->n_elements);  // held against the file's size when it was opened
  ByteCursor cursor(found->data);
  for (std::uint64_t i = 0; i < found->n_elements; ++i) texts.push_back(*cursor.take_string(found->data.size()));
  return texts;
}

Result<std::vector<std::int64_t>> GgufFile::integers(std::string_view key) const {
  const Value* found = value(key);
  if (found == nullptr) return error(ErrorCode::kCorrupt, key, "is missing.");
  const std::size_t size = size_of(static_cast<GgufValueType>(found->type));
  std::vector<std::int64_t> numbers;
  if (found->is_array && size > 0) {
    numbers.reserve(found->n_elements);
    for (std::uint64_t i = 0; i < found->n_elements; ++i) {
      const auto number = integer_of(found->type, found->data.subspan(i * size, size));
      if (!number) return error(ErrorCode::kCorrupt, key, "must be a list of whole numbers.");
      numbers.push_back(*number);
    }
    return numbers;
  }
  return error(ErrorCode::kCorrupt, key, "must be a list of whole numbers.");
}

Result<void> GgufFile::check_parts(std::size_t n_parts) const {
  TRY_ASSIGN(const std::int64_t n_tensors, integer_or("split.tensors.count", static_cast<std::int64_t>(tensors_.size()), 0,
                                                      std::int64_t{1} << 40));
  if (n_parts > 1 && n_tensors != static_cast<std::int64_t>(tensors_.size())) {
    return error(ErrorCode::kCorrupt, "split.tensors.count",
                 "is " + std::to_string(n_tensors) + ", but the parts hold " + std::to_string(tensors_.size()) + " tensors.");
  }
  return {};
}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  GgufFile file;
  TRY_ASSIGN(InputFile first, InputFile::open(path));
  file.parts_.push_back(std::move(first));
  TRY(read_part(file.parts_[0], 0, file.head_, file.values_, file.tensors_));
  TRY_ASSIGN(const std::int64_t n_parts, file.integer_or("split.count", 1, 0, kMaxParts));
  if (n_parts > 1) {
    TRY_ASSIGN(const std::int64_t number, file.integer_or("split.no", 0, 0, kMaxParts));
    if (number != 0) {
      return Error{ErrorCode::kInvalidInput, file.name() + " is part " + std::to_string(number + 1) + " of " +
                                                 std::to_string(n_parts) + ". Open the first part."};
    }
  }
  for (std::int64_t i = 2; i <= n_parts; ++i) {
    const auto next = part_path(path, i, n_parts);
    if (!next) {
      return Error{ErrorCode::kInvalidInput, file.name() + " is the first of " + std::to_string(n_parts) +
                                                 " parts, but is not called NAME-00001-of-0000N.gguf. Give it its name back."};
    }
    TRY_ASSIGN(InputFile part, InputFile::open(*next));
    file.parts_.push_back(std::move(part));
    GgufFile alone;  // the metadata of one part, to look at its number
    alone.parts_.push_back(std::move(file.parts_.back()));
    TRY(read_part(alone.parts_[0], static_cast<std::size_t>(i - 1), alone.head_, alone.values_, file.tensors_));
    TRY_ASSIGN(const std::int64_t number, alone.integer("split.no", i - 1, i - 1));
    TRY_ASSIGN(const std::int64_t count, alone.integer("split.count", n_parts, n_parts));
    CHECK(number + 1 == i && count == n_parts);
    file.parts_.back() = std::move(alone.parts_[0]);
  }
  TRY(file.check_parts(file.parts_.size()));
  return file;
}

}  // namespace engine
