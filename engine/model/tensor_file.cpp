#include "engine/model/tensor_file.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/json.h"
#include "engine/model/checked.h"

namespace engine {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{100} << 20;
constexpr std::int64_t kMaxDimensions = 8;
constexpr std::size_t kMaxShards = 10000;

struct TypeName {
  std::string_view name;
  StoredType type;
  std::size_t size;
};
constexpr std::array kTypes{
    TypeName{"F32", StoredType::kF32, 4},         TypeName{"F16", StoredType::kF16, 2},
    TypeName{"BF16", StoredType::kBF16, 2},       TypeName{"F8_E4M3", StoredType::kF8E4M3, 1},
    TypeName{"F8_E8M0", StoredType::kF8E8M0, 1},  TypeName{"I8", StoredType::kI8, 1},
    TypeName{"U8", StoredType::kU8, 1},           TypeName{"I32", StoredType::kI32, 4},
    TypeName{"I64", StoredType::kI64, 8},
};

const TypeName& entry(StoredType type) {
  return *std::find_if(kTypes.begin(), kTypes.end(), [type](const TypeName& t) { return t.type == type; });
}

Error damaged(const std::string& where, const std::string& what) {
  return Error{ErrorCode::kCorrupt, where + " " + what + ". Download the file again."};
}

/// `data_begin`: where tensor data begins in a file of `file_size` bytes.
Result<StoredTensor> read_entry(const JsonValue& value, std::uint64_t data_begin, std::uint64_t file_size, const std::string& where) {
  StoredTensor tensor;
  TRY_ASSIGN(const JsonValue type_value, value.at("dtype"));
  TRY_ASSIGN(const std::string_view type_name, type_value.string());
  const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeName& t) { return t.name == type_name; });
  if (type == kTypes.end()) {
    return Error{ErrorCode::kUnsupported,
                 where + " is stored as " + std::string(type_name) +
                     ", which Longleaf does not read. Supported: F32, F16, BF16 and F8_E4M3 with block scales."};
  }
  tensor.type = type->type;

  TRY_ASSIGN(const JsonValue shape, value.at("shape"));
  TRY(shape.array());
  if (shape.size() > kMaxDimensions) return damaged(where, "has too many dimensions");
  std::optional<std::uint64_t> n_bytes = type->size;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    TRY_ASSIGN(const std::int64_t n, shape[i].integer(0));
    tensor.shape.push_back(n);
    if (n_bytes) n_bytes = checked_multiply(*n_bytes, static_cast<std::uint64_t>(n));
  }
  TRY_ASSIGN(const JsonValue offsets, value.at("data_offsets"));
  TRY(offsets.array());
  if (offsets.size() != 2) return damaged(where, "needs two data offsets");
  TRY_ASSIGN(const std::int64_t begin, offsets[0].integer(0));
  TRY_ASSIGN(const std::int64_t end, offsets[1].integer(begin));
  const auto n = static_cast<std::uint64_t>(end - begin);
  if (!n_bytes || *n_bytes != n) return damaged(where, "does not have the size that its shape asks for");
  if (!is_within(file_size - data_begin, static_cast<std::uint64_t>(begin), n)) {
    return damaged(where, "lies beyond the end of the file, which is cut short");
  }
  tensor.offset = data_begin + static_cast<std::uint64_t>(begin);
  tensor.n_bytes = n;
  return tensor;
}

struct Extent {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string name;
};

/// Tensors follow each other without holes and fill the file, as the format demands: nothing else can
/// hide between them or behind them, and no value belongs to two.
Result<void> check_extents(std::vector<Extent> extents, std::uint64_t begin, std::uint64_t n_bytes, const std::string& where) {
  std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t end = begin;
  for (const Extent& extent : extents) {
    if (extent.begin != end) {
      return damaged(where + ": " + extent.name, extent.begin < end ? "overlaps another tensor" : "leaves a hole before it");
    }
    end = extent.end;
  }
  if (end != n_bytes) return damaged(where, "holds bytes that belong to no tensor");
  return {};
}

bool is_plain_file_name(const std::string& name) {
  return !name.empty() && std::filesystem::path(name).filename() == name && name != "." && name != "..";
}

/// Shards that the index names, base names only.
Result<std::set<std::string>> shards_in_index(const std::filesystem::path& index) {
  TRY_ASSIGN(const JsonDocument document, JsonDocument::read(index));
  TRY_ASSIGN(const JsonValue map, document.root().at("weight_map"));
  TRY(map.object());
  std::set<std::string> names;
  for (std::int64_t i = 0; i < map.size(); ++i) {
    TRY_ASSIGN(const std::string_view name, map[i].string());
    if (!is_plain_file_name(std::string(name))) {
      return map[i].error(ErrorCode::kInvalidInput, "must be the name of a file in the model's folder, without a path.");
    }
    names.emplace(name);
  }
  return names;
}

}  // namespace

std::size_t size_of(StoredType type) { return entry(type).size; }
std::string_view name_of(StoredType type) { return entry(type).name; }

std::string to_string(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

Result<TensorFile> TensorFile::open(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::set<std::string> names;
  for (const auto& item : std::filesystem::directory_iterator(folder, ignored)) {
    if (item.path().extension() == ".safetensors") names.insert(item.path().filename().string());
  }
  const auto index = folder / "model.safetensors.index.json";
  if (std::filesystem::exists(index, ignored)) {
    TRY_ASSIGN(const std::set<std::string> wanted, shards_in_index(index));
    for (const std::string& name : wanted) {
      if (!names.contains(name)) {
        return Error{ErrorCode::kNotFound, (folder / name).string() + " is missing: the model's index names it. Download it again."};
      }
    }
    names = wanted;
  } else if (names.contains("model.safetensors")) {
    names = {"model.safetensors"};
  }
  if (names.empty()) {
    return Error{ErrorCode::kNotFound, folder.string() + " holds no model weights (*.safetensors). Is this the model's folder?"};
  }
  if (names.size() > kMaxShards) return Error{ErrorCode::kInvalidInput, folder.string() + " names too many weight files."};
  TensorFile file;
  for (const std::string& name : names) TRY(file.add_shard(folder / name));
  return file;
}

Result<TensorFile> TensorFile::open_single(const std::filesystem::path& path) {
  TensorFile file;
  TRY(file.add_shard(path));
  return file;
}

Result<void> TensorFile::add_shard(const std::filesystem::path& path) {
  TRY_ASSIGN(InputFile shard, InputFile::open(path));
  const std::string where = path.filename().string();
  std::uint64_t header_bytes = 0;
  if (shard.size() < sizeof header_bytes) return damaged(where, "is too short for a safetensors file");
  TRY_ASSIGN(const std::vector<std::byte> length, shard.read(0, sizeof header_bytes));
  std::memcpy(&header_bytes, length.data(), sizeof header_bytes);
  if (!is_within(shard.size(), sizeof header_bytes, header_bytes) || header_bytes > kMaxHeaderBytes) {
    return damaged(where, "is no safetensors file or is cut short: its header does not fit");
  }
  const std::uint64_t data_begin = sizeof header_bytes + header_bytes;
  TRY_ASSIGN(const std::vector<std::byte> header, shard.read(sizeof header_bytes, header_bytes));
  const std::string_view text(reinterpret_cast<const char*>(header.data()), header.size());
  JsonLimits limits;
  limits.max_bytes = static_cast<std::int64_t>(kMaxHeaderBytes);
  TRY_ASSIGN(const JsonDocument document, JsonDocument::parse(text, where, limits));
  const JsonValue root = document.root();
  TRY(root.object());
  std::vector<Extent> extents;
  for (std::int64_t i = 0; i < root.size(); ++i) {
    const JsonValue value = root[i];
    const std::string name(value.key());
    if (name == "__metadata__") continue;
    TRY_ASSIGN(StoredTensor tensor, read_entry(value, data_begin, shard.size(), where + ": " + name));
    tensor.file = shards_.size();
    extents.push_back({tensor.offset, tensor.offset + tensor.n_bytes, name});
    if (!tensors_.emplace(name, std::move(tensor)).second) return damaged(where, "repeats the tensor " + name);
  }
  TRY(check_extents(std::move(extents), data_begin, shard.size(), where));
  shards_.push_back(std::move(shard));
  return {};
}

const StoredTensor* TensorFile::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

}  // namespace engine
