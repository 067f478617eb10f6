#include "app/document/part_codec.h"
#include "app/project/sqlite_project.h"

namespace app {
namespace {

Error no_such_document(DocumentId id) {
  return {ErrorCode::kNotFound, "The project has no document number " + std::to_string(id) + " (any more)."};
}

#define PART_COLUMNS "id, ordinal, name, language, n_bytes, confidence, note, content_hash, last_change"

Result<std::vector<Part>> parts_of(Statement& rows, DocumentId document) {
  std::vector<Part> parts;
  for (;;) {
    TRY_ASSIGN(const bool row, rows.step());
    if (!row) return parts;
    Part part;
    part.id = rows.integer(0);
    part.document = document;
    part.ordinal = static_cast<std::int32_t>(rows.integer(1));
    part.name = rows.text(2);
    part.language = rows.text(3);
    part.n_bytes = rows.integer(4);
    part.confidence = rows.real(5);
    part.note = rows.text(6);
    part.content_hash = rows.text(7);
    part.last_change = rows.text(8);
    parts.push_back(std::move(part));
  }
}

}  // namespace

Result<std::vector<Document>> SqliteProject::documents() const { return documents_where(false); }
Result<std::vector<Document>> SqliteProject::removed_documents() const { return documents_where(true); }

Result<std::vector<Document>> SqliteProject::documents_where(bool removed) const {
  TRY_ASSIGN(auto rows, database_->prepare(
      "SELECT id, kind, title, path, content_hash, n_expected_parts, finished, note, "
      "(SELECT count(*) FROM parts WHERE document=documents.id AND gone=0), revision FROM documents WHERE removed=?1 ORDER BY id"));
  rows.with(removed);
  std::vector<Document> documents;
  for (;;) {
    TRY_ASSIGN(const bool row, rows.step());
    if (!row) return documents;
    const std::int64_t kind = rows.integer(1);
    if (kind < 0 || kind > static_cast<std::int64_t>(DocumentKind::kTextFile)) {
      return Error{ErrorCode::kCorrupt, path().string() + " is damaged: a document of no known kind. Open a backup copy."};
    }
    Document document;
    document.id = rows.integer(0);
    document.kind = static_cast<DocumentKind>(kind);
    document.title = rows.text(2);
    document.path = rows.text(3);
    document.content_hash = rows.text(4);
    document.n_expected_parts = rows.integer(5);
    document.finished = rows.integer(6) != 0;
    document.note = rows.text(7);
    document.n_parts = rows.integer(8);
    document.revision = rows.text(9);
    documents.push_back(std::move(document));
  }
}

Result<std::vector<Part>> SqliteProject::parts(DocumentId document) const {
  TRY_ASSIGN(auto rows, database_->prepare("SELECT " PART_COLUMNS " FROM parts WHERE document=?1 AND gone=0 ORDER BY ordinal, id"));
  rows.with(document);
  return parts_of(rows, document);
}

Result<std::vector<Part>> SqliteProject::parts_without_symbols(DocumentId document) const {
  TRY_ASSIGN(auto rows, database_->prepare("SELECT " PART_COLUMNS " FROM parts WHERE document=?1 AND gone=0 AND has_symbols=0 ORDER BY ordinal, id"));
  rows.with(document);
  return parts_of(rows, document);
}

Result<PartText> SqliteProject::part_text(PartId part) const {
  TRY_ASSIGN(auto rows, database_->prepare(
      "SELECT text, margins, width_pt, height_pt, spans, words, checksum, confidence, note, hidden "
      "FROM part_texts JOIN parts ON parts.id=part_texts.part WHERE part=?1"));
  rows.with(part);
  TRY_ASSIGN(const bool row, rows.step());
  if (!row) return Error{ErrorCode::kNotFound, "The project has no page or file number " + std::to_string(part) + " (any more)."};
  PartText text;
  text.text = rows.text(0);
  text.margins = rows.text(1);
  text.width_pt = rows.real(2);
  text.height_pt = rows.real(3);
  text.confidence = rows.real(7);
  text.note = rows.text(8);
  text.hidden = rows.text(9);
  if (checksum_of({text.text, text.margins, rows.bytes(4), rows.bytes(5)}) != rows.bytes(6)) {
    return Error{ErrorCode::kCorrupt, "The stored text is damaged (its checksum differs). Read the document in again or open a backup copy."};
  }
  TRY_ASSIGN(text.spans, decode_spans(rows.bytes(4), text.text.size()));
  TRY_ASSIGN(text.words, decode_words(rows.bytes(5), text.text.size()));
  return text;
}

Result<std::vector<LeftOut>> SqliteProject::left_out(DocumentId document) const {
  TRY_ASSIGN(auto rows, database_->prepare("SELECT path, reason FROM left_out WHERE document=?1 ORDER BY rowid"));
  rows.with(document);
  std::vector<LeftOut> files;
  for (;;) {
    TRY_ASSIGN(const bool row, rows.step());
    if (!row) return files;
    files.push_back({document, rows.text(0), rows.text(1)});
  }
}

Result<DocumentId> SqliteProject::add_document(const Document& document) {
  DocumentId id = 0;
  TRY(write([&]() -> Result<void> {
    TRY_ASSIGN(auto insert, database_->prepare(
        "INSERT INTO documents(kind, title, path, content_hash, n_expected_parts, note, revision) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
    TRY(insert.with(static_cast<std::int64_t>(document.kind), document.title, document.path, document.content_hash,
                    document.n_expected_parts, document.note, document.revision).run());
    id = database_->last_id();
    return {};
  }));
  return id;
}

Result<PartId> SqliteProject::insert_part(DocumentId document, const Part& part, const PartText& text) {
  TRY_ASSIGN(auto insert, database_->prepare(
      "INSERT INTO parts(document, ordinal, name, language, n_bytes, confidence, note, content_hash, last_change) "
      "SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM documents WHERE id=?1"));
  const auto n_bytes = static_cast<std::int64_t>(text.text.size());
  TRY(insert.with(document, part.ordinal, part.name, part.language, n_bytes, text.confidence, text.note, part.content_hash, part.last_change).run());
  if (database_->n_changed() != 1) return no_such_document(document);
  const PartId id = database_->last_id();

  const std::string spans = encode_spans(text.spans), words = encode_words(text.words);
  const std::string checksum = checksum_of({text.text, text.margins, spans, words});
  TRY_ASSIGN(auto insert_text, database_->prepare(
      "INSERT INTO part_texts(part, text, margins, width_pt, height_pt, spans, words, checksum, hidden) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"));
  TRY(insert_text.with(id, text.text, text.margins, text.width_pt, text.height_pt).blob(spans).blob(words).blob(checksum).with(text.hidden).run());
  TRY_ASSIGN(auto index, database_->prepare("INSERT INTO search(rowid, text) VALUES(?1, ?2)"));
  TRY(index.with(id, text.text).run());
  return id;
}

Result<PartId> SqliteProject::add_part(DocumentId document, const Part& part, const PartText& text) {
  PartId id = 0;
  TRY(write([&]() -> Result<void> {
    TRY_ASSIGN(id, insert_part(document, part, text));
    return {};
  }));
  return id;
}

Result<void> SqliteProject::add_parts(DocumentId document, const std::vector<std::pair<Part, PartText>>& parts) {
  return write([&]() -> Result<void> {
    for (const auto& [part, text] : parts) TRY(insert_part(document, part, text));
    return {};
  });
}

Result<void> SqliteProject::add_left_out(const std::vector<LeftOut>& files) {
  return write([&]() -> Result<void> {
    for (const LeftOut& file : files) {
      TRY_ASSIGN(auto insert, database_->prepare("INSERT INTO left_out(document, path, reason) VALUES(?1, ?2, ?3)"));
      TRY(insert.with(file.document, file.path, file.reason).run());
    }
    return {};
  });
}

Result<void> SqliteProject::finish_document(DocumentId document, std::string_view note) {
  TRY(write([&]() -> Result<void> {
    TRY_ASSIGN(auto update, database_->prepare("UPDATE documents SET finished=1, note=?2 WHERE id=?1"));
    TRY(update.with(document, note).run());
    if (database_->n_changed() != 1) return no_such_document(document);
    return {};
  }));
  back_up_when_due();
  return {};
}

Result<void> SqliteProject::change_document(DocumentId document, const DocumentChange& change) {
  return write([&]() -> Result<void> {
    for (const PartId gone : change.gone) {
      TRY(unindex_part(gone));
      TRY_ASSIGN(auto hide, database_->prepare("UPDATE parts SET gone=1 WHERE id=?1 AND document=?2"));
      TRY(hide.with(gone, document).run());
    }
    for (const Part& part : change.moved) {
      TRY_ASSIGN(auto move, database_->prepare("UPDATE parts SET name=?3, ordinal=?4, last_change=?5 WHERE id=?1 AND document=?2"));
      TRY(move.with(part.id, document, part.name, part.ordinal, part.last_change).run());
    }
    for (const auto& [part, text] : change.added) TRY(insert_part(document, part, text));
    TRY_ASSIGN(auto forget, database_->prepare("DELETE FROM left_out WHERE document=?1"));
    TRY(forget.with(document).run());
    for (const LeftOut& file : change.left_out) {
      TRY_ASSIGN(auto insert, database_->prepare("INSERT INTO left_out(document, path, reason) VALUES(?1, ?2, ?3)"));
      TRY(insert.with(document, file.path, file.reason).run());
    }
    TRY_ASSIGN(auto update, database_->prepare("UPDATE documents SET content_hash=?2, path=?3, title=?4, n_expected_parts=?5, revision=CASE ?6 WHEN '' THEN revision ELSE ?6 END WHERE id=?1"));
    TRY(update.with(document, change.content_hash, change.path, change.title, change.n_expected_parts, change.revision).run());
    if (database_->n_changed() != 1) return no_such_document(document);
    return {};
  });
}

Result<void> SqliteProject::unindex_part(PartId part) {
  // The index keeps no text of its own: to take words out it must be shown them once more.
  TRY_ASSIGN(auto unindex, database_->prepare(
      "INSERT INTO search(search, rowid, text) SELECT 'delete', part, text FROM part_texts "
      "JOIN parts ON parts.id=part WHERE part=?1 AND gone=0"));
  return unindex.with(part).run();
}

Result<void> SqliteProject::set_removed(DocumentId document, bool removed) {
  return write([&]() -> Result<void> {
    TRY_ASSIGN(auto update, database_->prepare("UPDATE documents SET removed=?2 WHERE id=?1"));
    TRY(update.with(document, removed).run());
    if (database_->n_changed() != 1) return no_such_document(document);
    return {};
  });
}

Result<void> SqliteProject::remove_document(DocumentId document) { return set_removed(document, true); }
Result<void> SqliteProject::restore_document(DocumentId document) { return set_removed(document, false); }

Result<void> SqliteProject::purge_removed() {
  return write([&]() -> Result<void> {
    std::vector<PartId> parts;
    {
      TRY_ASSIGN(auto rows, database_->prepare(
          "SELECT parts.id FROM parts JOIN documents ON documents.id=document WHERE removed=1"));
      for (;;) {
        TRY_ASSIGN(const bool row, rows.step());
        if (!row) break;
        parts.push_back(rows.integer(0));
      }
    }
    for (const PartId part : parts) TRY(unindex_part(part));
    TRY(database_->execute("DELETE FROM documents WHERE removed=1"));
    return database_->execute("DELETE FROM parts WHERE gone=1");
  });
}

}  // namespace app
