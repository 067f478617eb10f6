#include <algorithm>
#include <map>
#include <set>

#include "app/document/file_rules.h"
#include "app/document/source_tree.h"
#include "app/document/text_file.h"
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
  TRY_ASSIGN(const std::string bytes, tree.read(file.path, max_bytes));
  if (const std::string reason = left_out_by_content(file.path, bytes); !reason.empty()) return Error{ErrorCode::kUnsupported, reason};
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
      if (each->second.ordinal != now.ordinal) change.moved.push_back(with_id(now, each->second.id));
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

class TreeReader {
 public:
  TreeReader(const IngestJob& job, const SourceTree& tree, TreeListing listing)
      : job_(job), tree_(tree), listing_(std::move(listing)), teller_(job.observer, job.path.filename().string()) {
    teller_.progress.n_total = static_cast<std::int64_t>(listing_.files.size());
  }

  Result<DocumentId> read() {
    TRY_ASSIGN(const std::vector<Document> documents, job_.project.documents());
    const Document* known = known_by_path(documents, DocumentKind::kCodeTree, job_.path);
    std::vector<Part> old_parts;
    if (known) {
      id_ = known->id;
      TRY_ASSIGN(old_parts, job_.project.parts(id_));
    } else {
      Document document;
      document.kind = DocumentKind::kCodeTree;
      document.title = job_.path.filename().string();
      document.path = job_.path.string();
      document.n_expected_parts = teller_.progress.n_total;
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
    for (const TreeOmission& omission : listing_.left_out) change_.left_out.push_back({id_, shown_path(omission.path), omission.reason});
    TRY(job_.project.change_document(id_, change_));
    TRY(job_.project.finish_document(id_, ""));
    teller_.tell(/*always=*/true);
    return id_;
  }

  const IngestJob& job_;
  const SourceTree& tree_;
  TreeListing listing_;
  ProgressTeller teller_;
  DocumentId id_ = 0;
  std::int32_t n_parts_ = 0;
  std::string content_;
  DocumentChange change_;
};

}  // namespace

Result<DocumentId> ingest_tree(const IngestJob& job) {
  TRY_ASSIGN(const SourceTree tree, SourceTree::open(job.path));
  TRY_ASSIGN(TreeListing listing, tree.list(job.options.max_file_bytes, job.stop));
  if (listing.files.empty()) {
    return Error{ErrorCode::kInvalidInput, "The folder has no text files to read (" + std::to_string(listing.left_out.size()) + " entries were left out). Choose another folder."};
  }
  return TreeReader(job, tree, std::move(listing)).read();
}

}  // namespace app
