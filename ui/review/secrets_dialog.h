#pragma once

#include <QDialog>

#include "ui/review/secret_watch.h"

class QPushButton;
class QTreeWidget;

namespace ui {

class SourceModel;

/// What may be secrets in the chosen sources: look at each, leave its file out, or say that it may stay.
class SecretsDialog final : public QDialog {
  Q_OBJECT

 public:
  SecretsDialog(ProjectSession& session, SourceModel& sources, SecretWatch& watch, bool mask, QWidget* parent = nullptr);

 signals:
  void place_activated(app::PartId part, std::uint32_t begin, std::uint32_t end);
  /// These parts are not to be chosen any more.
  void leave_out(const std::vector<app::PartId>& parts);
  /// Whether the model reads stars in the place of what looks like a secret.
  void masked(bool on);

 private:
  void fill();
  std::vector<app::PartId> selected() const;

  ProjectSession& session_;
  SourceModel& sources_;
  SecretWatch& watch_;
  QTreeWidget* list_;
  QPushButton* out_;
  QPushButton* allow_;
};

}  // namespace ui
