#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "app/document/file_rules.h"
#include "app/document/source_tree.h"
#include "app/document/symbol_reader.h"
#include "app/document/text_file.h"
#include "app/document/tree_history.h"
#include "app/ingest/part_writer.h"
#include "app/ingest/readers.h"

namespace app {
namespace {

/// Bytes that are no UTF-8 are shown as \xNN, so that no two names become one.
std::string shown_path(const std::string& path) {
  std::string shown;
  for (std::size_t at = 0; at < path.size();) {
    const auto byte = static_cast<unsigned char>(path[at]);
    std::size_t n = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 0;
    for (std::size_t i = 1; i < n; ++i) {
      if (at + i >= path.size() || (static_cast<unsigned char>(path[at + i]) & 0xC0) != 0x80) n = 0;
    }
    if (n == 0 || byte < 0x20 || byte == 0x7F) {
      char escape[5];
      std::snprintf(escape, sizeof escape, "\\x%02X", byte);
      shown += escape;
      ++at;
      continue;
    }
    shown.append(path, at, n);
    at += n;
  }
  return shown;
}

struct TreePart {
  Part part;
  PartText text;
};

/// The file as a part, or the reason why it is left out.
Result<TreePart> read_part(const SourceTree& tree, const TreeFile& file, std::int64_t max_bytes) {
  TRY_ASSIGN(const std::string bytes, tree.read(file.path, file.included ? file.n_bytes : max_bytes));
  const std::string reason = left_out_by_content(file.path, bytes);
  if (!reason.empty() && (!file.included || reason == "binary")) return Error{ErrorCode::kUnsupported, reason};
  DecodedText decoded = decode_text(bytes);
  TreePart result;
  result.part.name = shown_path(file.path);
  result.part.content_hash = hash_of(bytes);
  result.part.language = language_of(file.path, std::string_view(decoded.text).substr(0, decoded.text.find('\n')));
  result.text = is_prose(result.part.language) ? prose_part(std::move(decoded.text), result.part.language == "Markdown") : code_part(std::move(decoded.text));
  if (decoded.encoding != "UTF-8") result.text.note = "read as " + decoded.encoding;
  return result;
}

/// What of a tree the project has already, and what becomes of it.
class KnownParts {
 public:
  explicit KnownParts(const std::vector<Part>& parts) {
    for (const Part& part : parts) {
      by_name_.emplace(part.name, part);
      by_content_.emplace(part.content_hash, part.id);
      left_.insert(part.id);
    }
  }

  /// The part this file is: the same name and bytes.
  bool keep(const Part& now, DocumentChange& change) {
    const auto [first, last] = by_name_.equal_range(now.name);
    for (auto each = first; each != last; ++each) {
      if (each->second.content_hash != now.content_hash || left_.erase(each->second.id) == 0) continue;
      if (each->second.ordinal != now.ordinal || (!now.last_change.empty() && each->second.last_change != now.last_change)) change.moved.push_back(with_id(now, each->second.id));
      return true;
    }
    return false;
  }

  /// The part this file was under another name that the tree does not have any more.
  bool move(const Part& now, const std::set<std::string>& names, DocumentChange& change) {
    if (by_name_.contains(now.name)) return false;
    for (const auto& [name, part] : by_name_) {
      if (part.content_hash != now.content_hash || names.contains(name) || left_.erase(part.id) == 0) continue;
      change.moved.push_back(with_id(now, part.id));
      return true;
    }
    return false;
  }
  bool has_content(const std::string& hash) const { return by_content_.contains(hash); }

  std::vector<PartId> gone() const { return {left_.begin(), left_.end()}; }

 private:
  static Part with_id(Part part, PartId id) {
    part.id = id;
    return part;
  }
  std::multimap<std::string, Part> by_name_;
  std::multimap<std::string, PartId> by_content_;
  std::set<PartId> left_;
};

constexpr std::string_view kChangesSince = " (changes since ";  // in the path of a document made of changes
constexpr std::size_t kFilesToKnowATree = 32;  // about so many are compared when a folder may have moved
constexpr std::size_t kFilesPerTransaction = 256;

/// Looks for functions and classes in the files where nobody has yet. A note for the user when that is
/// not possible here; being stopped is no error, the rest is found next time.
Result<std::string> find_definitions(const IngestJob& job, DocumentId id, ProgressTeller& teller) {
  TRY_ASSIGN(std::vector<Part> parts, job.project.parts_without_symbols(id));
  std::erase_if(parts, [](const Part& part) { return !has_symbols(part.language); });
  if (parts.empty()) return std::string();
  teller.progress.stage = "finding definitions";
  teller.progress.n_done = 0;
  teller.progress.n_total = static_cast<std::int64_t>(parts.size());
  Result<SymbolReader> reader = SymbolReader::start();
  if (!reader) return reader.error().message;
  std::vector<std::pair<PartId, std::vector<Symbol>>> found;
  for (const Part& part : parts) {
    if (job.stop.stop_requested()) break;
    TRY_ASSIGN(const PartText text, job.project.part_text(part.id));
    Result<std::vector<Symbol>> symbols = reader->read(part.name, text.text, job.stop);
    if (!symbols && symbols.error().code == ErrorCode::kCancelled) break;
    // A file that the parser fails on has none; the next one gets a fresh parser.
    if (!symbols) {
      reader = SymbolReader::start();
      if (!reader) return reader.error().message;
    }
    found.emplace_back(part.id, symbols ? std::move(*symbols) : std::vector<Symbol>());
    if (found.size() >= kFilesPerTransaction) {
      TRY(job.project.set_symbols(found));
      found.clear();
    }
    ++teller.progress.n_done;
    teller.progress.what = part.name;
    teller.tell();
  }
  if (!found.empty()) TRY(job.project.set_symbols(found));
  teller.tell(/*always=*/true);
  return std::string();
}

class TreeReader {
 public:
  /// `known`: the document this folder was read into before; null: a new one.
  TreeReader(const IngestJob& job, const SourceTree& tree, const Document* known, TreeListing listing, TreeHistory history)
      : job_(job), tree_(tree), known_(known), listing_(std::move(listing)), history_(std::move(history)), teller_(job.observer, job.path.filename().string()) {
    teller_.progress.n_total = static_cast<std::int64_t>(listing_.files.size());
  }

  Result<DocumentId> read() {
    std::vector<Part> old_parts;
    if (known_) {
      id_ = known_->id;
      TRY_ASSIGN(old_parts, job_.project.parts(id_));
    } else {
      Document document;
      document.kind = DocumentKind::kCodeTree;
      document.title = job_.path.filename().string();
      document.path = job_.path.string();
      document.n_expected_parts = teller_.progress.n_total;
      document.revision = history_.revision;
      TRY_ASSIGN(id_, job_.project.add_document(document));
    }
    KnownParts known_parts(old_parts);
    TRY(read_files(known_parts));
    return finish(known_parts);
  }

 private:
  Result<void> read_files(KnownParts& known) {
    std::set<std::string> names;
    for (const TreeFile& file : listing_.files) names.insert(shown_path(file.path));
    PartWriter writer(job_.project, id_);
    std::int32_t ordinal = 0;
    for (const TreeFile& file : listing_.files) {
      if (job_.stop.stop_requested()) {
        TRY(writer.flush());
        return Error{ErrorCode::kCancelled, "Stopped. The files read so far are kept."};
      }
      Result<TreePart> read = read_part(tree_, file, job_.options.max_file_bytes);
      teller_.progress.what = shown_path(file.path);
      ++teller_.progress.n_done;
      teller_.progress.n_bytes += file.n_bytes;
      teller_.tell();
      if (!read) {
        listing_.left_out.push_back({file.path, read.error().message});
        continue;
      }
      read->part.ordinal = ++ordinal;
      if (const auto change = history_.last_change.find(file.path); change != history_.last_change.end()) read->part.last_change = change->second;
      content_ += read->part.name + '\0' + read->part.content_hash;
      if (known.has_content(read->part.content_hash) && (known.keep(read->part, change_) || known.move(read->part, names, change_))) continue;
      TRY(writer.add(std::move(read->part), std::move(read->text)));
    }
    n_parts_ = ordinal;
    return writer.flush();
  }

  Result<DocumentId> finish(const KnownParts& known) {
    change_.gone = known.gone();
    change_.content_hash = hash_of(content_);
    change_.path = job_.path.string();
    change_.title = job_.path.filename().string();
    change_.n_expected_parts = n_parts_;
    change_.revision = history_.revision;
    for (const TreeOmission& omission : listing_.left_out) change_.left_out.push_back({id_, shown_path(omission.path), omission.reason});
    TRY(job_.project.change_document(id_, change_));
    // From here on the files can be used; their definitions follow.
    TRY(job_.project.finish_document(id_, ""));
    teller_.tell(/*always=*/true);
    TRY_ASSIGN(const std::string note, find_definitions(job_, id_, teller_));
    if (!note.empty()) TRY(job_.project.finish_document(id_, note));
    return id_;
  }

  const IngestJob& job_;
  const SourceTree& tree_;
  const Document* known_;
  TreeListing listing_;
  TreeHistory history_;
  ProgressTeller teller_;
  DocumentId id_ = 0;
  std::int32_t n_parts_ = 0;
  std::string content_;
  DocumentChange change_;
};

}  // namespace

namespace {

/// Whether most of some files that were read from a folder are in this one, with the same bytes.
Result<bool> holds_files_of(const SourceTree& tree, const IngestJob& job, const Document& document) {
  TRY_ASSIGN(const std::vector<Part> parts, job.project.parts(document.id));
  const std::size_t step = std::max<std::size_t>(1, parts.size() / kFilesToKnowATree);
  std::size_t n_looked_at = 0, n_same = 0;
  for (std::size_t i = 0; i < parts.size(); i += step) {
    ++n_looked_at;
    const Result<std::string> bytes = tree.read(parts[i].name, std::max(job.options.max_file_bytes, parts[i].n_bytes));
    n_same += bytes && hash_of(*bytes) == parts[i].content_hash;
  }
  return n_looked_at > 0 && 2 * n_same > n_looked_at;
}

/// The document of this folder: read from the same path, or from one that has gone since, when the
/// files are the same ones.
Result<const Document*> known_tree(const SourceTree& tree, const IngestJob& job, const std::vector<Document>& documents) {
  if (const Document* same = known_by_path(documents, DocumentKind::kCodeTree, job.path)) return same;
  for (const Document& each : documents) {
    std::error_code ignored;
    if (each.kind != DocumentKind::kCodeTree || !source_of(each).changes_since.empty() || std::filesystem::exists(each.path, ignored)) continue;
    TRY_ASSIGN(const bool moved, holds_files_of(tree, job, each));
    if (moved) return &each;
  }
  return static_cast<const Document*>(nullptr);
}

/// What is read of this folder although a rule leaves it out: asked for now, or an earlier time, also
/// when it lay elsewhere.
Result<std::set<std::string>> included_in(const IngestJob& job, const Document* known) {
  std::set<std::string> included(job.options.include.begin(), job.options.include.end());
  const std::string key = "tree.include " + job.path.string();
  TRY_ASSIGN(const std::optional<std::string> before, job.project.setting(known ? "tree.include " + known->path : key));
  std::istringstream lines(before.value_or(""));
  for (std::string line; std::getline(lines, line);) included.insert(line);
  const bool moved = known && known->path != job.path.string() && !included.empty();
  if (moved || !job.options.include.empty()) {
    std::string all;
    for (const std::string& path : included) all += path + '\n';
    TRY(job.project.set_setting(key, all));
  }
  return included;
}

}  // namespace

Result<DocumentId> ingest_tree(const IngestJob& job) {
  TRY_ASSIGN(const SourceTree tree, SourceTree::open(job.path));
  TRY_ASSIGN(const std::vector<Document> documents, job.project.documents());
  TRY_ASSIGN(const Document* known, known_tree(tree, job, documents));
  TRY_ASSIGN(const std::set<std::string> included, included_in(job, known));
  TRY_ASSIGN(TreeListing listing, tree.list(job.options.max_file_bytes, included, job.stop));
  if (listing.files.empty()) {
    return Error{ErrorCode::kInvalidInput, "The folder has no text files to read (" + std::to_string(listing.left_out.size()) + " entries were left out). Choose another folder."};
  }
  std::vector<std::string> paths;
  for (const TreeFile& file : listing.files) paths.push_back(file.path);
  TreeHistory history = read_history(job.path, paths, job.stop);
  return TreeReader(job, tree, known, std::move(listing), std::move(history)).read();
}

IngestSource source_of(const Document& document) {
  const std::size_t since = document.path.rfind(kChangesSince);
  if (document.kind != DocumentKind::kCodeTree || since == std::string::npos || !document.path.ends_with(')')) return {document.path, ""};
  const std::size_t revision = since + kChangesSince.size();
  return {document.path.substr(0, since), document.path.substr(revision, document.path.size() - 1 - revision)};
}

Result<DocumentId> ingest_changes(const IngestJob& job) {
  TRY_ASSIGN(TreeDiff diff, read_diff(job.path, job.options.changes_since));
  const std::string path = job.path.string() + std::string(kChangesSince) + job.options.changes_since + ")";
  TRY_ASSIGN(const std::vector<Document> documents, job.project.documents());
  ProgressTeller teller(job.observer, job.path.filename().string());
  teller.progress.n_total = static_cast<std::int64_t>(diff.files.size());
  DocumentChange change;
  std::string content;
  for (FileDiff& file : diff.files) {
    Part part;
    part.ordinal = static_cast<std::int32_t>(++teller.progress.n_done);
    part.name = shown_path(file.path) + " (changes)";
    part.language = "Diff";
    part.content_hash = hash_of(file.text);
    content += part.content_hash;
    teller.progress.n_bytes += static_cast<std::int64_t>(file.text.size());
    change.added.emplace_back(std::move(part), code_part(decode_text(file.text).text));
  }
  DocumentId id = 0;
  if (const Document* known = known_by_path(documents, DocumentKind::kCodeTree, path)) {
    id = known->id;
    TRY_ASSIGN(const std::vector<Part> old_parts, job.project.parts(id));
    for (const Part& part : old_parts) change.gone.push_back(part.id);
  } else {
    Document document;
    document.kind = DocumentKind::kCodeTree;
    document.title = job.path.filename().string() + ", " + diff.title;
    document.path = path;
    TRY_ASSIGN(id, job.project.add_document(document));
  }
  change.content_hash = hash_of(content);
  change.path = path;
  change.title = job.path.filename().string() + ", " + diff.title;
  change.n_expected_parts = teller.progress.n_done;
  for (const std::string& binary : diff.binary) change.left_out.push_back({id, shown_path(binary), "binary"});
  TRY(job.project.change_document(id, change));
  TRY(job.project.finish_document(id, ""));
  teller.tell(/*always=*/true);
  return id;
}

}  // namespace app
