#include "engine/local/prefix_store.h"

#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "engine/base/log.h"
#include "engine/model/checked.h"
#include "engine/model/checkpoint.h"
#include "engine/model/input_file.h"
#include "engine/trace/trace_file.h"
#include "engine/trace/trace_writer.h"

namespace engine {
namespace {

constexpr char kMagic[8] = {'L', 'L', 'k', 'e', 'y', 's', '\r', '\n'};
constexpr std::uint32_t kVersion = 1;
constexpr std::int64_t kSegment = 256;  // tokens
constexpr const char* kExtension = ".keys";

std::uint64_t checksum(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

/// Takes values off the front of a file; nothing once something does not fit or cannot be read.
class Reader {
 public:
  explicit Reader(const InputFile& file, std::uint64_t first = 0) : file_(file), position_(first) {}
  std::uint64_t position() const { return position_; }

  std::optional<std::vector<std::byte>> take(std::uint64_t n) {
    if (!is_within(file_.size(), position_, n)) return std::nullopt;
    auto bytes = file_.read(position_, n);
    if (!bytes) return std::nullopt;
    position_ += n;
    return std::move(bytes).value();
  }
  template <typename T>
  std::optional<T> value() {
    const auto slice = take(sizeof(T));
    if (!slice) return std::nullopt;
    T out;
    std::memcpy(&out, slice->data(), sizeof(T));
    return out;
  }
  std::optional<std::string> text() {
    const auto n = value<std::uint32_t>();
    const auto slice = n ? take(*n) : std::nullopt;
    if (!slice) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(slice->data()), slice->size());
  }

 private:
  const InputFile& file_;
  std::uint64_t position_;
};

/// Puts values behind each other.
class Writer {
 public:
  void bytes(const void* data, std::size_t n) {
    const auto* from = static_cast<const std::byte*>(data);
    buffer_.insert(buffer_.end(), from, from + n);
  }
  template <typename T>
  void value(const T& v) {
    bytes(&v, sizeof v);
  }
  void text(const std::string& s) {
    value(static_cast<std::uint32_t>(s.size()));
    bytes(s.data(), s.size());
  }
  void seal() { value(checksum(buffer_)); }
  const std::vector<std::byte>& buffer() const { return buffer_; }

 private:
  std::vector<std::byte> buffer_;
};

struct Header {
  std::string model;
  std::string selection;
  std::vector<std::uint64_t> row_bytes;  // per layer
  std::vector<TokenId> tokens;
  std::uint64_t size = 0;                // bytes up to the first segment
};

std::optional<Header> read_header(const InputFile& file) {
  Reader reader(file);
  const auto magic = reader.take(sizeof kMagic);
  if (!magic || std::memcmp(magic->data(), kMagic, sizeof kMagic) != 0) return std::nullopt;
  if (reader.value<std::uint32_t>() != kVersion) return std::nullopt;
  Header header;
  const auto model = reader.text();
  const auto selection = reader.text();
  const auto n_layers = reader.value<std::uint32_t>();
  const auto layers = n_layers ? reader.take(std::uint64_t{*n_layers} * sizeof(std::uint64_t)) : std::nullopt;
  const auto n_tokens = reader.value<std::uint32_t>();
  const auto tokens = n_tokens ? reader.take(std::uint64_t{*n_tokens} * sizeof(TokenId)) : std::nullopt;
  if (!model || !selection || !layers || !tokens) return std::nullopt;
  const auto sealed = file.read(0, reader.position());
  const auto seal = reader.value<std::uint64_t>();
  if (!sealed || !seal || *seal != checksum(*sealed)) return std::nullopt;
  header.model = *model;
  header.selection = *selection;
  header.row_bytes.resize(*n_layers);
  if (*n_layers > 0) std::memcpy(header.row_bytes.data(), layers->data(), layers->size());
  header.tokens.resize(*n_tokens);
  if (*n_tokens > 0) std::memcpy(header.tokens.data(), tokens->data(), tokens->size());
  header.size = reader.position();
  return header;
}

/// The trace lies beside the keys under a longer name.
std::filesystem::path trace_path(std::filesystem::path file) { return file += ".trace"; }

Error damaged(const std::filesystem::path& file) {
  return Error{ErrorCode::kCorrupt, file.string() + " is damaged and is not used; the documents are read again."};
}

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

/// A file under a temporary name that goes again unless it is kept.
class NewFile {
 public:
  explicit NewFile(std::filesystem::path target)
      : target_(std::move(target)), path_(target_.string() + "." + std::to_string(::getpid()) + ".new") {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  }
  ~NewFile() {
    if (descriptor_ < 0) return;
    ::close(descriptor_);
    ::unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  bool add(std::span<const std::byte> bytes) { return descriptor_ >= 0 && write_all(descriptor_, bytes); }
  bool keep() {
    const bool is_written = ::fsync(descriptor_) == 0;
    ::close(std::exchange(descriptor_, -1));
    if (is_written && ::rename(path_.c_str(), target_.c_str()) == 0) return true;
    ::unlink(path_.c_str());
    return false;
  }

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace

PrefixStore::PrefixStore(std::filesystem::path folder, std::string model, std::int64_t budget_bytes)
    : folder_(std::move(folder)), model_(std::move(model)), budget_bytes_(budget_bytes) {}

std::int64_t PrefixStore::room_for(std::int64_t n_tokens) { return (n_tokens + kSegment - 1) / kSegment * kSegment; }

std::optional<PrefixStore::Found> PrefixStore::find(std::span<const TokenId> prompt, const std::string& selection,
                                                    std::int64_t at_least) const {
  std::optional<Found> best;
  std::error_code failed;
  for (const auto& item : std::filesystem::directory_iterator(folder_, failed)) {
    if (item.path().extension() != kExtension) continue;
    const auto file = InputFile::open(item.path());
    const auto header = file ? read_header(*file) : std::nullopt;
    if (!header) {
      log(LogLevel::kWarning, item.path().string() + " holds no saved state of a prompt or is damaged; it is ignored.");
      continue;
    }
    if (header->model != model_ || header->selection != selection) continue;
    const auto [mine, theirs] = std::mismatch(header->tokens.begin(), header->tokens.end(), prompt.begin(), prompt.end());
    const std::int64_t n_common = mine - header->tokens.begin();
    if (n_common > std::max(at_least, best ? best->n_common : 0)) best = Found{item.path(), n_common};
  }
  return best;
}

Result<void> PrefixStore::load(const Found& found, KeyStore& keys, const std::function<bool()>& stop) const {
  TRY_ASSIGN(const InputFile file, InputFile::open(found.file));
  const auto header = read_header(file);
  if (!header || header->model != model_ || found.n_common > static_cast<std::int64_t>(header->tokens.size()) ||
      header->row_bytes.size() != static_cast<std::size_t>(keys.n_layers())) {
    return damaged(found.file);
  }
  for (int layer = 0; layer < keys.n_layers(); ++layer) {
    if (header->row_bytes[static_cast<std::size_t>(layer)] != keys.row_bytes(layer)) return damaged(found.file);
  }
  CHECK(keys.capacity() >= room_for(found.n_common));
  Reader reader(file, header->size);
  const auto n_tokens = static_cast<std::int64_t>(header->tokens.size());
  for (std::int64_t first = 0; first < found.n_common; first += kSegment) {
    if (stop && stop()) return Error{ErrorCode::kCancelled, "Cancelled."};
    const std::int64_t n = std::min(kSegment, n_tokens - first);
    std::uint64_t n_bytes = 0;
    for (const std::uint64_t row : header->row_bytes) n_bytes += row * static_cast<std::uint64_t>(n);
    const auto rows = reader.take(n_bytes);
    const auto seal = reader.value<std::uint64_t>();
    if (!rows || !seal || *seal != checksum(*rows)) return damaged(found.file);
    std::vector<std::byte> aligned;  // the backends read rows as numbers
    std::size_t offset = 0;
    for (int layer = 0; layer < keys.n_layers(); ++layer) {
      const std::size_t size = keys.row_bytes(layer) * static_cast<std::size_t>(n);
      aligned.assign(rows->begin() + static_cast<std::ptrdiff_t>(offset), rows->begin() + static_cast<std::ptrdiff_t>(offset + size));
      keys.load(layer, first, n, aligned.data());
      offset += size;
    }
  }
  std::error_code ignored;  // only decides which file goes first when the folder is full
  std::filesystem::last_write_time(found.file, std::filesystem::file_time_type::clock::now(), ignored);
  return {};
}

Result<void> PrefixStore::save(std::span<const TokenId> tokens, const std::string& selection, const KeyStore& keys,
                               const std::function<bool()>& stop, const std::function<void()>& on_keys_read,
                               const SelectionTrace* trace) const {
  const auto n_tokens = static_cast<std::int64_t>(tokens.size());
  Writer header;
  header.bytes(kMagic, sizeof kMagic);
  header.value(kVersion);
  header.text(model_);
  header.text(selection);
  header.value(static_cast<std::uint32_t>(keys.n_layers()));
  std::int64_t n_bytes = 0;
  for (int layer = 0; layer < keys.n_layers(); ++layer) {
    header.value(static_cast<std::uint64_t>(keys.row_bytes(layer)));
    n_bytes += static_cast<std::int64_t>(keys.row_bytes(layer)) * n_tokens;
  }
  if (n_bytes > budget_bytes_) return {};  // would push out everything else, and then be alone
  header.value(static_cast<std::uint32_t>(tokens.size()));
  header.bytes(tokens.data(), tokens.size_bytes());
  header.seal();

  const Error cannot_write{ErrorCode::kIo, "The state of this prompt could not be saved in " + folder_.string() +
                                               ": is the disk full? The next question reads the documents again."};
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  make_room(n_bytes);
  const std::string name = hash_of(std::string_view(reinterpret_cast<const char*>(header.buffer().data()), header.buffer().size()));
  const std::filesystem::path path = folder_ / (name + kExtension);
  NewFile file(path);
  if (!file.add(header.buffer())) return cannot_write;
  std::vector<std::byte> rows;
  for (std::int64_t first = 0; first < n_tokens; first += kSegment) {
    if (stop && stop()) return Error{ErrorCode::kCancelled, "Cancelled."};
    const std::int64_t n = std::min(kSegment, n_tokens - first);
    Writer segment;
    for (int layer = 0; layer < keys.n_layers(); ++layer) {
      rows.resize(keys.row_bytes(layer) * static_cast<std::size_t>(n));
      keys.save(layer, first, n, rows.data());
      segment.bytes(rows.data(), rows.size());
    }
    segment.seal();
    if (!file.add(segment.buffer())) return cannot_write;
  }
  if (on_keys_read) on_keys_read();
  if (!file.keep()) return cannot_write;
  if (trace == nullptr) return {};
  // The counts of the prompt are enough: the answer's own selections are saved with its run.
  SelectionTrace prompt_only = *trace;
  prompt_only.n_generated = prompt_only.n_thinking = prompt_only.first_recorded = 0;
  prompt_only.decode.clear();
  prompt_only.exact.clear();
  prompt_only.token_texts.clear();
  const std::string bytes = trace_to_bytes(prompt_only);
  NewFile companion(trace_path(path));
  if (!companion.add(std::as_bytes(std::span(bytes))) || !companion.keep()) return cannot_write;
  return {};
}

std::shared_ptr<const SelectionTrace> PrefixStore::trace_of(const Found& found) const {
  const std::filesystem::path path = trace_path(found.file);
  std::error_code failed;
  if (!std::filesystem::exists(path, failed)) return nullptr;
  const auto bytes = read_trace_file(path);
  auto file = bytes ? trace_from_bytes(*bytes) : Result<TraceFile>(bytes.error());
  if (file) return std::make_shared<const SelectionTrace>(std::move(file->trace));
  log(LogLevel::kWarning, file.error().message);  // a part of the map stays unknown, the keys are good
  return nullptr;
}

void PrefixStore::make_room(std::int64_t n_bytes) const {
  struct Item {
    std::filesystem::file_time_type used;
    std::filesystem::path path;
    std::int64_t n_bytes;
  };
  std::vector<Item> items;
  std::error_code failed;
  std::int64_t n_total = n_bytes;
  for (const auto& item : std::filesystem::directory_iterator(folder_, failed)) {
    if (item.path().extension() != kExtension) continue;
    std::error_code gone;
    const auto size = static_cast<std::int64_t>(item.file_size(gone));
    const auto used = item.last_write_time(gone);
    if (gone) continue;
    const auto beside = std::filesystem::file_size(trace_path(item.path()), gone);
    const std::int64_t both = size + (gone ? 0 : static_cast<std::int64_t>(beside));
    items.push_back({used, item.path(), both});
    n_total += both;
  }
  std::sort(items.begin(), items.end(), [](const Item& a, const Item& b) { return a.used < b.used; });
  for (const Item& item : items) {
    if (n_total <= budget_bytes_) break;
    std::filesystem::remove(item.path, failed);
    std::filesystem::remove(trace_path(item.path), failed);
    n_total -= item.n_bytes;
  }
}

}  // namespace engine
