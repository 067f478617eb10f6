#pragma once

#include <QObject>
#include <QStringList>

#include <filesystem>
#include <memory>

#include "app/settings/sample.h"

namespace ui {

class Workspace;

/// Brings the sample into a project of the user's own, offers its questions, and chooses for each the
/// pages that the loaded model can read at once.
class SampleGuide final : public QObject {
  Q_OBJECT

 public:
  explicit SampleGuide(Workspace& workspace, QObject* parent = nullptr);

  /// Where the user's copy of the sample lies; empty when this program has no sample.
  static std::filesystem::path project_path();
  bool is_sample(const std::filesystem::path& project) const { return project == project_path(); }
  /// Reads the sample's description; `failed` says why it cannot.
  bool load();
  QStringList questions() const;
  /// Fills the project when it is empty. Call after it was opened.
  void fill();
  /// Chooses what this question is asked with, then calls `then`. Other questions keep the choice.
  void prepare(const QString& question, std::function<void()> then);

 signals:
  void failed(const QString& message);

 private:
  Workspace& workspace_;
  std::unique_ptr<app::Sample> sample_;
};

}  // namespace ui
