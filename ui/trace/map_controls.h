#pragma once

#include <QList>
#include <QPair>
#include <QString>
#include <QWidget>

#include "app/heatmap/heat_matrix.h"
#include "app/heatmap/heat_palette.h"
#include "app/heatmap/key_heat.h"

class QAction;
class QActionGroup;
class QComboBox;
class QLabel;
class QMenu;
class QSlider;
class QToolButton;

namespace ui {

/// The row of controls above the map: rows, layers, what is left out, colours, and the menus for comparing
/// and for taking pictures and tables away. Fits into 560 pixels.
class MapControls : public QWidget {
  Q_OBJECT

 public:
  explicit MapControls(QWidget* parent = nullptr);

  /// Of the run that is shown; 0: no run, everything is off.
  void set_layers(int n_layers);
  void set_layer(int layer);
  int layer() const;
  void set_rows(app::MapRows rows);
  app::MatrixOptions matrix_options() const;
  /// Whatever was generated, with the layer and what is left out as chosen here.
  app::HeatScope scope() const;
  app::HeatScale scale() const;
  bool logarithmic() const;

  /// Saved runs that may be compared, after `compare_menu_opened`. `is_comparing` offers to end it.
  void set_comparable(const QList<QPair<qint64, QString>>& runs, bool is_comparing);
  QMenu* export_menu() const { return export_menu_; }
  QSize minimumSizeHint() const override { return {480, QWidget::minimumSizeHint().height()}; }

 signals:
  void options_changed();
  void style_changed();
  void whole_map_requested();
  void compare_menu_opened();
  void compare_requested(qint64 run);
  void compare_ended();

 private:
  void show_state();
  QMenu* make_view_menu();
  QToolButton* add_menu(const QString& text, const QString& tool_tip, QMenu* menu);

  int n_layers_ = 0;
  QComboBox* rows_;
  QComboBox* mix_;
  QLabel* layer_label_;
  QSlider* layer_;
  QAction* logarithmic_ = nullptr;
  QAction* without_sink_ = nullptr;
  QAction* without_newest_ = nullptr;
  QActionGroup* scales_ = nullptr;
  QMenu* compare_menu_;
  QMenu* export_menu_;
  QList<QToolButton*> menus_;
};

}  // namespace ui
