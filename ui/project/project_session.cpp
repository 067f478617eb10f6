#include "ui/project/project_session.h"

#include <QElapsedTimer>

#include <algorithm>

#include "app/question/unfinished_run.h"
#include "engine/base/log.h"
#include "ui/project/ingest_text.h"
#include "ui/project/jobs.h"

namespace ui {
namespace {

constexpr std::size_t kRecentTexts = 64;
constexpr int kRefreshEveryMs = 400;  // while a document is being read in

}  // namespace

ProjectSession::ProjectSession(Jobs& jobs, QObject* parent) : QObject(parent), jobs_(jobs) {}

ProjectSession::~ProjectSession() {
  opened_.drop_all();
  // What reads is stale by now and skipped; what the reader wrote last still goes into the file.
  thread_.drain();
}

void ProjectSession::open(const std::filesystem::path& path) {
  close();
  path_ = path;
  holder_ = std::make_shared<Holder>();
  ticket_ = opened_.next();
  struct Opened {
    Snapshot snapshot;
    std::string read_only_reason;
  };
  run_in_background(
      thread_, this, ticket_,
      [holder = holder_, path](std::stop_token) -> app::Result<Opened> {
        TRY_ASSIGN(holder->project, app::Project::open(path));
        // A full disk keeps what a crash left for the next start; the project opens all the same.
        const auto recovered = app::recover_unfinished_run(*holder->project);
        if (!recovered) engine::log(engine::LogLevel::kWarning, recovered.error().message);
        TRY_ASSIGN(Snapshot snapshot, read_snapshot(*holder->project));
        return Opened{std::move(snapshot), holder->project->read_only_reason()};
      },
      [this](app::Result<Opened> result) {
        if (!result) {
          emit failed(QString::fromStdString(result.error().message));
          return;
        }
        open_ = true;
        read_only_reason_ = QString::fromStdString(result->read_only_reason);
        take(std::move(result->snapshot));
        emit opened();
        emit documents_changed();
        emit runs_changed();
      });
}

void ProjectSession::close() {
  if (holder_ == nullptr) return;
  ticket_ = opened_.next();
  ingest_thread_.cancel();
  thread_.post([holder = holder_](std::stop_token) { holder->project.reset(); });
  holder_.reset();
  const bool was_open = open_;
  open_ = false;
  documents_.clear();
  parts_.clear();
  n_left_out_.clear();
  for (const auto& [job, path] : std::exchange(reading_, {})) {
    jobs_.set_again(job, nullptr);
    jobs_.cancel(job);
  }
  read_only_reason_.clear();
  part_places_.clear();
  recent_texts_.clear();
  refreshing_ = refresh_again_ = false;
  if (was_open) emit closed();
}

app::Result<ProjectSession::Snapshot> ProjectSession::read_snapshot(const app::Project& project) {
  Snapshot snapshot;
  TRY_ASSIGN(snapshot.documents, project.documents());
  for (const app::Document& document : snapshot.documents) {
    TRY_ASSIGN(snapshot.parts[document.id], project.parts(document.id));
    if (document.kind != app::DocumentKind::kCodeTree) continue;
    TRY_ASSIGN(const std::vector<app::LeftOut> left_out, project.left_out(document.id));
    snapshot.n_left_out.insert(document.id, static_cast<std::int64_t>(left_out.size()));
  }
  return snapshot;
}

void ProjectSession::take(Snapshot snapshot) {
  documents_ = std::move(snapshot.documents);
  parts_ = std::move(snapshot.parts);
  n_left_out_ = std::move(snapshot.n_left_out);
  part_places_.clear();
  for (const auto& [document, parts] : parts_) {
    for (std::size_t i = 0; i < parts.size(); ++i) part_places_.insert(parts[i].id, {document, i});
  }
}

void ProjectSession::refresh() {
  if (!open_) return;
  if (refreshing_) {
    refresh_again_ = true;
    return;
  }
  refreshing_ = true;
  with_project(
      this, [](app::Project& project) { return read_snapshot(project); },
      [this](app::Result<Snapshot> result) {
        refreshing_ = false;
        if (!result) {
          emit failed(QString::fromStdString(result.error().message));
          return;
        }
        take(std::move(*result));
        emit documents_changed();
        if (refresh_again_) {
          refresh_again_ = false;
          refresh();
        }
      });
}

const app::Document* ProjectSession::document(app::DocumentId id) const {
  const auto found = std::find_if(documents_.begin(), documents_.end(), [id](const app::Document& d) { return d.id == id; });
  return found == documents_.end() ? nullptr : &*found;
}

const app::Part* ProjectSession::part(app::PartId id) const {
  const auto place = part_places_.constFind(id);
  if (place == part_places_.constEnd()) return nullptr;
  const auto found = parts_.find(place->first);
  return found == parts_.end() || place->second >= found->second.size() ? nullptr : &found->second[place->second];
}

QString ProjectSession::part_title(app::PartId id) const {
  const app::Part* found = part(id);
  if (found == nullptr) return tr("a source that is no longer in the project");
  const app::Document* owner = document(found->document);
  if (owner != nullptr && owner->kind == app::DocumentKind::kPdf) {
    const QString label = found->name.empty() ? QString::number(found->ordinal) : QString::fromStdString(found->name);
    return tr("%1, p. %2").arg(QString::fromStdString(owner->title), label);
  }
  return QString::fromStdString(found->name);
}

void ProjectSession::ingest(const std::vector<std::filesystem::path>& paths) {
  for (const auto& path : paths) read(path, {});
}

void ProjectSession::read_again(const app::Document& document, app::IngestOptions options) {
  app::IngestSource source = app::source_of(document);
  options.changes_since = std::move(source.changes_since);
  read(source.path, std::move(options));
}

namespace {

std::int64_t n_pictures(const std::vector<app::Part>& parts) { return std::count_if(parts.begin(), parts.end(), app::is_picture_page); }

}  // namespace

std::int64_t ProjectSession::n_picture_pages() const {
  std::int64_t n = 0;
  for (const auto& [document, parts] : parts_) n += n_pictures(parts);
  return n;
}

void ProjectSession::recognise(const app::IngestOptions& options) {
  for (const app::Document& document : documents_) {
    const auto parts = parts_.find(document.id);
    if (parts != parts_.end() && n_pictures(parts->second) > 0 && !is_reading(document)) read_again(document, options);
  }
}

bool ProjectSession::is_reading(const app::Document& document) const {
  const std::filesystem::path path = app::source_of(document).path;
  return std::any_of(reading_.begin(), reading_.end(), [&](const auto& each) { return each.second == path; });
}

void ProjectSession::read(const std::filesystem::path& path, app::IngestOptions options) {
  if (!open_) return;
  const QString name = QString::fromStdString(path.filename().string());
  auto stop = std::make_shared<std::stop_source>();
  const int job = jobs_.begin(tr("Reading %1").arg(name), [stop] { stop->request_stop(); });
  jobs_.progress(job, tr("waiting for what is read before it"), 0, 0);
  const QPointer<QObject> self(this);
  const Ticket ticket = ticket_;
  jobs_.set_again(job, [this, self, ticket, path, options] {
    if (self != nullptr && ticket.is_current()) read(path, options);
  });
  reading_.emplace(job, path);
  options.worker = worker_;
  run_in_background(
      ingest_thread_, this, ticket,
      [this, self, ticket, job, stop, path, options, project_path = path_](std::stop_token thread_stop) -> app::Result<app::DocumentId> {
        const std::stop_callback forward(thread_stop, [stop] { stop->request_stop(); });
        if (stop->stop_requested()) return app::Error{app::ErrorCode::kCancelled, "Cancelled before it began."};
        TRY_ASSIGN(const std::unique_ptr<app::Project> project, app::Project::open(project_path));
        QElapsedTimer since_refresh;
        since_refresh.start();
        return app::ingest(
            *project, path, options,
            [&](const app::IngestProgress& progress) {
              const bool refresh_now = since_refresh.elapsed() > kRefreshEveryMs;
              if (refresh_now) since_refresh.restart();
              deliver_to_window(self, ticket, [this, job, progress, refresh_now] {
                jobs_.progress(job, QString::fromStdString(progress.what), progress.n_done, progress.n_total, ingest_text(progress));
                if (refresh_now) refresh();
              });
            },
            stop->get_token());
      },
      [this, job](app::Result<app::DocumentId> result) {
        reading_.erase(job);
        jobs_.finish(job, result ? QString() : QString::fromStdString(result.error().message));
        if (!result && result.error().code != app::ErrorCode::kCancelled) emit failed(QString::fromStdString(result.error().message));
        refresh();
      });
}

void ProjectSession::remove_document(app::DocumentId id) {
  with_project(
      this, [id](app::Project& project) { return project.remove_document(id); },
      [this](app::Result<void> result) {
        if (!result) emit failed(QString::fromStdString(result.error().message));
        refresh();
      });
}

void ProjectSession::restore_document(app::DocumentId id) {
  with_project(
      this, [id](app::Project& project) { return project.restore_document(id); },
      [this](app::Result<void> result) {
        if (!result) emit failed(QString::fromStdString(result.error().message));
        refresh();
      });
}

void ProjectSession::part_text(app::PartId part, QObject* receiver, std::function<void(std::shared_ptr<const app::PartText>)> deliver) {
  const auto known = std::find_if(recent_texts_.begin(), recent_texts_.end(), [part](const auto& entry) { return entry.first == part; });
  if (known != recent_texts_.end()) {
    deliver(known->second);
    return;
  }
  with_project(
      receiver, [part](app::Project& project) { return project.part_text(part); },
      [this, part, deliver = std::move(deliver)](app::Result<app::PartText> result) {
        if (!result) {
          emit failed(QString::fromStdString(result.error().message));
          return;
        }
        auto text = std::make_shared<const app::PartText>(std::move(*result));
        if (recent_texts_.size() >= kRecentTexts) recent_texts_.erase(recent_texts_.begin());
        recent_texts_.emplace_back(part, text);
        deliver(text);
      },
      Turn::kFirst);
}

void ProjectSession::set_setting(const std::string& key, const std::string& value) {
  if (!open_ || !read_only_reason_.isEmpty()) return;
  // Never stale: it is written even when the project is closed right after.
  run_in_background(
      thread_, this, Ticket(),
      [holder = holder_, key, value](std::stop_token) -> app::Result<void> {
        if (holder->project == nullptr) return {};
        return holder->project->set_setting(key, value);
      },
      [this](app::Result<void> result) {
        if (!result) emit failed(QString::fromStdString(result.error().message));
      });
}

void ProjectSession::setting(const std::string& key, QObject* receiver, std::function<void(const QString&)> deliver) {
  with_project(
      receiver, [key](app::Project& project) { return project.setting(key); },
      [deliver = std::move(deliver)](app::Result<std::optional<std::string>> result) {
        deliver(result && result->has_value() ? QString::fromStdString(**result) : QString());
      });
}

}  // namespace ui
