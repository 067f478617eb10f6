#pragma once

#include <QFutureWatcher>
#include <QList>
#include <QWidget>
#include <memory>
#include <span>

#include "app/heatmap/key_heat.h"
#include "app/heatmap/run_figures.h"
#include "app/heatmap/run_trace.h"

class QLabel;
class QSplitter;
class QTabWidget;

namespace ui {

class AnswerTokens;
class ConsultedList;
class ExperimentView;
class LayerGrid;
class LayerStrip;
class MapControls;
class MeasuresView;
class SelectionMap;
class TableWindow;
class TracePlayer;
class UnreadList;

/// Inspect: all layers at a glance, the map, below it what the words of the answer consulted, what nobody
/// consulted, measures, layers and experiments, and the scrubber. One selection model: what is chosen in one
/// of them is marked in the others and announced.
class TracePanel : public QWidget {
  Q_OBJECT

 public:
  explicit TracePanel(QWidget* parent = nullptr);
  ~TracePanel() override;

  /// app::make_run_trace and app::load_run_trace make runs off the main thread. Null: empty state.
  void set_run(std::shared_ptr<const app::RunTrace> run);
  const std::shared_ptr<const app::RunTrace>& run() const { return run_; }

  /// While a run is live, before there is a trace: what the newest token selected, per layer.
  void show_live(qint64 n_prompt_tokens, qint64 token, std::span<const engine::BlockSet> layers);

  /// Writes a picture as shown: PNG or SVG by the name's ending, off this thread; `exported` tells.
  void export_picture(app::TracePicture picture, const QString& path);
  /// The tables of what is shown, in a window of their own.
  TableWindow& show_tables();

  /// Shows another run over the same prompt minus this one; null: this one alone again.
  void set_compared(std::shared_ptr<const app::RunTrace> compared, const QString& name = {});
  /// Saved runs that may be compared, after `compare_menu_opened`.
  void set_comparable(const QList<QPair<qint64, QString>>& runs);

  SelectionMap& map() { return *map_; }
  MapControls& controls() { return *controls_; }
  ExperimentView& experiments() { return *experiments_; }
  ConsultedList& consulted() { return *consulted_; }
  QTabWidget& tabs() { return *tabs_; }

 public slots:
  /// From outside (words chosen in the conversation): shows what generated tokens [begin, end) selected, and
  /// announces the scope but not the choice.
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
  QWidget* make_lower();
  void connect_controls();
  void connect_views();
  void connect_experiments();
  void make_export_menu();
  void apply_options();
  void apply_style();
  void choose(qint64 begin, qint64 end);
  void show_phase();
  void choose_file(app::TracePicture picture);
  void say(const QString& text);
  QString record_text() const;
  void set_scope(const app::HeatScope& scope);

  std::shared_ptr<const app::RunTrace> run_;
  MapControls* controls_;
  SelectionMap* map_;
  ConsultedList* consulted_;
  AnswerTokens* tokens_;
  LayerStrip* layers_;
  TracePlayer* player_;
  UnreadList* unread_;
  MeasuresView* measures_;
  LayerGrid* grid_;
  ExperimentView* experiments_;
  TableWindow* tables_ = nullptr;
  QTabWidget* tabs_;
  QLabel* status_;
  QFutureWatcher<QString> export_;
};

}  // namespace ui
