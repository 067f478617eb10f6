#include "ui/review/secret_watch.h"

#include <QJsonArray>
#include <QJsonDocument>

#include <algorithm>

namespace ui {
namespace {

constexpr char kAllowedKey[] = "window.secrets_allowed";
constexpr std::size_t kPartsAtOnce = 200;

}  // namespace

SecretWatch::SecretWatch(ProjectSession& session, QObject* parent) : QObject(parent), session_(session) {
  connect(&session_, &ProjectSession::opened, this, &SecretWatch::restore);
  connect(&session_, &ProjectSession::documents_changed, this, &SecretWatch::look);
  connect(&session_, &ProjectSession::closed, this, [this] {
    looks_.drop_all();
    thread_.cancel();
    seen_.clear();
    allowed_.clear();
    found_.clear();
    n_waiting_ = 0;
    ticket_ = looks_.next();
    emit changed();
  });
}

void SecretWatch::restore() {
  ticket_ = looks_.next();
  session_.setting(kAllowedKey, this, [this](const QString& json) {
    for (const QJsonValue value : QJsonDocument::fromJson(json.toUtf8()).array()) allowed_.insert(value.toInteger());
    emit changed();
  });
}

void SecretWatch::look() {
  std::vector<app::PartId> fresh;
  for (const auto& [document, parts] : session_.parts()) {
    for (const app::Part& part : parts) {
      if (seen_.contains(part.id)) continue;
      seen_.insert(part.id);
      fresh.push_back(part.id);
    }
  }
  for (std::size_t begin = 0; begin < fresh.size(); begin += kPartsAtOnce) {
    std::vector<app::PartId> batch(fresh.begin() + static_cast<std::ptrdiff_t>(begin), fresh.begin() + static_cast<std::ptrdiff_t>(std::min(fresh.size(), begin + kPartsAtOnce)));
    ++n_waiting_;
    run_in_background(
        thread_, this, ticket_,
        [path = session_.path(), batch = std::move(batch)](std::stop_token stop) {
          std::vector<Found> found;
          const auto project = app::Project::open(path, app::OpenMode::kReadOnly);
          for (std::size_t i = 0; project && i < batch.size() && !stop.stop_requested(); ++i) {
            const auto text = (*project)->part_text(batch[i]);
            if (!text) continue;
            if (auto secrets = app::find_secrets(text->text); !secrets.empty()) found.push_back({batch[i], std::move(secrets)});
          }
          return found;
        },
        [this](std::vector<Found> found) {
          --n_waiting_;
          for (Found& one : found) found_[one.part] = std::move(one.secrets);
          if (!found.empty() || n_waiting_ == 0) emit changed();
        });
  }
}

std::vector<SecretWatch::Found> SecretWatch::among(const std::vector<app::PartId>& parts) const {
  std::vector<Found> result;
  if (found_.empty()) return result;
  for (const app::PartId part : parts) {
    const auto known = found_.find(part);
    if (known != found_.end() && !allowed_.contains(part)) result.push_back({part, known->second});
  }
  return result;
}

void SecretWatch::allow(app::PartId part) {
  allowed_.insert(part);
  QJsonArray all;
  for (const qint64 id : std::as_const(allowed_)) all.append(id);
  session_.set_setting(kAllowedKey, QJsonDocument(all).toJson(QJsonDocument::Compact).toStdString());
  emit changed();
}

}  // namespace ui
