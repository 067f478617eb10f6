#include "engine/base/json.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>
#include <vector>

namespace engine {
namespace {

struct Slice {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
};

struct Node {
  JsonKind kind = JsonKind::kNull;
  std::uint32_t parent = 0;
  std::uint32_t place = 0;  // index among the parent's children
  Slice key;                // in Tree::text
  union {
    bool boolean;
    std::int64_t integer;
    double number;
    Slice slice = {};       // string: in Tree::text; array, object: in Tree::children
  };
};

const char* kind_name(JsonKind kind) {
  switch (kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kBoolean:
      return "true or false";
    case JsonKind::kInteger:
      return "an integer";
    case JsonKind::kNumber:
      return "a number with a fraction";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kArray:
      return "a list";
    case JsonKind::kObject:
      return "an object";
  }
  return "";
}

std::string plain(double value) { return nlohmann::json(value).dump(); }

}  // namespace

/// Flat: three vectors whatever the file holds. A vocabulary of 130,000 entries is 130,000 nodes of
/// 32 bytes, and destroying a deep document needs no recursion.
struct JsonValue::Tree {
  std::string name;
  std::string text;  // keys and strings, one after another
  std::vector<Node> nodes;
  std::vector<std::uint32_t> children;  // nodes, in the file's order
  std::vector<std::uint32_t> by_key;    // the same ranges, objects only: sorted by key

  std::string_view view(Slice slice) const { return std::string_view(text).substr(slice.begin, slice.size); }
};

/// Takes nlohmann's parser events and builds the tree; returns false to stop at the first fault.
struct JsonBuilder {
  using json = nlohmann::json;

  JsonValue::Tree& tree;
  int max_depth;
  std::string fault;
  std::vector<std::uint32_t> open;                   // containers
  std::vector<std::vector<std::uint32_t>> contents;  // of each open container
  Slice next_key;

  bool null() { return add(Node{}); }
  bool boolean(bool value) {
    Node node;
    node.kind = JsonKind::kBoolean;
    node.boolean = value;
    return add(node);
  }
  bool number_integer(json::number_integer_t value) {
    Node node;
    node.kind = JsonKind::kInteger;
    node.integer = value;
    return add(node);
  }
  bool number_unsigned(json::number_unsigned_t value) {
    if (std::in_range<std::int64_t>(value)) return number_integer(static_cast<std::int64_t>(value));
    return number_float(static_cast<double>(value), {});
  }
  bool number_float(double value, const std::string&) {
    if (!std::isfinite(value)) return stop("holds a number that is not finite");
    Node node;
    node.kind = JsonKind::kNumber;
    node.number = value;
    return add(node);
  }
  bool string(std::string& value) {
    Node node;
    node.kind = JsonKind::kString;
    node.slice = keep(value);
    return add(node);
  }
  bool binary(json::binary_t&) { return stop("holds binary data"); }
  bool start_object(std::size_t) { return start(JsonKind::kObject); }
  bool start_array(std::size_t) { return start(JsonKind::kArray); }
  bool key(std::string& name) {
    next_key = keep(name);
    return true;
  }
  bool end_array() {
    end();
    return true;
  }
  bool end_object() {
    const std::uint32_t node = open.back();
    end();
    const auto begin = tree.by_key.begin() + tree.nodes[node].slice.begin;
    const auto name_of = [&](std::uint32_t child) { return tree.view(tree.nodes[child].key); };
    std::sort(begin, tree.by_key.end(), [&](std::uint32_t a, std::uint32_t b) { return name_of(a) < name_of(b); });
    const auto twice = std::adjacent_find(begin, tree.by_key.end(),
                                          [&](std::uint32_t a, std::uint32_t b) { return name_of(a) == name_of(b); });
    if (twice == tree.by_key.end()) return true;
    return stop("has the key \"" + std::string(name_of(*twice)) + "\" twice in one object");
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) {
    return stop("is not valid JSON near byte " + std::to_string(position));
  }

  bool start(JsonKind kind) {
    if (static_cast<int>(open.size()) >= max_depth) {
      return stop("is nested deeper than " + std::to_string(max_depth) + " levels");
    }
    Node node;
    node.kind = kind;
    if (!add(node)) return false;
    open.push_back(static_cast<std::uint32_t>(tree.nodes.size() - 1));
    contents.emplace_back();
    return true;
  }
  void end() {
    const std::vector<std::uint32_t>& own = contents.back();
    Node& node = tree.nodes[open.back()];
    node.slice = {static_cast<std::uint32_t>(tree.children.size()), static_cast<std::uint32_t>(own.size())};
    tree.children.insert(tree.children.end(), own.begin(), own.end());
    tree.by_key.insert(tree.by_key.end(), own.begin(), own.end());
    open.pop_back();
    contents.pop_back();
  }
  bool add(Node node) {
    node.key = std::exchange(next_key, {});
    if (!open.empty()) {
      node.parent = open.back();
      node.place = static_cast<std::uint32_t>(contents.back().size());
      contents.back().push_back(static_cast<std::uint32_t>(tree.nodes.size()));
    }
    tree.nodes.push_back(node);
    return true;
  }
  Slice keep(const std::string& value) {
    const Slice slice{static_cast<std::uint32_t>(tree.text.size()), static_cast<std::uint32_t>(value.size())};
    tree.text += value;
    return slice;
  }
  bool stop(std::string what) {
    if (fault.empty()) fault = std::move(what);
    return false;
  }
};

JsonKind JsonValue::kind() const { return tree_->nodes[node_].kind; }

std::int64_t JsonValue::size() const {
  return is_array() || is_object() ? std::int64_t{tree_->nodes[node_].slice.size} : 0;
}

JsonValue JsonValue::operator[](std::int64_t i) const {
  CHECK(i >= 0 && i < size());
  return JsonValue(tree_, tree_->children[tree_->nodes[node_].slice.begin + static_cast<std::uint32_t>(i)]);
}

std::string_view JsonValue::key() const { return tree_->view(tree_->nodes[node_].key); }

std::optional<JsonValue> JsonValue::find(std::string_view name) const {
  if (!is_object()) return std::nullopt;
  const Slice slice = tree_->nodes[node_].slice;
  const auto begin = tree_->by_key.begin() + slice.begin;
  const auto end = begin + slice.size;
  const auto name_of = [&](std::uint32_t child) { return tree_->view(tree_->nodes[child].key); };
  const auto found =
      std::lower_bound(begin, end, name, [&](std::uint32_t child, std::string_view wanted) { return name_of(child) < wanted; });
  if (found == end || name_of(*found) != name) return std::nullopt;
  const JsonValue value(tree_, *found);
  if (value.is_null()) return std::nullopt;
  return value;
}

Result<JsonValue> JsonValue::at(std::string_view name) const {
  TRY(object());
  if (const auto value = find(name)) return *value;
  return error(ErrorCode::kCorrupt, "has no \"" + std::string(name) + "\".");
}

Result<std::int64_t> JsonValue::integer(std::int64_t least, std::int64_t most) const {
  if (kind() != JsonKind::kInteger) {
    return error(ErrorCode::kCorrupt, std::string("must be an integer, not ") + kind_name(kind()) + ".");
  }
  const std::int64_t value = tree_->nodes[node_].integer;
  if (value >= least && value <= most) return value;
  return error(ErrorCode::kCorrupt, "is " + std::to_string(value) + ", outside " + std::to_string(least) + " to " +
                                        std::to_string(most) + ".");
}

Result<double> JsonValue::number(double least, double most) const {
  if (kind() != JsonKind::kInteger && kind() != JsonKind::kNumber) {
    return error(ErrorCode::kCorrupt, std::string("must be a number, not ") + kind_name(kind()) + ".");
  }
  const Node& node = tree_->nodes[node_];
  const double value = node.kind == JsonKind::kInteger ? static_cast<double>(node.integer) : node.number;
  if (value >= least && value <= most) return value;
  return error(ErrorCode::kCorrupt, "is " + plain(value) + ", outside " + plain(least) + " to " + plain(most) + ".");
}

Result<bool> JsonValue::boolean() const {
  if (kind() == JsonKind::kBoolean) return tree_->nodes[node_].boolean;
  return error(ErrorCode::kCorrupt, std::string("must be true or false, not ") + kind_name(kind()) + ".");
}

Result<std::string_view> JsonValue::string() const {
  if (is_string()) return tree_->view(tree_->nodes[node_].slice);
  return error(ErrorCode::kCorrupt, std::string("must be a string, not ") + kind_name(kind()) + ".");
}

Result<void> JsonValue::array() const {
  if (is_array()) return {};
  return error(ErrorCode::kCorrupt, std::string("must be a list, not ") + kind_name(kind()) + ".");
}

Result<void> JsonValue::object() const {
  if (is_object()) return {};
  return error(ErrorCode::kCorrupt, std::string("must be an object, not ") + kind_name(kind()) + ".");
}

Result<std::int64_t> JsonValue::integer_or(std::string_view name, std::int64_t fallback, std::int64_t least,
                                           std::int64_t most) const {
  const auto value = find(name);
  if (!value) return fallback;
  return value->integer(least, most);
}

Result<double> JsonValue::number_or(std::string_view name, double fallback, double least, double most) const {
  const auto value = find(name);
  if (!value) return fallback;
  return value->number(least, most);
}

Result<bool> JsonValue::boolean_or(std::string_view name, bool fallback) const {
  const auto value = find(name);
  if (!value) return fallback;
  return value->boolean();
}

Result<std::string> JsonValue::string_or(std::string_view name, std::string_view fallback) const {
  const auto value = find(name);
  if (!value) return std::string(fallback);
  TRY_ASSIGN(const std::string_view text, value->string());
  return std::string(text);
}

std::string JsonValue::path() const {
  std::vector<std::string> steps;
  for (std::uint32_t at = node_; at != 0; at = tree_->nodes[at].parent) {
    const Node& node = tree_->nodes[at];
    const bool element = tree_->nodes[node.parent].kind == JsonKind::kArray;
    steps.push_back(element ? "[" + std::to_string(node.place) + "]" : "." + std::string(tree_->view(node.key)));
  }
  std::string path;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) path += *step;
  if (path.starts_with('.')) path.erase(0, 1);
  return path.empty() ? "the file" : path;
}

Error JsonValue::error(ErrorCode code, std::string_view what) const {
  return Error{code, tree_->name + ": " + path() + " " + std::string(what)};
}

Result<JsonDocument> JsonDocument::parse(std::string_view text, std::string_view name, const JsonLimits& limits) {
  const std::string file(name);
  // Offsets into the tree are 32 bits wide.
  const std::int64_t most = std::min<std::int64_t>(limits.max_bytes, std::int64_t{1} << 31);
  if (static_cast<std::int64_t>(text.size()) > most) {
    return Error{ErrorCode::kCorrupt, file + " has " + std::to_string(text.size()) + " bytes; more than " +
                                          std::to_string(most) + " are not read. The file is probably damaged."};
  }
  auto tree = std::make_shared<JsonValue::Tree>();
  tree->name = file;
  JsonBuilder builder{*tree, limits.max_depth, {}, {}, {}, {}};
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    return Error{ErrorCode::kCorrupt, file + " " + builder.fault + ". Get the file again from where it came."};
  }
  return JsonDocument(std::move(tree));
}

Result<JsonDocument> JsonDocument::read(const std::filesystem::path& file, const JsonLimits& limits) {
  std::error_code failed;
  const auto status = std::filesystem::status(file, failed);
  if (!std::filesystem::exists(status)) return Error{ErrorCode::kNotFound, file.string() + " does not exist."};
  // A pipe or a device would block or never end.
  if (!std::filesystem::is_regular_file(status)) return Error{ErrorCode::kIo, file.string() + " is not a file."};
  const auto size = std::filesystem::file_size(file, failed);
  if (failed) return Error{ErrorCode::kIo, file.string() + " cannot be read: " + failed.message() + "."};
  if (std::cmp_greater(size, limits.max_bytes)) {
    return Error{ErrorCode::kCorrupt, file.string() + " has " + std::to_string(size) + " bytes; more than " +
                                          std::to_string(limits.max_bytes) + " are not read."};
  }
  std::ifstream in(file, std::ios::binary);
  std::string text(size, '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(size))) {
    return Error{ErrorCode::kIo, file.string() + " cannot be read."};
  }
  return parse(text, file.filename().string(), limits);
}

}  // namespace engine
