#pragma once

#include <QHash>
#include <QObject>
#include <QSet>

#include <map>
#include <vector>

#include "app/question/secrets.h"
#include "ui/background_task.h"
#include "ui/project/project_session.h"

namespace ui {

/// Looks through the texts of the project for what may be a secret, each part once, on a thread of its
/// own. Values are never kept, only where they lie and their first characters.
class SecretWatch final : public QObject {
  Q_OBJECT

 public:
  struct Found {
    app::PartId part = 0;
    std::vector<app::Secret> secrets;
  };

  explicit SecretWatch(ProjectSession& session, QObject* parent = nullptr);

  /// What was found in these parts and not allowed by the user.
  std::vector<Found> among(const std::vector<app::PartId>& parts) const;
  /// The user has looked at this part's findings: they are no reason to warn again. Kept in the project.
  void allow(app::PartId part);
  bool busy() const { return n_waiting_ > 0; }

 signals:
  void changed();

 private:
  void look();
  void restore();

  ProjectSession& session_;
  QSet<qint64> seen_;
  QSet<qint64> allowed_;
  std::map<app::PartId, std::vector<app::Secret>> found_;
  int n_waiting_ = 0;
  Tickets looks_;
  Ticket ticket_;
  BackgroundThread thread_;
};

}  // namespace ui
