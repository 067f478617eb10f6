#pragma once

#include <QObject>
#include <QTimer>

namespace ui {

class MainWindow;

/// Drives the window for a picture: waits until project and model are there, asks, opens the first
/// citation, runs a command, saves the window (or the dialog that it opened) as PNG and ends the program.
class PictureTaker final : public QObject {
  Q_OBJECT

 public:
  /// `command` is the id of one, like "edit.settings"; empty: none.
  PictureTaker(MainWindow& window, const QString& question, const QString& command, const QString& file);
  QString failure() const { return failure_; }

 private:
  void look();
  void end(const QString& failure);

  MainWindow& window_;
  QString question_;
  QString command_;
  QString file_;
  QString failure_;
  QTimer timer_;
  int n_looks_ = 0;
  int n_quiet_ = 0;
  enum class Step { kLoading, kAsking, kSettling } step_ = Step::kLoading;
};

}  // namespace ui
