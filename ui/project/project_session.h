#pragma once

#include <QHash>
#include <QObject>
#include <QString>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "app/ingest/ingest.h"
#include "app/project/project.h"
#include "ui/background_task.h"

namespace ui {

class Jobs;

/// The open project as the window sees it: the last known documents and runs, and a door to a thread
/// of its own that holds the database connection. The window's thread never waits for SQL.
class ProjectSession final : public QObject {
  Q_OBJECT

 public:
  using Parts = std::map<app::DocumentId, std::vector<app::Part>>;

  ProjectSession(Jobs& jobs, QObject* parent = nullptr);
  ~ProjectSession() override;

  /// Opens or makes the file; `opened` or `failed` follows.
  void open(const std::filesystem::path& path);
  void close();
  bool is_open() const { return open_; }
  const std::filesystem::path& path() const { return path_; }
  /// Why nothing can be changed here; empty when it can.
  const QString& read_only_reason() const { return read_only_reason_; }
  /// longleaf-cli, which reads PDFs in a process of its own; empty: beside this program.
  void set_worker(std::filesystem::path worker) { worker_ = std::move(worker); }
  const std::filesystem::path& worker() const { return worker_; }

  const std::vector<app::Document>& documents() const { return documents_; }
  const Parts& parts() const { return parts_; }
  const app::Document* document(app::DocumentId id) const;
  const app::Part* part(app::PartId id) const;
  /// "report.pdf, p. 14" or "src/wal.cc".
  QString part_title(app::PartId id) const;

  /// Reads files and folders into the project, one after the other, as jobs with Cancel.
  void ingest(const std::vector<std::filesystem::path>& paths);
  /// The same for one path with other than the usual options. Its job can be gone on with after Cancel.
  void read(const std::filesystem::path& path, app::IngestOptions options);
  /// Reads a document in again: only what is missing or has changed is read.
  void read_again(const app::Document& document, app::IngestOptions options = {});
  /// Whether this document's file or folder is being read, or waits for it.
  bool is_reading(const app::Document& document) const;
  /// Pages of all documents that only text recognition could read.
  std::int64_t n_picture_pages() const;
  /// Gives them to it; one job per document.
  void recognise(const app::IngestOptions& options);
  /// Files of a tree that the project has not.
  std::int64_t n_left_out(app::DocumentId id) const { return n_left_out_.value(id); }
  void remove_document(app::DocumentId id);
  void restore_document(app::DocumentId id);
  void refresh();
  /// Whether documents_changed will follow.
  bool refreshing() const { return refreshing_; }

  /// Runs `work(project)` on the project's thread and delivers its Result<T> here. Dropped when the
  /// project is closed before.
  template <typename Work, typename Deliver>
  void with_project(QObject* receiver, Work work, Deliver deliver, Turn turn = Turn::kInOrder) {
    run_in_background(
        thread_, receiver, ticket_, [holder = holder_, work = std::move(work)](std::stop_token) mutable -> std::invoke_result_t<Work&, app::Project&> {
          if (holder->project == nullptr) return app::Error{app::ErrorCode::kNotFound, "No project is open; open or make one first."};
          return work(*holder->project);
        },
        std::move(deliver), turn);
  }

  /// The text of a part: from memory when it was read a moment ago. `deliver(const PartText&)` here.
  void part_text(app::PartId part, QObject* receiver, std::function<void(std::shared_ptr<const app::PartText>)> deliver);

  void set_setting(const std::string& key, const std::string& value);
  void setting(const std::string& key, QObject* receiver, std::function<void(const QString&)> deliver);

 signals:
  void opened();
  void closed();
  void failed(const QString& message);
  void documents_changed();
  void runs_changed();

 private:
  struct Holder {
    std::unique_ptr<app::Project> project;  // touched on the project's thread only
  };
  struct Snapshot {
    std::vector<app::Document> documents;
    Parts parts;
    QHash<qint64, std::int64_t> n_left_out;
  };

  void take(Snapshot snapshot);
  static app::Result<Snapshot> read_snapshot(const app::Project& project);

  Jobs& jobs_;
  std::filesystem::path path_;
  std::filesystem::path worker_;
  QString read_only_reason_;
  bool open_ = false;
  std::vector<app::Document> documents_;
  Parts parts_;
  QHash<qint64, std::int64_t> n_left_out_;
  std::map<int, std::filesystem::path> reading_;  // by job
  QHash<qint64, std::pair<app::DocumentId, std::size_t>> part_places_;
  std::vector<std::pair<app::PartId, std::shared_ptr<const app::PartText>>> recent_texts_;
  std::shared_ptr<Holder> holder_;
  Tickets opened_;
  Ticket ticket_;
  bool refreshing_ = false;
  bool refresh_again_ = false;
  BackgroundThread ingest_thread_;
  BackgroundThread thread_;
};

}  // namespace ui
