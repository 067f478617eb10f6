#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "app/project/database.h"
#include "app/project/project.h"
#include "app/project/write_lock.h"

namespace app {

/// The one implementation of Project. Its functions lie in project_documents.cpp (what was read),
/// project_runs.cpp (what was asked), project_search.cpp and sqlite_project.cpp (the file itself).
class SqliteProject final : public Project {
 public:
  SqliteProject(std::unique_ptr<Database> database, std::shared_ptr<WriteLock> lock, std::string read_only_reason);
  ~SqliteProject() override;

  std::filesystem::path path() const override { return database_->path(); }
  bool read_only() const override { return !lock_; }
  std::string read_only_reason() const override { return read_only_reason_; }

  Result<std::vector<Document>> documents() const override;
  Result<std::vector<Document>> removed_documents() const override;
  Result<std::vector<Part>> parts(DocumentId document) const override;
  Result<PartText> part_text(PartId part) const override;
  Result<std::vector<Symbol>> symbols(PartId part) const override;
  Result<std::vector<Part>> parts_without_symbols(DocumentId document) const override;
  Result<void> set_symbols(const std::vector<std::pair<PartId, std::vector<Symbol>>>& symbols) override;
  Result<std::vector<SymbolHit>> find_symbols(std::string_view name, int max_hits) const override;
  Result<std::vector<LeftOut>> left_out(DocumentId document) const override;
  Result<DocumentId> add_document(const Document& document) override;
  Result<PartId> add_part(DocumentId document, const Part& part, const PartText& text) override;
  Result<void> add_parts(DocumentId document, const std::vector<std::pair<Part, PartText>>& parts) override;
  Result<void> add_left_out(const std::vector<LeftOut>& files) override;
  Result<void> finish_document(DocumentId document, std::string_view note) override;
  Result<void> change_document(DocumentId document, const DocumentChange& change) override;
  Result<void> remove_document(DocumentId document) override;
  Result<void> restore_document(DocumentId document) override;
  Result<void> purge_removed() override;

  Result<std::vector<SearchHit>> search(std::string_view words, int max_hits) const override;

  Result<RunId> save_run(const Run& run, std::string_view trace) override;
  Result<std::vector<Run>> runs() const override;
  Result<Run> run(RunId id) const override;
  Result<std::string> run_trace(RunId id) const override;
  Result<std::optional<std::string>> setting(std::string_view key) const override;
  Result<void> set_setting(std::string_view key, std::string_view value) override;

  Result<void> back_up(const std::filesystem::path& copy) const override;
  Result<void> rotate_backups() override;
  Result<void> compact() override;
  Result<std::vector<std::string>> verify() const override;

 private:
  /// One transaction, alone in this process; an error when the project is read-only.
  Result<void> write(const std::function<Result<void>()>& body);
  Result<void> may_write() const;
  void back_up_when_due();
  Result<std::vector<Document>> documents_where(bool removed) const;
  Result<PartId> insert_part(DocumentId document, const Part& part, const PartText& text);
  Result<void> unindex_part(PartId part);
  Result<void> set_removed(DocumentId document, bool removed);

  std::unique_ptr<Database> database_;
  std::shared_ptr<WriteLock> lock_;
  std::string read_only_reason_;
};

}  // namespace app
