#pragma once

#include <QDialog>

#include <optional>
#include <vector>

#include "app/settings/model_plan.h"
#include "app/settings/model_scan.h"
#include "ui/background_task.h"
#include "ui/settings/settings.h"

class QLabel;
class QPushButton;
class QSlider;
class QTreeWidget;
class QTreeWidgetItem;

namespace ui {

class MemoryBar;

/// The models on this machine: what they are, why one cannot be used, and what one would take of the
/// free memory at a chosen context, all before anything is loaded. Folders are only read.
class ModelsDialog final : public QDialog {
  Q_OBJECT

 public:
  explicit ModelsDialog(Settings& settings, QWidget* parent = nullptr);

  /// Looks again in the known places and the chosen folders; in `roots` alone where they are given.
  void scan(std::vector<app::ModelRoot> roots = {});
  const std::vector<app::FoundModel>& models() const { return models_; }
  /// Empty while nothing that can be used is chosen.
  std::filesystem::path chosen() const;
  /// The context that was chosen on the slider; 0: the model's own.
  std::int64_t context() const;
  QTreeWidget* list() const { return list_; }
  /// What the panel at the right says of the chosen model.
  QString details() const;
  bool scanning() const { return scanning_; }

 signals:
  void scanned();

 private:
  struct Sized {
    app::FoundModel model;
    std::optional<app::ModelPlan> plan;
  };

  QWidget* make_details();
  void add_folder();
  void add_rows();
  void show_model();
  void show_context();

  Settings& settings_;
  std::vector<app::FoundModel> models_;
  std::vector<std::optional<app::ModelPlan>> plans_;  // one per model
  std::int64_t free_bytes_ = 0;
  bool scanning_ = false;
  QTreeWidget* list_;
  QLabel* state_;
  QLabel* name_;
  QLabel* facts_;
  QLabel* reason_;
  QLabel* context_title_;
  QSlider* context_slider_;
  MemoryBar* memory_;
  QLabel* longest_;
  QPushButton* load_;
  Tickets scans_;
  BackgroundThread thread_;
};

}  // namespace ui
