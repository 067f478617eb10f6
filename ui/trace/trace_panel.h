#pragma once

#include <QWidget>
#include <memory>

#include "app/heatmap/key_heat.h"
#include "app/heatmap/run_trace.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QSlider;
class QToolButton;

namespace ui {

class AnswerTokens;
class ConsultedList;
class SelectionMap;

/// Inspect: the map with its layer slider on top, the tokens of the answer and what they consulted
/// below. One selection model: what is chosen in one of them is marked in the others and announced.
class TracePanel : public QWidget {
  Q_OBJECT

 public:
  explicit TracePanel(QWidget* parent = nullptr);

  /// app::make_run_trace and app::load_run_trace make runs off the main thread. Null: empty state.
  void set_run(std::shared_ptr<const app::RunTrace> run);
  const std::shared_ptr<const app::RunTrace>& run() const { return run_; }

  SelectionMap& map() { return *map_; }
  ConsultedList& consulted() { return *consulted_; }

 public slots:
  /// From outside (words chosen in the answer, the scrubber): chooses generated tokens [begin, end).
  void select_tokens(qint64 begin, qint64 end);
  /// Marks a place of the sources in the map.
  void select_source(qint64 part, quint32 begin, quint32 end);
  void set_layer(int layer);

 signals:
  void token_selected(qint64 token);
  void tokens_selected(qint64 begin, qint64 end);
  void source_activated(qint64 part, quint32 begin, quint32 end);

 private:
  QWidget* make_controls();
  void apply_options();
  void choose(qint64 begin, qint64 end);
  void show_phase();

  std::shared_ptr<const app::RunTrace> run_;
  SelectionMap* map_;
  ConsultedList* consulted_;
  AnswerTokens* tokens_;
  QComboBox* rows_ = nullptr;
  QComboBox* mix_ = nullptr;
  QComboBox* phase_ = nullptr;
  QSlider* layer_ = nullptr;
  QLabel* layer_label_ = nullptr;
  QCheckBox* logarithmic_ = nullptr;
  QCheckBox* without_usual_ = nullptr;
  QLabel* status_ = nullptr;
};

}  // namespace ui
