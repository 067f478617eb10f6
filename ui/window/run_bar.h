#pragma once

#include <QWidget>

class QLabel;
class QToolButton;

namespace ui {

class Jobs;
class Workspace;

/// The right end of the bottom row: what runs, how far it is and how fast, with Cancel. The part of
/// the prompt that was read before is drawn apart.
class RunBar final : public QWidget {
  Q_OBJECT

 public:
  explicit RunBar(Workspace& workspace, QWidget* parent = nullptr);
  QString text() const;

 signals:
  void jobs_requested();

 protected:
  void paintEvent(QPaintEvent* event) override;
  QSize sizeHint() const override { return {320, 40}; }

 private:
  void show_state();
  void cancel();

  Workspace& workspace_;
  QLabel* label_;
  QToolButton* cancel_;
  double fraction_ = 0;
  double cached_ = 0;
  bool active_ = false;
};

}  // namespace ui
