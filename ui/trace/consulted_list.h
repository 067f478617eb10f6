#pragma once

#include <QAbstractTableModel>
#include <QFutureWatcher>
#include <QWidget>
#include <memory>
#include <vector>

#include "app/heatmap/run_trace.h"
#include "app/heatmap/source_heat.h"

class QComboBox;
class QLabel;
class QTableView;

namespace ui {

/// Ranked source spans as a table: rank, source, text, share, layers.
class ConsultedModel : public QAbstractTableModel {
  Q_OBJECT

 public:
  enum Column { kRank, kSource, kText, kShare, kLayers, kColumnCount };
  using QAbstractTableModel::QAbstractTableModel;

  void set(std::shared_ptr<const app::RunTrace> run, std::vector<app::SpanHeat> spans);
  const app::SpanHeat& span(int row) const { return spans_[static_cast<std::size_t>(row)]; }
  const app::PromptBlock& block(int row) const { return run_->map.blocks[span(row).block]; }
  double heaviest() const { return spans_.empty() ? 0 : spans_.front().weight; }

  int rowCount(const QModelIndex& parent = {}) const override;
  int columnCount(const QModelIndex& parent = {}) const override;
  QVariant data(const QModelIndex& index, int role) const override;
  QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  std::shared_ptr<const app::RunTrace> run_;
  std::vector<app::SpanHeat> spans_;
};

/// What the chosen generated tokens selected, heaviest first; the table twin of the map.
class ConsultedList : public QWidget {
  Q_OBJECT

 public:
  explicit ConsultedList(QWidget* parent = nullptr);

  void set_run(std::shared_ptr<const app::RunTrace> run);
  void set_scope(const app::HeatScope& scope);
  const app::HeatScope& scope() const { return scope_; }
  const ConsultedModel& model() const { return *model_; }
  /// True when the table shows what was asked for last.
  bool is_ready() const { return !watcher_.isRunning(); }
  /// `plain` narrowed to whose selections the box above the table asks for.
  app::HeatScope phase_scope(app::HeatScope plain) const;

 signals:
  void source_activated(qint64 part, quint32 begin, quint32 end);
  /// Prompt positions of the row the pointer or the keyboard is on.
  void keys_marked(qint64 begin, qint64 end);
  /// Blocks of the prompt map.
  void pin_requested(const std::vector<std::size_t>& blocks);
  void mute_requested(const std::vector<std::size_t>& blocks);
  void ready();
  /// The box above the table was used.
  void phase_chosen();

 private:
  std::vector<std::size_t> chosen_blocks() const;
  void show_menu(const QPoint& at);
  struct Ranking {
    std::vector<app::SpanHeat> spans;
    std::int64_t n_queries = 0;
    int granularity = 0;
    bool sparse = false;
  };
  void refresh();
  void show_ranking(const Ranking& ranking);

  std::shared_ptr<const app::RunTrace> run_;
  app::HeatScope scope_;
  QFutureWatcher<Ranking> watcher_;
  ConsultedModel* model_;
  QComboBox* phase_;
  QTableView* table_;
  QLabel* note_;
};

}  // namespace ui
