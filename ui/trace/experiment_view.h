#pragma once

#include <QWidget>
#include <memory>
#include <vector>

#include "app/question/experiment.h"

class QComboBox;
class QLabel;
class QListWidget;
class QPlainTextEdit;
class QPushButton;
class QSlider;
class QTableWidget;

namespace ui {

/// What if: pins and mutes passages, or changes how many keys a query selects, asks the run again and shows
/// what that caused: text, log-probability token by token, recall and speed.
class ExperimentView : public QWidget {
  Q_OBJECT

 public:
  explicit ExperimentView(QWidget* parent = nullptr);

  void set_run(std::shared_ptr<const app::RunTrace> run);
  /// Blocks of the prompt map. A block is either pinned or muted; the last word counts.
  void pin(const std::vector<std::size_t>& blocks) { add(blocks, Wish::kPin); }
  void mute(const std::vector<std::size_t>& blocks) { add(blocks, Wish::kMute); }
  /// What the controls ask for.
  engine::SelectionOptions selection() const;

  void set_running(bool running, const QString& progress = {});
  void show_experiment(std::shared_ptr<const app::Experiment> experiment);
  void show_failure(const QString& message);
  const std::shared_ptr<const app::Experiment>& experiment() const { return experiment_; }
  /// The table as CSV.
  QString to_csv() const;

 signals:
  void try_requested(const engine::SelectionOptions& selection);
  void stop_requested();
  /// The maps of both trials, subtracted; null: no difference any more.
  void difference_requested(std::shared_ptr<const app::RunTrace> first, std::shared_ptr<const app::RunTrace> second);

 private:
  enum class Wish { kPin, kMute };
  struct Passage {
    std::size_t block = 0;
    Wish wish = Wish::kPin;
  };

  void add(const std::vector<std::size_t>& blocks, Wish wish);
  void remove_chosen();
  void show_passages();
  void show_k();
  int chosen_k() const;
  void fill_table();

  std::shared_ptr<const app::RunTrace> run_;
  std::shared_ptr<const app::Experiment> experiment_;
  std::vector<Passage> passages_;
  bool running_ = false;
  QComboBox* mode_;
  QSlider* k_;
  QLabel* k_label_;
  QListWidget* list_;
  QPushButton* remove_;
  QPushButton* run_button_;
  QPushButton* difference_;
  QLabel* note_;
  QPlainTextEdit* text_;
  QTableWidget* table_;
};

}  // namespace ui
