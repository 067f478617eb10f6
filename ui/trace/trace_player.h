#pragma once

#include <QTimer>
#include <QWidget>
#include <memory>

#include "app/heatmap/run_trace.h"

class QLabel;
class QSlider;
class QToolButton;

namespace ui {

/// The scrubber: plays a generation token by token, so that map, list and pages show what each selected.
class TracePlayer : public QWidget {
  Q_OBJECT

 public:
  explicit TracePlayer(QWidget* parent = nullptr);
  void set_run(std::shared_ptr<const app::RunTrace> run);
  /// Moves the handle; emits nothing.
  void show_token(qint64 token);
  bool is_playing() const { return timer_.isActive(); }

 public slots:
  void play();
  void pause();

 signals:
  void token_changed(qint64 token);

 private:
  void step();
  void write_label();

  std::shared_ptr<const app::RunTrace> run_;
  QTimer timer_;
  QToolButton* button_;
  QSlider* slider_;
  QLabel* label_;
};

}  // namespace ui
