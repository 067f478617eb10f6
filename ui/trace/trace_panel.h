#pragma once

#include <QFutureWatcher>
#include <QList>
#include <QWidget>
#include <memory>
#include <span>

#include "app/heatmap/key_heat.h"
#include "app/heatmap/run_trace.h"

class QCheckBox;
class QComboBox;
class QLabel;
class QSlider;
class QMenu;
class QTabWidget;
class QToolButton;

namespace ui {

class AnswerTokens;
class ConsultedList;
class ExperimentView;
class LayerGrid;
class LayerStrip;
class MeasuresView;
class SelectionMap;
class TracePlayer;
class UnreadList;

/// Inspect: all layers at a glance, the map, below it the tokens of the answer, what they consulted, what
/// nobody consulted and measures, and the scrubber. One selection model: what is chosen in one of them is marked in the others and announced.
class TracePanel : public QWidget {
  Q_OBJECT

 public:
  explicit TracePanel(QWidget* parent = nullptr);

  /// app::make_run_trace and app::load_run_trace make runs off the main thread. Null: empty state.
  void set_run(std::shared_ptr<const app::RunTrace> run);
  const std::shared_ptr<const app::RunTrace>& run() const { return run_; }

  /// While a run is live, before there is a trace: what the newest token selected, per layer.
  void show_live(qint64 n_prompt_tokens, qint64 token, std::span<const engine::BlockSet> layers);

  /// Writes the map as shown: PNG, SVG or CSV by the name's ending, off this thread; `exported` tells.
  void export_map(const QString& path);

  /// Shows another run over the same prompt minus this one; null: this one alone again.
  void set_compared(std::shared_ptr<const app::RunTrace> compared, const QString& name = {});
  /// Saved runs that may be compared, after `compare_menu_opened`.
  void set_comparable(const QList<QPair<qint64, QString>>& runs);

  SelectionMap& map() { return *map_; }
  ExperimentView& experiments() { return *experiments_; }
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
  void ask_again(const QList<qint64>& parts);
  /// The queries whose selections are shown: for heat on pages, code and sources.
  void scope_changed(const app::HeatScope& scope);
  void compare_menu_opened();
  void compare_requested(qint64 run);
  /// `error` is empty when the file was written.
  void exported(const QString& path, const QString& error);

 private:
  QWidget* make_controls();
  void apply_options();
  void choose(qint64 begin, qint64 end);
  void show_phase();
  void choose_file();
  void apply_scale();
  void make_export_menu(QToolButton* button);
  app::HeatScope plain_scope() const;
  void set_scope(const app::HeatScope& scope);

  std::shared_ptr<const app::RunTrace> run_;
  SelectionMap* map_;
  ConsultedList* consulted_;
  AnswerTokens* tokens_;
  LayerStrip* layers_;
  TracePlayer* player_;
  UnreadList* unread_;
  MeasuresView* measures_;
  LayerGrid* grid_;
  ExperimentView* experiments_;
  QTabWidget* tabs_ = nullptr;
  QMenu* compare_menu_ = nullptr;
  QToolButton* compare_ = nullptr;
  QFutureWatcher<QString> export_;
  QComboBox* rows_ = nullptr;
  QComboBox* mix_ = nullptr;
  QComboBox* phase_ = nullptr;
  QSlider* layer_ = nullptr;
  QLabel* layer_label_ = nullptr;
  QCheckBox* logarithmic_ = nullptr;
  QCheckBox* without_sink_ = nullptr;
  QCheckBox* without_newest_ = nullptr;
  QComboBox* scale_ = nullptr;
  QString export_kind_;
  QLabel* status_ = nullptr;
};

}  // namespace ui
