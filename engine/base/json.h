#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/result.h"

/// Strict JSON for files that come from outside: every number is asked for with its range, every
/// error names the file and the path of keys ("config.json: rope_scaling.factor must be ...").
namespace engine {

struct JsonLimits {
  std::int64_t max_bytes = std::int64_t{64} << 20;
  int max_depth = 64;
};

enum class JsonKind : std::uint8_t { kNull, kBoolean, kInteger, kNumber, kString, kArray, kObject };

class JsonDocument;

/// One value of a document; a small handle, valid while a copy of its JsonDocument lives.
class JsonValue {
 public:
  JsonKind kind() const;
  bool is_object() const { return kind() == JsonKind::kObject; }
  bool is_array() const { return kind() == JsonKind::kArray; }
  bool is_string() const { return kind() == JsonKind::kString; }
  bool is_null() const { return kind() == JsonKind::kNull; }

  /// Members of an object or elements of an array, in the file's order; 0 for everything else.
  std::int64_t size() const;
  /// `i` in [0, size()).
  JsonValue operator[](std::int64_t i) const;
  /// The member's name; empty for elements and the root.
  std::string_view key() const;

  /// The member called `name`. Nothing where it is missing, null, or where this is no object.
  std::optional<JsonValue> find(std::string_view name) const;
  /// The same, as an error.
  Result<JsonValue> at(std::string_view name) const;

  /// The value itself, checked: kind first, then range. Integers must be written as integers;
  /// numbers may be either and are always finite.
  Result<std::int64_t> integer(std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                               std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  Result<double> number(double least = std::numeric_limits<double>::lowest(),
                        double most = std::numeric_limits<double>::max()) const;
  Result<bool> boolean() const;
  Result<std::string_view> string() const;  // UTF-8, checked; valid as long as the document
  Result<void> array() const;
  Result<void> object() const;

  /// Members that may be missing: `fallback` then.
  Result<std::int64_t> integer_or(std::string_view name, std::int64_t fallback, std::int64_t least,
                                  std::int64_t most) const;
  Result<double> number_or(std::string_view name, double fallback, double least, double most) const;
  Result<bool> boolean_or(std::string_view name, bool fallback) const;
  Result<std::string> string_or(std::string_view name, std::string_view fallback) const;

  /// "model.merges[12]"; the root is "the file".
  std::string path() const;
  /// An error about this value: "tokenizer.json: model.type " + `what`.
  Error error(ErrorCode code, std::string_view what) const;

 private:
  friend class JsonDocument;
  struct Tree;
  friend struct JsonBuilder;
  JsonValue(const Tree* tree, std::uint32_t node) : tree_(tree), node_(node) {}

  const Tree* tree_;
  std::uint32_t node_;
};

/// Immutable; copies share the content; thread safe.
class JsonDocument {
 public:
  /// `name` stands in errors (a file name). Refused: anything but one JSON value, invalid UTF-8, the
  /// same key twice in one object, numbers that are not finite, deeper or longer than the limits.
  static Result<JsonDocument> parse(std::string_view text, std::string_view name, const JsonLimits& limits = {});
  /// Reads a regular file; longer than `max_bytes` is refused before reading.
  static Result<JsonDocument> read(const std::filesystem::path& file, const JsonLimits& limits = {});

  JsonValue root() const { return JsonValue(tree_.get(), 0); }

 private:
  explicit JsonDocument(std::shared_ptr<const JsonValue::Tree> tree) : tree_(std::move(tree)) {}
  std::shared_ptr<const JsonValue::Tree> tree_;
};

}  // namespace engine
